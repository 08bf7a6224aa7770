"""Classical estimators of mutual information, which train no network."""

import dataclasses
import functools
import math
import time
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxinfo.core.checks import check_positive
from jaxinfo.core.types import Array, Float, Key
from jaxinfo.estimation.density_ratio import DensityRatio
from jaxinfo.estimation.estimate import Diagnostics, Estimate
from jaxinfo.estimation.pair_estimator import PairEstimator
from jaxinfo.estimation.preprocessing import (
    Standardization,
    fit_standardization,
    is_traced,
)
from jaxinfo.estimation.samples import RowFormat, Samples, read_rows_of
from jaxinfo.estimation.uncertainty import Summary, summarize, summary_around
from jaxinfo.information import (
    GaussianFit,
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

__all__ = ["KSG", "Gaussian", "GaussianCopula", "MixedKSG", "PlugIn"]

# The subsampling error uses this many random splits into this many parts.
NUM_SPLITS, NUM_PARTS = 8, 3
# A larger share of repeated values is reported as ties.
MAX_SHARE_OF_TIES = 0.01
# With fewer rows for each state the bias correction is unreliable.
MIN_ROWS_PER_STATE = 5
# A standardized coordinate with less residual variance is a linear function of others.
MIN_RESIDUAL_VARIANCE = 1e-12

_NEIGHBOR_SETTINGS = ("num_neighbors", "chunk_size")
_ksg1 = jax.jit(ksg1_information, static_argnames=_NEIGHBOR_SETTINGS)
_ksg2 = jax.jit(ksg2_information, static_argnames=_NEIGHBOR_SETTINGS)
_mixed_ksg = jax.jit(mixed_ksg_information, static_argnames=_NEIGHBOR_SETTINGS)
_gaussian = jax.jit(gaussian_information)
_gaussian_copula = jax.jit(gaussian_copula_information)
_plug_in = jax.jit(plug_in_information, static_argnames="miller_madow")
_fit_gaussian = jax.jit(fit_gaussian)


# Nearest neighbors -----------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class KSG(PairEstimator):
    """The estimators of Kraskov, Stoegbauer and Grassberger, for continuous data.

    They are computed in float64 on all rows. The standard error is computed from
    subsamples (Holmes and Nemenman, "Estimation of mutual information for real-valued
    data with error bars and controlled bias", Phys. Rev. E 100, 2019), drawn with a
    fixed seed. It does not include the bias, which is negative in many dimensions.

    Source: Kraskov, Stoegbauer and Grassberger, "Estimating mutual information", Phys.
        Rev. E 69, 2004, equations 8 (variant 1) and 9 (variant 2).

    Attributes:
        variant: 1 or 2, the paper's two estimators.
        num_neighbors: k.
        chunk_size: rows whose distances are computed at once; affects memory only.

    Example:
        >>> x, e = np.random.default_rng(0).normal(size=(2, 500, 1))
        >>> estimate = KSG()(jax.random.key(0), x, x + e)
        >>> bool(abs(estimate.value - 0.5 * np.log(2)) < 0.1)
        True
    """

    variant: Literal[1, 2] = 1
    num_neighbors: int = 3
    chunk_size: int = 64

    def __post_init__(self) -> None:
        check_positive(num_neighbors=self.num_neighbors, chunk_size=self.chunk_size)
        if self.variant not in (1, 2):
            raise ValueError(f"variant must be 1 or 2, got {self.variant}")

    @property
    def name(self) -> str:
        """Name of the estimator."""
        return f"ksg{self.variant}"

    def estimate(self, key: Key[Array, ""], samples: Samples) -> Estimate:
        """Estimates the mutual information of two variables that were read, nats."""
        del key
        information = _ksg1 if self.variant == 1 else _ksg2
        return _by_neighbors(self, information, samples, ties_mislead=True)


@dataclasses.dataclass(frozen=True)
class MixedKSG(PairEstimator):
    """A nearest-neighbor estimator for discrete, continuous and mixed data.

    It is computed in float64 on all rows; the standard error is computed as in `KSG`.

    Source: Gao et al., "Estimating mutual information for discrete-continuous
        mixtures", NeurIPS 2017.

    Attributes:
        num_neighbors: k.
        chunk_size: rows whose distances are computed at once; affects memory only.
    """

    num_neighbors: int = 3
    chunk_size: int = 64

    def __post_init__(self) -> None:
        check_positive(num_neighbors=self.num_neighbors, chunk_size=self.chunk_size)

    @property
    def name(self) -> str:
        """Name of the estimator."""
        return "mixed_ksg"

    def estimate(self, key: Key[Array, ""], samples: Samples) -> Estimate:
        """Estimates the mutual information of two variables that were read, nats."""
        del key
        return _by_neighbors(self, _mixed_ksg, samples, ties_mislead=False)


def _by_neighbors(
    estimator: KSG | MixedKSG,
    information: Callable[..., LocalInformation],
    samples: Samples,
    *,
    ties_mislead: bool,
) -> Estimate:
    started = time.perf_counter()
    (rows_x, rows_y), found = samples.rows, list(samples.warnings)
    k = estimator.num_neighbors
    if len(rows_x) < NUM_PARTS * (k + 1):
        raise ValueError(
            f"x has {len(rows_x)} rows, too few for an error of num_neighbors = {k}: "
            f"give at least {NUM_PARTS * (k + 1)}"
        )
    compute = functools.partial(
        information, num_neighbors=k, chunk_size=estimator.chunk_size
    )
    # In float32, rounding makes distances tie.
    with jax.enable_x64(True), compile_stopwatch() as compile_seconds:
        flat_x, flat_y = _standardized(rows_x), _standardized(rows_y)
        value = float(compute(flat_x, flat_y).value)
        error = _subsampling_error(
            lambda rows: compute(flat_x[rows], flat_y[rows]).value, len(rows_x)
        )
    if ties_mislead:
        found += _warnings_of_ties(estimator.name, x=flat_x, y=flat_y)
    summary = summary_around(value, error)
    return _estimate(estimator.name, summary, rows_x, found, started, compile_seconds)


def _subsampling_error(value_of: Callable[[np.ndarray], Any], num_rows: int) -> float:
    """Scales the spread over disjoint parts of the rows to the number of all rows."""
    size = num_rows // NUM_PARTS
    generator = np.random.default_rng(0)
    splits = [generator.permutation(num_rows) for _ in range(NUM_SPLITS)]
    values = [
        [float(value_of(split[part * size :][:size])) for part in range(NUM_PARTS)]
        for split in splits
    ]
    return float(np.sqrt(np.var(values, axis=1, ddof=1).mean() * size / num_rows))


# Gaussian --------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Gaussian(PairEstimator):
    """The mutual information of a Gaussian with the covariance of the rows.

    It is computed in float64 on all rows; the standard error is computed from the
    influence function. A covariance captures linear dependence only.

    Example:
        >>> x, e = np.random.default_rng(0).normal(size=(2, 500, 1))
        >>> estimate = Gaussian()(jax.random.key(0), x, x + e)
        >>> bool(abs(estimate.value - 0.5 * np.log(2)) < 0.1)
        True
    """

    @property
    def name(self) -> str:
        """Name of the estimator."""
        return "gaussian"

    def estimate(self, key: Key[Array, ""], samples: Samples) -> Estimate:
        """Estimates the mutual information of two variables that were read, nats.

        The estimate's `density_ratio(x, y)` is the fitted pointwise information.
        """
        del key
        return _by_gaussian(self.name, _gaussian, samples, uses_ranks=False)


@dataclasses.dataclass(frozen=True)
class GaussianCopula(PairEstimator):
    """The mutual information of a Gaussian with the covariance of the normal scores.

    It is invariant to monotone maps of single coordinates; otherwise as `Gaussian`.
    """

    @property
    def name(self) -> str:
        """Name of the estimator."""
        return "gaussian_copula"

    def estimate(self, key: Key[Array, ""], samples: Samples) -> Estimate:
        """Estimates the mutual information of two variables, see `Gaussian`."""
        del key
        return _by_gaussian(self.name, _gaussian_copula, samples, uses_ranks=True)


def _by_gaussian(
    name: str,
    information: Callable[..., LocalInformation],
    samples: Samples,
    *,
    uses_ranks: bool,
) -> Estimate:
    started = time.perf_counter()
    (rows_x, rows_y), found = samples.rows, list(samples.warnings)
    # In float32, rounding makes covariances singular.
    with jax.enable_x64(True), compile_stopwatch() as compile_seconds:
        sides = _Side.fit("x", rows_x), _Side.fit("y", rows_y)
        flat = [
            side.apply(rows) for side, rows in zip(sides, (rows_x, rows_y), strict=True)
        ]
        local = jax.device_get(information(*flat))
        if uses_ranks:
            sides = tuple(
                side._replace(reference=np.asarray(rows))
                for side, rows in zip(sides, flat, strict=True)
            )
        scores = [side.scores(rows) for side, rows in zip(sides, flat, strict=True)]
        fit = jax.device_get(_fit_gaussian(*scores))
    if not np.square(np.diagonal(fit.cholesky)).min() > MIN_RESIDUAL_VARIANCE:
        raise ValueError(  # The comparison is also false for NaN.
            f"x and y have a singular covariance, so estimator {name!r} has no value: "
            "a coordinate is a linear function of the others"
        )
    if uses_ranks:
        found += _warnings_of_ties(name, x=flat[0], y=flat[1])
    summary = summarize(
        np.array([local.value]), [local.contributions[None]], [samples.clusters]
    )
    formats = tuple(RowFormat.of(*item) for item in samples.tables.items())
    ratio = GaussianDensityRatio(fit, sides, formats)
    return _estimate(
        name, summary, rows_x, found, started, compile_seconds, density_ratio=ratio
    )


class _Side(NamedTuple):
    """Maps rows of x or y to the coordinates that a Gaussian is fitted to.

    Attributes:
        scale: shift and scale.
        kept: indices of the coordinates that are not constant.
        reference: fitted rows whose ranks define normal scores, or None.
    """

    scale: Standardization
    kept: np.ndarray
    reference: np.ndarray | None = None

    @classmethod
    def fit(cls, name: str, rows: np.ndarray) -> "_Side":
        kept = np.flatnonzero(np.ptp(rows.reshape(len(rows), -1), axis=0) > 0)
        if not kept.size:
            raise ValueError(f"{name} is constant: there is no covariance to fit")
        return cls(fit_standardization(rows), kept)

    def apply(self, rows: Any) -> Array:
        standardized = self.scale.apply(rows)
        return standardized.reshape(len(standardized), -1)[:, self.kept]

    def scores(self, rows: Array) -> Array:
        if self.reference is None:
            return rows
        return normal_scores(rows, reference=jnp.asarray(self.reference))


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["fit", "sides"],
    meta_fields=["formats"],
)
@dataclasses.dataclass(frozen=True, eq=False)
class GaussianDensityRatio(DensityRatio):
    """The pointwise information of a fitted Gaussian or Gaussian copula, nats.

    Attributes:
        fit: the fitted covariance.
        sides: maps of x and of y to the fitted coordinates.
        formats: formats of x and of y.
    """

    fit: GaussianFit
    sides: tuple[_Side, ...]
    formats: tuple[RowFormat, ...]

    def log_ratio(self, x: Any, y: Any) -> Float[Array, " n"]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Evaluates log p(x, y) / (p(x) p(y)) of each pair of rows, nats, [N].

        Args:
            x: rows of x, [N, ...].
            y: rows of y, [N, ...].

        Returns:
            The pointwise information, nats, [N].

        Raises:
            ValueError: if the rows do not have the shapes of the fitted ones.
        """
        rows = read_rows_of(self.formats, x, y)
        if is_traced(self, rows):
            return self._evaluate(*rows)
        with jax.enable_x64(True):
            return jnp.asarray(self._evaluate(*rows))

    def _evaluate(self, *rows: Any) -> Array:
        scores = [
            side.scores(side.apply(new))
            for side, new in zip(self.sides, rows, strict=True)
        ]
        return gaussian_log_ratio(self.fit, *scores)


# Counts ----------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class PlugIn(PairEstimator):
    """The mutual information of the contingency table, for discrete data.

    Source: Miller, "Note on the bias of information estimates", 1955, for the
        correction.

    Attributes:
        miller_madow: whether to correct the bias.
    """

    miller_madow: bool = True

    @property
    def name(self) -> str:
        """Name of the estimator."""
        return "plug_in"

    def estimate(self, key: Key[Array, ""], samples: Samples) -> Estimate:
        """Estimates the mutual information of two variables that were read, nats."""
        del key
        started = time.perf_counter()
        flat, found = samples.flat, list(samples.warnings)
        rows_x = samples.rows[0]
        with jax.enable_x64(True), compile_stopwatch() as compile_seconds:
            local = jax.device_get(_plug_in(*flat, miller_madow=self.miller_madow))
        num_states = [len(np.unique(rows, axis=0)) for rows in (*flat, np.hstack(flat))]
        per_state = len(rows_x) / num_states[2]
        if per_state < MIN_ROWS_PER_STATE:
            found.append(
                f"{num_states[2]} states of (x, y) in {len(rows_x)} rows leave "
                f"{per_state:.1f} rows for a state, too few for {self.name!r}"
            )
        summary = summarize(
            np.array([local.value]), [local.contributions[None]], [samples.clusters]
        )
        return _estimate(
            self.name,
            summary,
            rows_x,
            found,
            started,
            compile_seconds,
            ceiling=math.log(min(num_states)),
        )


# Shared ----------------------------------------------------------------------------


def _summary_of_terms(local: LocalInformation, samples: Samples) -> Summary:
    values, influence = np.array([local.value]), np.array([local.contributions])
    return summarize(values, [influence], [samples.clusters])


def _standardized(rows: np.ndarray) -> np.ndarray:
    scaled = np.asarray(fit_standardization(rows).apply(rows))
    return scaled.reshape(len(scaled), -1)


def _warnings_of_ties(estimator: str, **samples: Any) -> list[str]:
    found = []
    for name, sample in samples.items():
        steps = np.diff(np.sort(np.asarray(sample, float), axis=0), axis=0)
        distinct = (steps > 0).mean(axis=0)
        tied = ((distinct < 1 - MAX_SHARE_OF_TIES) & (distinct > 0)).sum()
        if tied:
            found.append(
                f"{name} repeats values in {tied} of {sample.shape[1]} coordinates, "
                f"and ties mislead {estimator!r}: compare with 'mixed_ksg'"
            )
    return found


def _estimate(
    name: str,
    summary: Summary,
    rows: np.ndarray,
    warnings: list[str],
    started: float,
    compile_seconds: list[float],
    *,
    ceiling: float = math.inf,
    density_ratio: DensityRatio | None = None,
) -> Estimate:
    return Estimate(
        **summary._asdict(),
        kind="neither",
        estimator=name,
        num_samples=len(rows),
        diagnostics=Diagnostics(
            np.array([summary.value]),
            ceiling=ceiling,
            warnings=tuple(warnings),
            seconds=time.perf_counter() - started,
            compile_seconds=compile_seconds[0],
        ),
        density_ratio=density_ratio,
    )
