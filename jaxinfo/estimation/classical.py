"""Classical estimates of mutual information, to check the trained ones against."""

import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxinfo.core.checks import check_one_of
from jaxinfo.core.types import Array
from jaxinfo.estimation.preprocessing import (
    check_rows,
    check_same_rows,
    fit_standardization,
    warn,
)
from jaxinfo.estimation.report import Estimate, History
from jaxinfo.estimation.uncertainty import Z_95, Summary, summarize
from jaxinfo.information import (
    LocalInformation,
    fit_gaussian,
    gaussian_copula_information,
    gaussian_information,
    gaussian_log_ratio,
    ksg1_information,
    ksg2_information,
    mixed_ksg_information,
    normal_scores,
    plug_in_information,
)
from jaxinfo.training.compile_time import compile_stopwatch

__all__ = ["classical_method_names", "estimate_classical"]

# Rows split into parts, so many times, to see how much the estimate varies.
NUM_PARTS, NUM_SPLITS = 3, 8
# A share of repeated values above this is no accident of rounding.
LARGEST_SHARE_OF_TIES = 0.01
# With fewer rows a state, the bias correction itself is in doubt.
FEWEST_ROWS_PER_STATE = 5
# A standardized coordinate with less variance of its own is a function of the others.
SMALLEST_OWN_VARIANCE = 1e-12


class _Method(NamedTuple):
    information: Callable[..., LocalInformation]
    settings: dict[str, int | bool]
    ties_are_doubtful: bool = False
    is_gaussian: bool = False
    is_discrete: bool = False


def _method(information: Callable[..., LocalInformation], **options: Any) -> _Method:
    settings = options.pop("settings", {})
    compiled = jax.jit(information, static_argnames=tuple(settings))
    return _Method(compiled, settings, **options)


_NEIGHBORS: dict[str, int | bool] = {"num_neighbors": 3, "chunk_size": 64}
_METHODS = {
    "ksg1": _method(ksg1_information, settings=_NEIGHBORS, ties_are_doubtful=True),
    "ksg2": _method(ksg2_information, settings=_NEIGHBORS, ties_are_doubtful=True),
    "mixed_ksg": _method(mixed_ksg_information, settings=_NEIGHBORS),
    "gaussian": _method(gaussian_information, is_gaussian=True),
    "gaussian_copula": _method(
        gaussian_copula_information, ties_are_doubtful=True, is_gaussian=True
    ),
    "plug_in": _method(
        plug_in_information, settings={"miller_madow": True}, is_discrete=True
    ),
}


_fit, _log_ratio, _scores = map(
    jax.jit, (fit_gaussian, gaussian_log_ratio, normal_scores)
)


def classical_method_names() -> tuple[str, ...]:
    """The names that `estimate_classical` takes."""
    return tuple(_METHODS)


