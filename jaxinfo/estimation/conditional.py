"""Conditional information and transfer entropy from samples, by the chain rule."""

from collections.abc import Callable
from typing import Any

import numpy as np

from jaxinfo.core.checks import check_key, check_positive
from jaxinfo.core.types import Array, Float, Key
from jaxinfo.estimation.cross_fit import FEWEST_ROWS, CrossFit
from jaxinfo.estimation.cross_fit_estimate import check_new_rows, estimate_difference
from jaxinfo.estimation.host import Budget
from jaxinfo.estimation.mutual_information import RECIPE_STEPS
from jaxinfo.estimation.preprocessing import check_row_counts, check_rows, warn
from jaxinfo.estimation.report import Estimate
from jaxinfo.training.sweep import Layout

__all__ = [
    "estimate_conditional_mutual_information",
    "estimate_transfer_entropy",
    "lagged_rows",
]


def estimate_conditional_mutual_information(
    key: Key[Array, ""],
    x: Any,
    y: Any,
    z: Any,
    *,
    num_seeds: int = 8,
    num_steps: int | None = None,
    batch_size: int | None = None,
    eval_every: int = 100,
    patience: int | None = 500,
    layout: Layout = "auto",
    progress: bool | None = None,
) -> Estimate:
    """Estimates the information of x and y given z in nats, with its error.

    I(X; Y | Z) = I(X; (Y, Z)) - I(X; Z), both by the default recipe of
    `estimate_mutual_information` on the same folds. The terms share their rows and so
    most of their noise: the error is that of the difference row by row.

    Source: Cover and Thomas, "Elements of information theory", 2006, equation 2.62 (the
        chain rule); Mukherjee, Asnani and Kannan, "CCMI: classifier based conditional
        mutual information estimation", UAI 2020, for the difference of two networks.

    Args:
        key: random key.
        x: rows of x, [N, ...] of any trailing shape.
        y: rows of y, [N, ...], row i drawn with row i of x.
        z: rows of z, [N, ...], the same.
        num_seeds: critics of each term, over all four folds.
        num_steps: the most updates of each critic; None for 4,000.
        batch_size: rows of a minibatch; None for 256, or the training rows if fewer.
        eval_every: updates between validations.
        patience: stop a critic after this many updates without better validation.
        layout: how critics are laid out, see `jaxinfo.training.sweep`.
        progress: show a bar; None for long runs on a terminal.

    Returns:
        An `Estimate` in nats; its `log_ratio(x, y, z)` is the pointwise
        log p(x, y | z) / (p(x | z) p(y | z)). `per_seed` is of critics by their number,
        and `history` holds the critics of both terms, one after the other.

    Raises:
        ValueError: where an argument does not fit, which the message names.
        TypeError: inside jit or vmap.

    Notes:
        The order of x and y matters to the estimate, not to the truth: whichever has
        fewer coordinates stands alone, x where both have as many. On the tasks of the
        suite "cmi" the two orders differ by a third of the standard error at most.
        There is no p-value: pairs that are shuffled lose what each owes to z as well.

    Example:
        >>> import jax
        >>> key, *keys = jax.random.split(jax.random.key(0), 4)
        >>> x, e, z = (jax.random.normal(k, (400, 1)) for k in keys)
        >>> estimate = estimate_conditional_mutual_information(
        ...     key, x + z, z + e, z, num_steps=50
        ... )
        >>> bool(abs(estimate.value) < 0.1)  # Independent, once z is known.
        True
    """
    check_key(0, key=key)
    checked, doubts = _check(x=x, y=y, z=z)
    shapes = {name: rows.shape[1:] for name, rows in checked.items()}
    flat_x, flat_y, flat_z = (rows.reshape(len(rows), -1) for rows in checked.values())
    swaps = flat_y.shape[1] < flat_x.shape[1]

    def make_log_ratio(pointwise: _Pointwise) -> Callable[[Any, Any, Any], np.ndarray]:
        def log_ratio(x: Any, y: Any, z: Any) -> np.ndarray:
            """Log p(x, y | z) / (p(x | z) p(y | z)) in nats, [N]."""
            x, y, z = check_new_rows(shapes, x, y, z)
            return pointwise(y, x, z) if swaps else pointwise(x, y, z)

        return log_ratio

    return _estimate_by_chain_rule(
        key,
        (flat_y, flat_x, flat_z) if swaps else (flat_x, flat_y, flat_z),
        budget=_budget(num_seeds, num_steps, eval_every, layout, progress),
        batch_size=batch_size,
        patience=patience,
        doubts=doubts,
        make_log_ratio=make_log_ratio,
        quantity="conditional mutual information",
    )


