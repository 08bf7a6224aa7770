"""Probes that need no labels: the dependence and the information of representations."""

from typing import Any

import jax
import jax.numpy as jnp

from jaxinfo.core.checks import check_finite_rows, check_host_key, check_rank
from jaxinfo.core.types import Array, Float, Key
from jaxinfo.divergences import FDivergence
from jaxinfo.estimation import (
    Estimate,
    Estimator,
    VariationalDivergence,
    estimate_divergence,
    estimate_mutual_information,
)
from jaxinfo.infomax.probes import Probe, make_probe

__all__ = ["dependence_probe", "information_probe"]


def dependence_probe(
    key: Key[Array, ""],
    representations: Float[Array, "n d"],
    *,
    divergence: str | FDivergence = "KL",
    estimator: VariationalDivergence | None = None,
) -> Probe:
    """Estimates how dependent the coordinates of representations are, in nats.

    The value is a lower bound of the total correlation KL(p(y) || prod_d p(y_d)), or of
    another divergence. It compares half of the rows with the other half, of which each
    column is permuted by itself. The paper calls it the "neural dependency measure".

    Source: Hjelm et al., "Learning deep representations by mutual information
        estimation and maximization", ICLR 2019, section 4.1, who permute each batch.

    Args:
        key: random key.
        representations: [N, D], with at least two coordinates.
        divergence: a member of the f-family or its name.
        estimator: estimator of the divergence; None for the default.

    Returns:
        A `Probe` of the bound, whose protocol holds the whole `Estimate`.

    Raises:
        ValueError: if representations have another rank, one column, or values that are
            not finite; from the estimator.

    Notes:
        If some coordinates determine others, the divergence is infinite and a bound of
        KL grows for as long as it is trained; `saturated` of the estimate reports this.
        `divergence="JENSEN_SHANNON"` is at most 2 ln 2.
    """
    check_host_key(key)
    check_rank(2, representations=representations)
    check_finite_rows(representations=representations)
    if representations.shape[1] < 2:
        raise ValueError(
            "representations must have at least two columns, got shape "
            f"{representations.shape}"
        )
    for_rows, for_columns, for_estimate = jax.random.split(key, 3)
    even = len(representations) // 2 * 2
    joint, other = jnp.split(
        jax.random.permutation(for_rows, representations)[:even], 2
    )
    product = jax.random.permutation(for_columns, other, axis=0, independent=True)
    estimate = estimate_divergence(
        for_estimate, joint, product, divergence=divergence, estimator=estimator
    )
    return _probe_of_estimate(estimate, "dependence of coordinates", estimator)


def information_probe(
    key: Key[Array, ""],
    inputs: Float[Array, "n ..."],
    representations: Float[Array, "n d"],
    *,
    estimator: str | Estimator | None = None,
) -> Probe:
    """Estimates the information between inputs and their representations, in nats.

    Source: Hjelm et al., "Learning deep representations by mutual information
        estimation and maximization", ICLR 2019, section 4.1, who use MINE.

    Args:
        key: random key.
        inputs: inputs of the encoder, such as images, [N, ...].
        representations: [N, D].
        estimator: an estimator or its name, as in `estimate_mutual_information`.

    Returns:
        A `Probe` of the estimate, whose protocol holds the whole `Estimate`.

    Raises:
        ValueError: from the estimator.

    Notes:
        A representation that is a smooth function of a continuous input has infinite
        information with it. The value is then the information that the estimator's
        networks find in these rows; see `saturated` and `upper` of the estimate.
    """
    check_host_key(key)
    estimate = estimate_mutual_information(
        key, inputs, representations, estimator=estimator
    )
    return _probe_of_estimate(estimate, "information with the input", estimator)


def _probe_of_estimate(estimate: Estimate, probe: str, estimator: Any) -> Probe:
    found = make_probe(
        estimate.diagnostics.per_seed,
        probe=probe,
        unit="nats",
        estimator=repr(estimator),
        estimate=estimate.to_dict(),
    )
    # The estimate may differ from the mean over its seeds.
    return found._replace(value=estimate.value)
