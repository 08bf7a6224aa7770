"""Mutual information from samples: data on the host in, an estimate out."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxinfo.core.checks import check_key, check_positive
from jaxinfo.core.numerics import log_mean_exp
from jaxinfo.core.types import Array, Key, PyTree
from jaxinfo.divergences import FDivergence
from jaxinfo.estimation.bound import Bound
from jaxinfo.estimation.bounds import information_bound
from jaxinfo.estimation.cross_fit_estimate import estimate_cross_fitted
from jaxinfo.estimation.fit import (
    Optimizer,
    adam,
    as_critic,
    resolve_batch_size,
)
from jaxinfo.estimation.host import Budget, Parts, estimate_over_seeds
from jaxinfo.estimation.information_run import make_run
from jaxinfo.estimation.information_scores import Scorer, as_auxiliary
from jaxinfo.estimation.preprocessing import (
    Standardization,
    check_rows,
    check_same_rows,
    fit_standardization,
    split_rows,
)
from jaxinfo.estimation.report import Estimate
from jaxinfo.information.scoring import (
    make_blocks,
    pairwise_scores,
)
from jaxinfo.training.sweep import Layout

__all__ = ["estimate_mutual_information"]

RECIPE_STEPS, BOUND_STEPS = 4_000, 2_000


def estimate_mutual_information(
    key: Key[Array, ""],
    x: Any,
    y: Any,
    *,
    bound: str | FDivergence | Bound | None = None,
    critic: Any = None,
    auxiliary: Any = None,
    optimizer: Optimizer = adam,
    num_seeds: int = 8,
    num_steps: int | None = None,
    batch_size: int | None = None,
    negative_sampling: str | None = None,
    num_negatives: int = 4,
    eval_every: int = 100,
    patience: int | None = 500,
    split: tuple[float, float, float] = (0.6, 0.2, 0.2),
    layout: Layout = "auto",
    progress: bool | None = None,
    **settings: float,
) -> Estimate:
    """Estimates the mutual information of paired samples in nats, with its error.

    I(X; Y) = KL(p(x, y) || p(x) p(y)). With neither a bound nor a critic named, critics
    (half of them correct a closed form) are cross-fitted over all rows, and the value
    stands for the information itself. Otherwise the bound's critic is trained on one
    part of the rows, chosen on a second and reported on a third, for several seeds at
    once.

    Source: Belghazi et al., "Mutual information neural estimation", ICML 2018; Poole
        et al., "On variational bounds of mutual information", ICML 2019.

    Args:
        key: random key.
        x: rows of x, [N, ...] of any trailing shape.
        y: rows of y, [N, ...], row i paired with row i of x.
        bound: a name (`information_bound_names()`), a member of the f-family, or a
            `Bound`; None for the default recipe, or "mine" where a critic is given.
        critic: a `Critic`, a `Network` of two inputs or a pair (init, apply); None for
            a bundled one that suits the bound.
        auxiliary: the second network of a bound that has one, see `make_run`; None for
            a bundled one.
        optimizer: a maker such as `optax.adam`, whose keywords become settings, or an
            optax optimizer, which compiles anew for each object made.
        num_seeds: seeds, trained in one compiled call; of the default recipe, critics
            over all four folds.
        num_steps: the most updates of each seed; None for 2,000, or 4,000 of the
            default recipe.
        batch_size: rows of a minibatch; None for 256, or the training rows if fewer.
        negative_sampling: product pairs in training, see `make_run`.
        num_negatives: product pairs for each row in training.
        eval_every: updates between validations.
        patience: stop a seed after this many updates without better validation.
        split: shares of training, validation and test rows.
        layout: how seeds are laid out, see `jaxinfo.training.sweep`.
        progress: show a bar; None for long runs on a terminal.
        **settings: numbers of the bound or of the optimizer's maker, such as `clip` or
            `learning_rate`; new values do not compile anew.

    Returns:
        An `Estimate` in nats; its `log_ratio(x, y)` is the pointwise information.

    Raises:
        ValueError: where an argument does not fit, which the message names.
        TypeError: inside jit or vmap: use `make_run` there.

    Notes:
        The interval of a bound is one for what these critics reach, which is below the
        information where the critic is too small or the rows are too few. That of the
        default recipe counts the cost of fitting, but not what no critic of its size
        can see. `optimizer`, `auxiliary`, `negative_sampling`, `num_negatives`, `split` and settings
        belong to bounds.

    Example:
        >>> key_x, key_noise, key = jax.random.split(jax.random.key(0), 3)
        >>> x = jax.random.normal(key_x, (400, 1))
        >>> y = x + jax.random.normal(key_noise, (400, 1))
        >>> estimate = estimate_mutual_information(key, x, y, num_steps=50)
        >>> bool(abs(estimate.value - 0.5 * np.log(2)) < 0.2)
        True
    """
    check_key(0, key=key)
    by_recipe = bound is None and critic is None
    checked_x, doubts_x = check_rows("x", x, takes_labels=by_recipe)
    checked_y, doubts_y = check_rows("y", y, takes_labels=by_recipe)
    check_same_rows(checked_x, checked_y)
    if num_steps is None:
        num_steps = RECIPE_STEPS if by_recipe else BOUND_STEPS
    budget = Budget(num_seeds, num_steps, eval_every, layout, progress)
    doubts = [*doubts_x, *doubts_y]
    if by_recipe:
        own = [optimizer, auxiliary, negative_sampling, num_negatives, split]
        if own != [adam, None, None, 4, (0.6, 0.2, 0.2)] or settings:
            raise ValueError(
                "optimizer, auxiliary, negative_sampling, num_negatives, split and settings "
                f"({', '.join(settings) or 'none'}) belong to a bound: name one, such "
                "as bound='mine'"
            )
        check_positive(num_seeds=num_seeds)
        return estimate_cross_fitted(
            key,
            checked_x,
            checked_y,
            budget=budget,
            batch_size=batch_size,
            patience=patience,
            doubts=doubts,
        )
    resolved = information_bound("mine" if bound is None else bound)
    resolved.check_settings(settings)
    critic = as_critic(resolved.critic() if critic is None else critic)
    auxiliary = as_auxiliary(resolved, auxiliary)
    run = make_run(
        critic,
        bound=resolved,
        auxiliary=auxiliary,
        optimizer=optimizer,
        num_steps=num_steps,
        batch_size=batch_size,
        negative_sampling=negative_sampling,
        num_negatives=num_negatives,
        eval_every=eval_every,
        patience=patience,
        report_progress=budget.shows_bar,
    )
    split_key, sweep_key = jax.random.split(key)
    rows = split_rows(split_key, len(checked_x), split)
    scale_x, scale_y = (fit_standardization(z[rows[0]]) for z in (checked_x, checked_y))
    train, validation, test = (
        (scale_x.apply(checked_x[part]), scale_y.apply(checked_y[part]))
        for part in rows
    )
    block_size = resolve_batch_size(batch_size, len(rows[0]))
    reference = tuple(array[:block_size] for array in test)
    num_candidates = make_blocks(len(rows[2]), block_size).rows.shape[1]
    return estimate_over_seeds(
        sweep_key,
        run,
        resolved,
        Parts(train, validation, test),
        settings,
        budget,
        make_log_ratio=functools.partial(
            _make_log_ratio,
            Scorer(resolved, critic, auxiliary),
            (scale_x, scale_y),
            reference,
        ),
        ceiling=resolved.ceiling(num_candidates, **resolved.own_settings(settings)),
        quantity="mutual information",
        num_samples=len(checked_x),
        doubts=doubts,
    )


def _make_log_ratio(
    scorer: Scorer,
    scales: tuple[Standardization, Standardization],
    reference: tuple[Array, ...],
    params: PyTree,
    log_normalizer: Array,
) -> Callable[[Any, Any], np.ndarray]:
    @jax.jit
    def mean_over_seeds(params: PyTree, constants: Array, x: Array, y: Array) -> Array:
        def one(params: PyTree, constant: Array) -> Array:
            own, identifiable_up_to = (
                scorer.critic_params(params),
                scorer.bound.identifiable_up_to,
            )
            scores = scorer.bound.log_ratio(*scorer.on_joint(params, x, y))
            if identifiable_up_to == "x":
                others = pairwise_scores(scorer.critic, own, x, reference[1])
                return scores - log_mean_exp(others, axis=1)
            if (
                identifiable_up_to == "y"
            ):  # A density's q(y) = mean of q(y | x_j), for one.
                others = pairwise_scores(scorer.critic, own, reference[0], y)
                return scores - log_mean_exp(others, axis=0)
            return scores - constant

        return jnp.mean(jax.vmap(one)(params, constants), axis=0)

    def log_ratio(x: Any, y: Any) -> np.ndarray:
        """Pointwise mutual information log p(x, y) / (p(x) p(y)) in nats, [N]."""
        checked_x, checked_y = scales[0].check("x", x), scales[1].check("y", y)
        check_same_rows(checked_x, checked_y)
        rows = scales[0].apply(checked_x), scales[1].apply(checked_y)
        return np.asarray(mean_over_seeds(params, log_normalizer, *rows))

    return log_ratio