def estimate_transfer_entropy(
    key: Key[Array, ""],
    source: Any,
    target: Any,
    *,
    lags: int = 1,
    num_seeds: int = 8,
    num_steps: int | None = None,
    batch_size: int | None = None,
    eval_every: int = 100,
    patience: int | None = 500,
    layout: Layout = "auto",
    progress: bool | None = None,
) -> Estimate:
    """Estimates what the past of a series tells of another's next step, in nats.

    T = I(target_t; source_(t-1), ..., source_(t-L) | target_(t-1), ..., target_(t-L)),
    by the chain rule as in `estimate_conditional_mutual_information`. Each fold is a
    stretch of time, and the error allows for rows that depend on their neighbors.

    Source: Schreiber, "Measuring information transfer", Phys. Rev. Lett. 85, 2000,
        equation 4 with k = l = L.

    Args:
        key: random key.
        source: the series that may drive, in the order of time, [T] or [T, ...].
        target: the series that may be driven, [T] or [T, ...], at the same times.
        lags: L, how many steps of the past.
        num_seeds: critics of each term, over all four folds.
        num_steps: the most updates of each critic; None for 4,000.
        batch_size: rows of a minibatch; None for 256, or the training rows if fewer.
        eval_every: updates between validations.
        patience: stop a critic after this many updates without better validation.
        layout: how critics are laid out, see `jaxinfo.training.sweep`.
        progress: show a bar; None for long runs on a terminal.

    Returns:
        An `Estimate` in nats from T - L rows; its `log_ratio(source, target)` is the
        local transfer entropy at each step but the first L of two series, [T - L].

    Raises:
        ValueError: where an argument does not fit, which the message names.
        TypeError: inside jit or vmap.

    Notes:
        Both series must be stationary. Past further back than L steps counts neither as
        what the target knows of itself nor as what the source tells; a common driver
        that is not given looks like transfer. Where a series remembers tens of steps
        its extremes come in few clumps, and the error may be several times larger.

    Example:
        >>> import jax
        >>> noise = jax.random.normal(jax.random.key(1), (2, 401))
        >>> x, y = noise[0], noise[1].at[1:].add(noise[0, :-1])  # Half a log of 2.
        >>> estimate = estimate_transfer_entropy(jax.random.key(0), x, y, num_steps=50)
        >>> bool(abs(estimate.value - 0.5 * np.log(2)) < 0.2)
        True
    """
    check_key(0, key=key)
    check_positive(lags=lags)
    checked, doubts = _check(source=source, target=target)
    rows = _rows_of_series(**checked, lags=lags)
    if len(rows[0]) < FEWEST_ROWS:
        raise ValueError(
            f"source and target give {len(rows[0])} rows with lags={lags}; the "
            f"estimate needs at least {FEWEST_ROWS}"
        )
    shapes = {name: series.shape[1:] for name, series in checked.items()}

    def make_log_ratio(pointwise: _Pointwise) -> Callable[[Any, Any], np.ndarray]:
        def log_ratio(source: Any, target: Any) -> np.ndarray:
            """Local transfer entropy at each step but the first L, nats, [T - L]."""
            source, target = check_new_rows(shapes, source, target)
            return pointwise(*_rows_of_series(source, target, lags))

        return log_ratio

    return _estimate_by_chain_rule(
        key,
        rows,
        budget=_budget(num_seeds, num_steps, eval_every, layout, progress),
        batch_size=batch_size,
        patience=patience,
        doubts=doubts,
        make_log_ratio=make_log_ratio,
        quantity="transfer entropy",
        is_series=True,
    )


def lagged_rows(
    series: Float[np.ndarray, "t ..."], lags: int
) -> Float[np.ndarray, "n d"]:
    """The past of a series at each step: row t holds its steps t-1, t-2, ..., t-L.

    Args:
        series: in the order of time, [T] or [T, ...].
        lags: L, at least 1 and below T.

    Returns:
        The past at the steps L, ..., T-1, the latest first, [T - L, L D].

    Raises:
        ValueError: where lags leave no row.

    Example:
        >>> lagged_rows(np.arange(4), 2).tolist()
        [[1, 0], [2, 1]]
    """
    check_positive(lags=lags)
    series = np.asarray(series)
    length = len(series) if series.ndim else 0
    if lags >= length:
        raise ValueError(f"lags must be below the length {length}, got {lags}")
    flat = series.reshape(length, -1)
    return np.concatenate(
        [flat[lags - lag : length - lag] for lag in range(1, lags + 1)], axis=1
    )


_Rows = tuple[np.ndarray, np.ndarray, np.ndarray]
_Pointwise = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def _estimate_by_chain_rule(
    key: Array,
    rows: _Rows,
    *,
    make_log_ratio: Callable[[_Pointwise], Callable[..., np.ndarray]],
    **settings: Any,
) -> Estimate:
    """I(X; Y | Z) = I(X; (Y, Z)) - I(X; Z) from rows of x, y and z, [N, D] each."""
    x, y, z = rows

    def read(fits: list[CrossFit]) -> Callable[..., np.ndarray]:
        both, given = fits

        def pointwise(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
            return both.log_ratio(x, np.hstack([y, z])) - given.log_ratio(x, z)

        return make_log_ratio(pointwise)

    pairs = [(x, np.hstack([y, z])), (x, z)]
    estimate = estimate_difference(key, pairs, make_log_ratio=read, **settings)
    warn(list(estimate.warnings))
    return estimate


def _check(**samples: Any) -> tuple[dict[str, np.ndarray], list[str]]:
    """Checked rows of each argument, and sentences about what is doubtful."""
    checked = {
        name: check_rows(name, rows, takes_labels=True)
        for name, rows in samples.items()
    }
    rows = {name: array for name, (array, _) in checked.items()}
    check_row_counts(**rows)
    return rows, [doubt for _, doubts in checked.values() for doubt in doubts]


def _budget(
    num_seeds: int,
    num_steps: int | None,
    eval_every: int,
    layout: Layout,
    progress: bool | None,
) -> Budget:
    check_positive(num_seeds=num_seeds)
    steps = RECIPE_STEPS if num_steps is None else num_steps
    return Budget(num_seeds, steps, eval_every, layout, progress)


def _rows_of_series(source: np.ndarray, target: np.ndarray, lags: int) -> _Rows:
    """The target at each step, the source's past and the target's own."""
    past = lagged_rows(source, lags), lagged_rows(target, lags)
    return target[lags:].reshape(len(past[0]), -1), *past
