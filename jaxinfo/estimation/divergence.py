"""Divergence between two samples on the host."""

from typing import Any

from jaxinfo.core.types import Array, Key, shown
from jaxinfo.divergences import FDivergence
from jaxinfo.estimation.estimate import Estimate
from jaxinfo.estimation.keywords import refuse_keywords
from jaxinfo.estimation.variational.estimators import VariationalDivergence
from jaxinfo.estimation.variational.registry import DIVERGENCE_BOUNDS, RENYI

__all__ = ["estimate_divergence"]


def estimate_divergence(
    key: Key[Array, ""],
    samples_p: Any,
    samples_q: Any,
    *,
    divergence: str | FDivergence = "KL",
    estimator: VariationalDivergence | None = None,
    **settings: Any,
) -> Estimate:
    """Estimates a divergence between two distributions from samples in nats.

    D_f(P || Q) = E_q[f(p / q)]. Discriminators of several seeds are trained, selected
    and reported on three different parts of the rows.

    Source: Nguyen, Wainwright, Jordan, "Estimating divergence functionals", IEEE Trans.
        Information Theory 2010; Nowozin et al., "f-GAN", NeurIPS 2016.

    Args:
        key: random key.
        samples_p: rows from P, [N, ...] of any trailing shape.
        samples_q: rows from Q, [M, ...] of the same trailing shape; M may differ.
        divergence: a member of the f-family, such as `jaxinfo.divergences.KL`, or its
            name.
        estimator: a `VariationalDivergence`; None for the tightest bound of the
            divergence and default settings.
        **settings: rejected, with an error that names the estimator that takes them.

    Returns:
        An `Estimate` in nats; its `density_ratio(samples)` is log p / q.

    Raises:
        ValueError: if an argument does not fit; the message names it.
        TypeError: inside jit or vmap; use `make_divergence_run` there.

    Notes:
        The interval is for the bound that these discriminators reach. JENSEN_SHANNON is
        twice the usual Jensen-Shannon divergence.

    Example:
        >>> import jax
        >>> from jaxinfo.estimation import TrainConfig, VariationalDivergence
        >>> p, q = jax.random.normal(jax.random.key(0), (2, 2_000, 1))
        >>> quick = VariationalDivergence(train=TrainConfig(num_steps=300))
        >>> estimate = estimate_divergence(jax.random.key(1), p + 1, q, estimator=quick)
        >>> abs(estimate.value - 0.5) < 0.2
        True
    """
    refuse_keywords(settings, VariationalDivergence)
    estimator = VariationalDivergence() if estimator is None else estimator
    if not isinstance(estimator, VariationalDivergence):
        bounds = (*DIVERGENCE_BOUNDS, RENYI.name, "f_divergence")
        is_bound = isinstance(estimator, str) and estimator in bounds
        bound = repr(estimator) if is_bound else "BOUND"
        raise ValueError(
            f"estimator must be a VariationalDivergence, got {shown(estimator)}; give "
            f"VariationalDivergence({bound})"
        )
    return estimator(key, samples_p, samples_q, divergence)