def estimate_classical(
    x: Any, y: Any, *, method: str = "ksg1", **settings: int | bool
) -> Estimate:
    """Estimates mutual information without training, in nats, with its error.

    Args:
        x: rows of x, [N, ...] of any trailing shape.
        y: rows of y, [N, ...], row i paired with row i of x.
        method: "ksg1" or "ksg2" for continuous data, "mixed_ksg" for discrete, continuous
            and mixed data, "gaussian" for the information that a covariance holds,
            "gaussian_copula" for that of a covariance of ranks, "plug_in" for discrete data.
        **settings: of the method: `num_neighbors` and `chunk_size` of the first
            three, `miller_madow` of "plug_in".

    Returns:
        An `Estimate` in nats of one "seed" and no history. Its `log_ratio(x, y)` is
        the fitted pointwise information of "gaussian" and "gaussian_copula"; that of the others
        raises ValueError.

    Raises:
        ValueError: where an argument does not fit, which the message names.
        TypeError: inside jit or vmap: use `jaxinfo.information` there.

    Notes:
        Computed in float64 on every row. Standard errors are those of the influence
        function; of nearest neighbors they come from subsamples (Holmes and Nemenman,
        "Estimation of mutual information for real-valued data with error bars and
        controlled bias", Phys. Rev. E 100, 2019), which a fixed generator draws. They
        hold no bias: nearest neighbors fall short of the truth in many dimensions,
        and a covariance sees linear dependence only.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(500, 1))
        >>> y = x + rng.normal(size=(500, 1))
        >>> estimate = estimate_classical(x, y, method="gaussian")
        >>> bool(abs(estimate.value - 0.5 * np.log(2)) < 0.1)
        True
    """
    started = time.perf_counter()
    check_one_of(_METHODS, method=method)
    chosen = _METHODS[method]
    unknown = sorted(set(settings) - set(chosen.settings))
    if unknown:
        raise ValueError(
            f"method {method!r} has no setting {unknown[0]}; "
            f"it has: {', '.join(chosen.settings) or 'none'}"
        )
    rows_x, doubts_x = check_rows("x", x)
    rows_y, doubts_y = check_rows("y", y)
    check_same_rows(rows_x, rows_y)
    # That values are whole numbers, or all one, is no doubt where states are counted.
    of_numbers = chosen.ties_are_doubtful or chosen.is_gaussian
    doubts = [*doubts_x, *doubts_y] if of_numbers else []
    filled = {**chosen.settings, **settings}
    return _estimate(method, filled, (rows_x, rows_y), doubts, started)


def _estimate(
    method: str,
    settings: dict[str, int | bool],
    rows: tuple[np.ndarray, np.ndarray],
    doubts: list[str],
    started: float,
) -> Estimate:
    chosen = _METHODS[method]
    # Rounded to float32, distances tie and covariances are singular that are not.
    with jax.enable_x64(True), compile_stopwatch() as compile_seconds:
        prepare_x, prepare_y = (
            _make_prepare(name, sample, chosen)
            for name, sample in zip("xy", rows, strict=True)
        )
        x, y = prepare_x(rows[0]), prepare_y(rows[1])
        summary = _summarize(chosen, settings, x, y)
        log_ratio = _make_log_ratio(method, (x, y), (prepare_x, prepare_y))
    num_states = [len(np.unique(z, axis=0)) for z in (x, y, np.hstack([x, y]))]
    doubts = doubts + _doubts(method, (x, y), num_states[2])
    warn(doubts)
    return Estimate(
        **summary._asdict(),
        kind="neither",
        ceiling=math.log(min(num_states)) if chosen.is_discrete else math.inf,
        saturated=False,
        converged=True,
        num_nonfinite=0,
        per_seed=np.array([summary.value]),
        history=History(np.empty(0, int), np.empty((1, 0))),
        log_ratio=log_ratio,
        bound=method,
        num_samples=len(x),
        seconds=time.perf_counter() - started,
        compile_seconds=compile_seconds[0],
        warnings=tuple(doubts),
    )


def _make_prepare(
    name: str, rows: np.ndarray, method: _Method
) -> Callable[[Any], np.ndarray]:
    """From rows as users have them to those that the method takes, [N, D]."""
    scale = fit_standardization(rows)
    varies = np.ptp(rows.reshape(len(rows), -1), axis=0) > 0
    if method.is_gaussian and not varies.any():
        raise ValueError(f"{name} is constant: there is no covariance to fit")

    def prepare(new_rows: Any) -> np.ndarray:
        checked = scale.check(name, new_rows)
        if not method.is_discrete:
            checked = np.asarray(scale.apply(checked))
        flat = checked.reshape(len(checked), -1)
        return flat[:, varies] if method.is_gaussian else flat

    return prepare


