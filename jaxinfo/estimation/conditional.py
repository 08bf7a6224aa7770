"""Conditional mutual information and transfer entropy by the chain rule."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxinfo.core.checks import check_host_key, check_positive
from jaxinfo.core.types import Array, Float, Key
from jaxinfo.data.containers import Discrete, Table, beside
from jaxinfo.estimation.classical import KSG, MixedKSG, PlugIn
from jaxinfo.estimation.cross_fitted import CrossFitted, estimate_difference
from jaxinfo.estimation.density_ratio import DensityRatio
from jaxinfo.estimation.determinism import is_determined_by
from jaxinfo.estimation.estimate import Diagnostics, Estimate, History
from jaxinfo.estimation.estimators import (
    Estimator,
    find_estimator,
    name_of,
)
from jaxinfo.estimation.keywords import refuse_keywords
from jaxinfo.estimation.pair_estimator import (
    PairEstimator,
    at_limits,
    estimate_pair,
    with_warnings,
)
from jaxinfo.estimation.preprocessing import is_traced, warn
from jaxinfo.estimation.samples import (
    RowFormat,
    Samples,
    read_rows_of,
    read_samples,
    read_tables,
    warnings_of_table,
)
from jaxinfo.estimation.significance import (
    conditional_independence_p_value,
    transfer_p_value,
)
from jaxinfo.estimation.uncertainty import summary_around
from jaxinfo.estimation.variational.estimators import Variational

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
    estimator: str | Estimator | None = None,
    discrete: Discrete | Mapping[str, Discrete] = None,
    missing: str = "error",
    groups: Any = None,
    is_series: bool = False,
    **settings: Any,
) -> Estimate:
    """Estimates the information of x and y given z in nats, with its error.

    I(X; Y | Z) = I(X; (Y, Z)) - I(X; Z). The default estimator computes both terms on
    the same folds, so most of their noise cancels. The error is computed from the
    difference of their influence functions.

    Source: Cover and Thomas, "Elements of information theory", 2006, equation 2.62 (the
        chain rule); Mukherjee, Asnani and Kannan, "CCMI: classifier based conditional
        mutual information estimation", UAI 2020, for the difference of two networks.

    Args:
        key: random key.
        x: rows of x, [N, ...] of any trailing shape.
        y: rows of y, [N, ...]; row i is paired with row i of x.
        z: rows of z, [N, ...]; row i is paired with row i of x.
        estimator: an estimator of mutual information or its name, as in
            `estimate_mutual_information`. For estimators other than `CrossFitted`, the
            errors of the two terms are combined as if they were independent.
        discrete: which columns hold labels: True or False, a list of names of columns,
            or a dict such as `{"x": True, "y": [0, 2]}`. None for text, categories,
            truth values, and what the estimator takes for labels.
        missing: "error", or "drop" to leave out rows with missing values.
        groups: a label for each row, [N]: rows of one group, such as repeated
            measurements, depend on each other.
        is_series: whether the rows are steps in time that depend on each other.
        **settings: rejected, with an error that names the estimator that takes them.

    Returns:
        An `Estimate` in nats; its `density_ratio(x, y, z)` is the pointwise
        log p(x, y | z) / (p(x | z) p(y | z)). `diagnostics.per_seed` has the difference
        of the two terms for each seed, and `diagnostics.history` the validation curves
        of the first term followed by those of the second.

    Raises:
        ValueError: if an argument does not fit; the message names it.
        TypeError: inside jit or vmap.

    Notes:
        The formula is symmetric in x and y, but the estimate is not. The variable with
        fewer coordinates is used as x in the formula. On the tasks of the suite "cmi"
        the two orders differ by at most a third of the standard error.
        The default estimator gives the p-value of independence given z; see
        `conditional_independence_p_value`.

    Example:
        >>> from jaxinfo.estimation import CrossFitted, TrainConfig
        >>> x, e, z = jax.random.normal(jax.random.key(0), (3, 400, 1))
        >>> quick = CrossFitted(train=TrainConfig(num_steps=50))
        >>> estimate = estimate_conditional_mutual_information(
        ...     jax.random.key(1), x + z, z + e, z, estimator=quick
        ... )
        >>> bool(abs(estimate.value) < 0.1)  # x and y are independent given z.
        True
    """
    refuse_keywords(settings, KSG, MixedKSG, PlugIn, CrossFitted, Variational)
    check_host_key(key)
    samples = read_samples(
        x=x,
        y=y,
        z=z,
        discrete=discrete,
        missing=missing,
        groups=groups,
        is_series=is_series,
    )
    swaps = samples.flat[1].shape[1] < samples.flat[0].shape[1]
    return _by_chain_rule(
        find_estimator(estimator),
        key,
        samples,
        ("y", "x", "z") if swaps else ("x", "y", "z"),
        quantity="conditional mutual information",
        wrap=functools.partial(
            ConditionalDensityRatio, formats=_formats(samples.tables), swaps=swaps
        ),
        find_p_value=functools.partial(
            conditional_independence_p_value,
            groups=samples.groups,
            is_series=samples.is_series,
        ),
    )


def estimate_transfer_entropy(
    key: Key[Array, ""],
    source: Any,
    target: Any,
    *,
    lags: int = 1,
    estimator: str | Estimator | None = None,
    discrete: Discrete | Mapping[str, Discrete] = None,
    missing: str = "error",
    **settings: Any,
) -> Estimate:
    """Estimates the transfer entropy from one series to another in nats.

    T = I(target_t; source_(t-1), ..., source_(t-L) | target_(t-1), ..., target_(t-L)),
    by the chain rule as in `estimate_conditional_mutual_information`. With the default
    estimator, each fold consists of stretches of time, and the error accounts for the
    dependence of neighboring rows.

    Source: Schreiber, "Measuring information transfer", Phys. Rev. Lett. 85, 2000,
        equation 4 with k = l = L.

    Args:
        key: random key.
        source: the driving series, ordered in time, [T] or [T, ...].
        target: the driven series at the same times, [T] or [T, ...].
        lags: L, the number of past steps.
        estimator: an estimator of mutual information or its name, as in
            `estimate_mutual_information`.
        discrete: which columns hold labels: True or False, a list of names of columns,
            or a dict such as `{"target": True}`. None for text, categories,
            truth values, and what the estimator takes for labels.
        missing: "error", or "drop" to leave out rows with missing values.
        **settings: rejected, with an error that names the estimator that takes them.

    Returns:
        An `Estimate` in nats from T - L rows; its `density_ratio(source, target)` is
        the local transfer entropy at each step after the first L, [T - L].

    Raises:
        ValueError: if an argument does not fit; the message names it.
        TypeError: inside jit or vmap.

    Notes:
        Both series must be stationary. The past before the last L steps is ignored for
        both series. An unobserved common driver can appear as transfer. The p-value of
        the default estimator compares with circular shifts of the source; see
        `transfer_p_value`. If a series is
        correlated over a large part of its length, the true error can be twice the
        reported one.

    Example:
        >>> from jaxinfo.estimation import CrossFitted, TrainConfig
        >>> noise = jax.random.normal(jax.random.key(1), (2, 401))
        >>> x, y = noise[0], noise[1].at[1:].add(noise[0, :-1])
        >>> quick = CrossFitted(train=TrainConfig(num_steps=50))
        >>> key = jax.random.key(0)
        >>> estimate = estimate_transfer_entropy(key, x, y, estimator=quick)
        >>> bool(abs(estimate.value - 0.5 * np.log(2)) < 0.2)
        True
    """
    refuse_keywords(settings, KSG, MixedKSG, PlugIn, CrossFitted, Variational)
    check_host_key(key)
    check_positive(lags=lags)
    tables = read_tables(discrete, source=source, target=target)
    past = {name: _past(table, lags) for name, table in tables.items()}
    found = find_estimator(estimator)
    samples = read_samples(
        target=tables["target"].take(slice(lags, None)),
        source_past=past["source"],
        target_past=past["target"],
        missing=missing,
        is_series=True,
    )
    # Constant columns are named once, as the user knows them.
    of_series = [w for item in tables.items() for w in warnings_of_table(*item)]
    of_rows = [w for w in samples.warnings if w.split()[0] not in samples.tables]
    samples = dataclasses.replace(
        samples,
        # An estimator of the user's own has no such argument.
        is_series=isinstance(found, PairEstimator),
        warnings=(*of_series, *of_rows),
    )
    return _by_chain_rule(
        found,
        key,
        samples,
        ("target", "source_past", "target_past"),
        quantity="transfer entropy",
        wrap=functools.partial(
            TransferDensityRatio, formats=_formats(tables), lags=lags
        ),
        find_p_value=lambda p_key, steps, source_past, target_past: transfer_p_value(
            p_key, source_past, steps, target_past
        ),
    )


def _past(table: Table, lags: int) -> Table:
    """The past of a series at each step, [T - L, L D]."""
    return Table(
        lagged_rows(table.values, lags),
        table.is_label * lags,
        table.levels * lags,
        tuple(f"{name}, lag {lag + 1}" for lag in range(lags) for name in table.names),
    )


def lagged_rows(
    series: Float[np.ndarray, "t ..."] | Float[Array, "t ..."], lags: int
) -> Any:
    """Returns the past of a series at each step: row t holds steps t-1, ..., t-L.

    Args:
        series: the series, ordered in time, [T] or [T, ...].
        lags: L, at least 1 and below T.

    Returns:
        The past at the steps L, ..., T-1, most recent step first, [T - L, L D].

    Raises:
        ValueError: if the lags leave no row.

    Example:
        >>> lagged_rows(np.arange(4), 2).tolist()
        [[1, 0], [2, 1]]
    """
    check_positive(lags=lags)
    xp = jnp if is_traced(series) else np
    steps = xp.asarray(series)
    length = len(steps) if steps.ndim else 0
    if lags >= length:
        raise ValueError(f"lags must be below the length {length}, got {lags}")
    flat = steps.reshape(length, -1)
    return xp.concatenate(
        [flat[lags - lag : length - lag] for lag in range(1, lags + 1)], axis=1
    )


# Density ratios --------------------------------------------------------------------


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["joint", "given"],
    meta_fields=["formats", "swaps"],
)
@dataclasses.dataclass(frozen=True, eq=False)
class ConditionalDensityRatio(DensityRatio):
    """log p(x, y | z) / (p(x | z) p(y | z)) in nats, from two density ratios.

    Attributes:
        joint: density ratio of x and (y, z).
        given: density ratio of x and z.
        formats: formats of x, y and z.
        swaps: whether the formula uses y as x and x as y.
    """

    joint: DensityRatio
    given: DensityRatio
    formats: tuple[RowFormat, ...]
    swaps: bool

    def log_ratio(self, x: Any, y: Any, z: Any) -> Float[Array, " n"]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Evaluates the pointwise conditional information of each row, nats, [N]."""
        x, y, z = read_rows_of(self.formats, x, y, z)
        flat = [rows.reshape(len(rows), -1) for rows in (x, y, z)]
        if self.swaps:
            flat[0], flat[1] = flat[1], flat[0]
        return _difference(self, *flat)


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["joint", "given"],
    meta_fields=["formats", "lags"],
)
@dataclasses.dataclass(frozen=True, eq=False)
class TransferDensityRatio(DensityRatio):
    """Local transfer entropy in nats, from two density ratios.

    Attributes:
        joint: density ratio of the target and both pasts.
        given: density ratio of the target and its own past.
        formats: formats of source and target.
        lags: number of past steps.
    """

    joint: DensityRatio
    given: DensityRatio
    formats: tuple[RowFormat, ...]
    lags: int

    def log_ratio(self, source: Any, target: Any) -> Float[Array, " n"]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Evaluates the local transfer entropy after the first L steps, [T - L]."""
        source, target = read_rows_of(self.formats, source, target)
        past = lagged_rows(source, self.lags), lagged_rows(target, self.lags)
        steps = target[self.lags :].reshape(len(past[0]), -1)
        return _difference(self, steps, *past)


def _difference(
    ratio: ConditionalDensityRatio | TransferDensityRatio, x: Any, y: Any, z: Any
) -> Array:
    xp = jnp if is_traced(x, y, z) else np
    return ratio.joint(x, xp.concatenate([y, z], axis=1)) - ratio.given(x, z)


# The chain rule --------------------------------------------------------------------


def _by_chain_rule(
    estimator: Estimator,
    key: Array,
    samples: Samples,
    names: tuple[str, str, str],
    *,
    quantity: str,
    wrap: Any,
    find_p_value: Callable[..., float],
) -> Estimate:
    """I(X; Y | Z) = I(X; (Y, Z)) - I(X; Z) for the variables of these names."""
    x, y, z = (beside(samples.tables[name]) for name in names)  # Flat rows.
    pairs = [
        dataclasses.replace(samples, tables={"x": x, "y": other})
        for other in (beside(y, z), z)
    ]
    if isinstance(estimator, CrossFitted):
        estimate = estimate_difference(
            estimator,
            key,
            pairs,
            quantity=quantity,
            make_density_ratio=wrap,
            find_p_value=lambda p_key, *_: find_p_value(
                p_key, *(samples.tables[name].flat for name in names)
            ),
        )
    else:
        keys = jax.random.split(key)
        joint, given = (
            estimate_pair(estimator, k, pair)
            for k, pair in zip(keys, pairs, strict=True)
        )
        estimate = _subtract(estimator, joint, given, quantity, wrap)
    if is_determined_by(x, z) or is_determined_by(y, z):
        estimate = _without_information(estimate, names)
    else:
        estimate = at_limits(estimate, *pairs)
    warn(list(estimate.diagnostics.warnings))
    return estimate


def _without_information(estimate: Estimate, names: tuple[str, str, str]) -> Estimate:
    """The estimate 0, for a variable that is a function of the condition."""
    x, y, z = names
    estimate = with_warnings(
        estimate,
        [f"{x} or {y} is a function of {z}, so their information given {z} is 0"],
    )
    found = dataclasses.replace(
        estimate.diagnostics,
        saturated=False,
        per_seed=np.zeros(estimate.diagnostics.num_seeds),
    )
    # One row more or less that deviates would change the information by about 1 / N.
    summary = summary_around(0.0, 1 / estimate.num_samples)
    return dataclasses.replace(estimate, **summary._asdict(), diagnostics=found)


def _subtract(
    estimator: Estimator,
    joint: Estimate,
    given: Estimate,
    quantity: str,
    wrap: Any,
) -> Estimate:
    """Subtracts two estimates as if their errors were independent."""
    one, two = joint.diagnostics, given.diagnostics
    same_seeds = one.per_seed.shape == two.per_seed.shape
    same_steps = np.array_equal(one.history.steps, two.history.steps)
    ratios = (joint.density_ratio, given.density_ratio)
    value = joint.value - given.value
    warnings = dict.fromkeys((*one.warnings, *two.warnings))  # Without repetition.
    return Estimate(
        **summary_around(
            value, np.hypot(joint.standard_error, given.standard_error)
        )._asdict(),
        kind="neither",
        estimator=name_of(estimator),
        num_samples=joint.num_samples,
        quantity=quantity,
        diagnostics=Diagnostics(
            one.per_seed - two.per_seed if same_seeds else np.array([value]),
            saturated=one.saturated or two.saturated,
            converged=one.converged and two.converged,
            num_nonfinite=one.num_nonfinite + two.num_nonfinite,
            history=History(
                one.history.steps,
                np.concatenate([one.history.values, two.history.values]),
            )
            if same_steps
            else one.history,
            warnings=tuple(warnings),
            seconds=one.seconds + two.seconds,
            compile_seconds=one.compile_seconds + two.compile_seconds,
        ),
        density_ratio=None if None in ratios else wrap(*ratios),
    )


def _formats(tables: Mapping[str, Table]) -> tuple[RowFormat, ...]:
    return tuple(RowFormat.of(*item) for item in tables.items())