def _summarize(
    method: _Method, settings: dict[str, int | bool], x: np.ndarray, y: np.ndarray
) -> Summary:
    value, contributions = jax.device_get(method.information(x, y, **settings))
    if "num_neighbors" not in method.settings:
        return summarize(np.array([value]), [contributions[None]])
    if len(x) < NUM_PARTS * (settings["num_neighbors"] + 1):
        raise ValueError(
            f"x has {len(x)} rows, too few for an error of num_neighbors = "
            f"{settings['num_neighbors']}: give {NUM_PARTS} times as many and more"
        )
    error = _subsampling_error(
        lambda rows: method.information(x[rows], y[rows], **settings).value, len(x)
    )
    half_width = Z_95 * error
    return Summary(float(value), error, float(value - half_width), value + half_width)


def _subsampling_error(value_of: Callable[[np.ndarray], Any], num_rows: int) -> float:
    """The spread over disjoint parts of the rows, whose variance goes as 1 / rows."""
    size = num_rows // NUM_PARTS
    generator = np.random.default_rng(0)
    splits = [generator.permutation(num_rows) for _ in range(NUM_SPLITS)]
    values = [
        [float(value_of(split[part * size :][:size])) for part in range(NUM_PARTS)]
        for split in splits
    ]
    return float(np.sqrt(np.var(values, axis=1, ddof=1).mean() * size / num_rows))


def _make_log_ratio(
    method: str,
    rows: tuple[np.ndarray, np.ndarray],
    prepares: tuple[Callable[[Any], np.ndarray], Callable[[Any], np.ndarray]],
) -> Callable[[Any, Any], np.ndarray]:
    if not _METHODS[method].is_gaussian:

        def no_log_ratio(x: Any, y: Any) -> np.ndarray:
            """Raises ValueError: this method has no pointwise information."""
            del x, y
            raise ValueError(
                f"method {method!r} fits no pointwise information; "
                "'gaussian' and 'gaussian_copula' do"
            )

        return no_log_ratio

    def scores(new_rows: np.ndarray, reference: np.ndarray) -> Array:
        if method == "gaussian_copula":
            return _scores(jnp.asarray(new_rows), reference=jnp.asarray(reference))
        return jnp.asarray(new_rows)

    fit = _fit(*(scores(z, z) for z in rows))
    own_variance = np.square(np.diagonal(fit.cholesky)).min()
    if not own_variance > SMALLEST_OWN_VARIANCE:  # Not so for NaN either.
        raise ValueError(
            f"x and y have a singular covariance, so method {method!r} has no value: "
            "a coordinate is a linear function of the others"
        )

    def log_ratio(x: Any, y: Any) -> np.ndarray:
        """Pointwise mutual information log p(x, y) / (p(x) p(y)) in nats, [N]."""
        with jax.enable_x64(True):
            new_x, new_y = (
                scores(prepare(new), z)
                for prepare, new, z in zip(prepares, (x, y), rows, strict=True)
            )
            if len(new_x) != len(new_y):
                raise ValueError(
                    f"y must have the {len(new_x)} rows of x, got {len(new_y)}"
                )
            return np.asarray(_log_ratio(fit, new_x, new_y))

    return log_ratio


def _doubts(
    method: str, rows: tuple[np.ndarray, np.ndarray], num_states: int
) -> list[str]:
    doubts = []
    if _METHODS[method].ties_are_doubtful:
        for name, sample in zip("xy", rows, strict=True):
            distinct = (np.diff(np.sort(sample, axis=0), axis=0) > 0).mean(axis=0)
            tied = ((distinct < 1 - LARGEST_SHARE_OF_TIES) & (distinct > 0)).sum()
            if tied:
                doubts.append(
                    f"{name} repeats values in {tied} of {sample.shape[1]} "
                    f"coordinates, and ties mislead {method!r}: compare with 'mixed_ksg'"
                )
    if _METHODS[method].is_discrete:
        per_state = len(rows[0]) / num_states
        if per_state < FEWEST_ROWS_PER_STATE:
            doubts.append(
                f"{num_states} states of (x, y) in {len(rows[0])} rows leave "
                f"{per_state:.1f} rows for a state, too few for {method!r}"
            )
    return doubts
