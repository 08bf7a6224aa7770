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
from scipy.linalg import solve_triangular
from scipy.special import digamma, ndtri

from jaxinfo.core.checks import check_positive
from jaxinfo.core.types import Array, Float, Key
from jaxinfo.data.containers import Table
from jaxinfo.estimation.density_ratio import DensityRatio
from jaxinfo.estimation.estimate import Diagnostics, Estimate
from jaxinfo.estimation.exact_scales import (
    exact_scale,
    spread_ties,
    warnings_of_tails,
)
from jaxinfo.estimation.pair_estimator import PairEstimator
from jaxinfo.estimation.preprocessing import (
    Standardization,
    fit_standardization,
    is_traced,
)
from jaxinfo.estimation.samples import RowFormat, Samples, read_rows_of
from jaxinfo.estimation.uncertainty import (
    Z_95,
    Summary,
    summarize,
    summary_around,
    variance_of_mean,
)
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
# Smaller parts, in multiples of k + 1 rows, do not show the spread.
MIN_PART = 5
# Rows share neighbors, so the contributions understate the error by up to this factor.
SHARED_NEIGHBORS = 2.0
# With fewer rows, in multiples of k + 1, neighbors are far away.
FEW_ROWS = 10
# The change of the value between a part of the rows and all rows is mentioned if it is
# larger than this many standard errors. If the change is a larger share of that of the
# logarithm of the number of rows, this number determines the value.
NOISE_OF_GROWTH, MAX_GROWTH = 2.0, 0.5
# With more coordinates in all, nearest neighbors miss much of the information.
MAX_COORDINATES = 6
# A value this near to its ceiling is saturated, nats.
CEILING_MARGIN = 0.5
# Fewer different rows than this, or than this share of all rows, are states.
MIN_DIFFERENT, MIN_SHARE_DIFFERENT = 20, 0.05
# A larger share of repeated values is reported as ties.
MAX_SHARE_OF_TIES = 0.01
# With fewer rows for each state the bias correction is unreliable.
MIN_ROWS_PER_STATE = 5
# Shuffles of y that show the bias of the plug-in estimate.
NUM_SHUFFLES = 20
# Level of the test for dependence that a Gaussian does not describe.
MISFIT_LEVEL = 1e-3
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

    They are computed in float64 on all rows. Repeated values are spread at random, with
    a fixed seed, within half the gap to the next values, which leaves the information
    unchanged. Rows of one group, or near each other in a series, are no neighbors.

    The standard error is computed from subsamples of whole groups, drawn with a fixed
    seed; for few rows, from the contributions of the rows. The interval is extended by
    the remaining bias, which is extrapolated from the change between a part of the rows
    and all rows by the power N^(-2 / (D + E)): an order of magnitude. If the number
    of rows determines the value, the estimate is `saturated` and the interval has no
    upper end.

    Source: Kraskov, Stoegbauer and Grassberger, "Estimating mutual information", Phys.
        Rev. E 69, 2004, equations 8 (variant 1) and 9 (variant 2); Holmes and Nemenman,
        "Estimation of mutual information for real-valued data with error bars and
        controlled bias", Phys. Rev. E 100, 2019, for the error; Gao, Ver Steeg and
        Galstyan, "Efficient estimation of mutual information for strongly dependent
        variables", AISTATS 2015, for the number of rows that a value takes.

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
        generator = np.random.default_rng(0)
        flat = [spread_ties(exact_scale(rows), generator) for rows in samples.flat]
        found = [
            *_warnings_of_labels(self.name, samples),
            *_warnings_of_ties(self.name, **dict(zip("xy", samples.flat, strict=True))),
            *_warnings_of_tails(samples),
        ]
        information = _ksg1 if self.variant == 1 else _ksg2
        return _by_neighbors(self, information, flat, samples, found)


@dataclasses.dataclass(frozen=True)
class MixedKSG(PairEstimator):
    """A nearest-neighbor estimator for discrete, continuous and mixed data.

    It is computed in float64 on all rows, with the standard error and the interval of
    `KSG`. Rows with different labels are no neighbors, because codes have no order.

    Source: Gao et al., "Estimating mutual information for discrete-continuous
        mixtures", NeurIPS 2017; Ross, "Mutual information between discrete and
        continuous data sets", PLoS ONE 9, 2014, for labels.

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
        flat = [exact_scale(rows) for rows in samples.flat]
        # Distances of other coordinates are at most the largest range.
        apart = 1 + 2 * max(np.ptp(rows, axis=0).max() for rows in flat)
        flat = [
            _labels_apart(rows, table, apart)
            for rows, table in zip(flat, samples.tables.values(), strict=True)
        ]
        information = functools.partial(_mixed_ksg, max_radius=apart)
        found = _warnings_of_tails(samples)
        return _by_neighbors(self, information, flat, samples, found)


def _by_neighbors(
    estimator: KSG | MixedKSG,
    information: Callable[..., LocalInformation],
    flat: list[np.ndarray],
    samples: Samples,
    found: list[str],
) -> Estimate:
    started = time.perf_counter()
    k, clusters, rows = (
        estimator.num_neighbors,
        samples.clusters,
        np.arange(len(samples)),
    )
    different = _rows_without_copies(samples)
    if different is not None and clusters is not None:
        rows = different  # Copies within a group carry no information.
    num_rows, size = len(rows), sum(part.shape[1] for part in flat)
    _check_neighbors(k, num_rows, None if clusters is None else clusters[rows])
    compute = functools.partial(
        information, num_neighbors=k, chunk_size=estimator.chunk_size
    )

    def local(rows: np.ndarray) -> LocalInformation:
        own = None if clusters is None else clusters[rows]
        return compute(*(part[rows] for part in flat), clusters=own)

    # In float32, rounding makes distances tie.
    with jax.enable_x64(True), compile_stopwatch() as compile_seconds:
        whole = jax.device_get(local(rows))
        value = float(whole.value)
        error, growth = _error_and_growth(
            lambda part: float(local(rows[part]).value),
            whole.contributions,
            k,
            None if clusters is None else clusters[rows],
        )
        without_copies = None
        if different is not None and clusters is None:
            without_copies = len(different), float(local(different).value)
    ceiling = _ceiling(estimator, num_rows)
    is_saturated = growth.share > MAX_GROWTH or value > ceiling - CEILING_MARGIN
    has_few_rows = num_rows < FEW_ROWS * (k + 1)
    bias = growth.remaining(size)
    if has_few_rows:  # The neighbors span a share of the rows, which they flatten.
        bias = max(value, 0.0) * (k + 1) / (num_rows - k - 1)
    summary = summary_around(value, error)
    summary = summary._replace(
        lower=summary.lower + min(bias, 0.0),
        upper=math.inf if is_saturated else summary.upper + max(bias, 0.0),
    )
    found = [*samples.warnings, *found]
    if is_saturated and without_copies is None:
        found.append(
            f"{num_rows} rows can show about {ceiling:.1f} nats at most by "
            f"{estimator.name!r}: the information may be much larger"
        )
    elif has_few_rows:
        found.append(
            f"{num_rows} rows are few for {k} neighbors: {estimator.name!r} is biased "
            "towards zero; compare with 'gaussian'"
        )
    elif min(abs(bias), abs(growth.change) / NOISE_OF_GROWTH) > error:
        found.append(
            f"the value is {growth.before:.2f} nats on a part of the rows and "
            f"{value:.2f} on all, so more rows would change it further: the interval "
            "is extended"
        )
    if size > MAX_COORDINATES:
        found.append(
            f"x and y have {size} coordinates in all: {estimator.name!r} is biased "
            "towards zero in so many; compare with 'cross_fitted'"
        )
    if without_copies is not None:
        num_different, alone = without_copies
        found.append(
            f"{num_rows} rows hold {num_different} different ones: copies look like "
            f"dependence ({alone:.2f} nats without them); leave them out, or give "
            "groups"
        )
        summary = summary._replace(lower=min(summary.lower, alone - Z_95 * error))
    return _estimate(
        estimator.name,
        summary,
        samples,
        found,
        started,
        compile_seconds,
        ceiling=ceiling,
        saturated=bool(is_saturated),
    )


def _check_neighbors(k: int, num_rows: int, clusters: np.ndarray | None) -> None:
    if num_rows < k + 2:
        raise ValueError(
            f"x has {num_rows} rows, too few for num_neighbors = {k}: give at least "
            f"{k + 2}"
        )
    if clusters is None:
        return
    sizes = np.bincount(clusters)
    if num_rows - sizes.max() < k:
        raise ValueError(
            f"groups leave {num_rows - sizes.max()} rows outside the largest group, "
            f"too few for num_neighbors = {k}: give more groups"
        )


def _ceiling(estimator: KSG | MixedKSG, num_rows: int) -> float:
    """The largest value: all counts are those of the k nearest neighbors, nats."""
    k = estimator.num_neighbors
    ceiling = digamma(num_rows) - digamma(k)
    is_second = isinstance(estimator, KSG) and estimator.variant == 2
    return float(ceiling - 1 / k if is_second else ceiling)


class _Growth(NamedTuple):
    """The change of a value between parts of the rows and all rows.

    Attributes:
        before: mean value on the parts, nats.
        change: value on all rows minus that on the parts, nats.
        log_ratio: logarithm of the number of all rows over that of a part.
    """

    before: float = 0.0
    change: float = 0.0
    log_ratio: float = 1.0

    @property
    def share(self) -> float:
        """The change as a share of the change of log N."""
        return self.change / self.log_ratio

    def remaining(self, num_coordinates: int) -> float:
        """The change from all rows to infinitely many, if N^(-2 / num_coordinates)."""
        return self.change / math.expm1(self.log_ratio * 2 / num_coordinates)


def _error_and_growth(
    value_of: Callable[[np.ndarray], float],
    contributions: np.ndarray,
    k: int,
    clusters: np.ndarray | None,
) -> tuple[float, _Growth]:
    """The standard error of a value, and how it grows with the rows, from subsamples.

    The spread over disjoint parts is scaled to the number of all rows.
    """
    num_rows = len(contributions)
    parts = _disjoint_parts(num_rows, clusters)
    size = len(parts[0][0])
    if size < MIN_PART * (k + 1):
        variance = variance_of_mean(contributions, groups=clusters)
        return SHARED_NEIGHBORS * float(np.sqrt(variance)), _Growth()
    values = np.array([[value_of(part) for part in split] for split in parts])
    error = np.sqrt(np.var(values, axis=1, ddof=1).mean() * size / num_rows)
    before = float(values.mean())
    change = float(contributions.mean()) - before
    return float(error), _Growth(before, change, math.log(num_rows / size))


def _disjoint_parts(
    num_rows: int, clusters: np.ndarray | None
) -> list[list[np.ndarray]]:
    """Random splits of the rows into parts of one size, without a common cluster."""
    generator = np.random.default_rng(0)
    clusters = np.arange(num_rows) if clusters is None else clusters
    num_clusters = int(clusters.max()) + 1
    splits = []
    for _ in range(NUM_SPLITS):
        place = generator.permutation(num_clusters)[clusters]
        order = np.argsort(place, kind="stable")
        # A cluster belongs to the part in which its middle row lies.
        sizes = np.bincount(place, minlength=num_clusters)
        middles = np.cumsum(sizes) - (sizes + 1) / 2
        part_of = (middles * NUM_PARTS / num_rows).astype(int)[place[order]]
        splits.append([order[part_of == part] for part in range(NUM_PARTS)])
    size = min(len(part) for split in splits for part in split)
    return [[part[:size] for part in split] for split in splits]


def _rows_without_copies(samples: Samples) -> np.ndarray | None:
    """Numbers of the different rows, if many whole rows are copies of others.

    Equal rows are expected if x and y have few states. They are copies if there are
    many different rows, and equal x have equal y or the other way around.
    """
    num_x, num_y = (len(np.unique(rows, axis=0)) for rows in samples.flat)
    _, first = np.unique(np.hstack(samples.flat), axis=0, return_index=True)
    num_rows, different = len(samples), len(first)
    are_states = different < max(MIN_DIFFERENT, MIN_SHARE_DIFFERENT * num_rows)
    are_few = different > (1 - MAX_SHARE_OF_TIES) * num_rows
    if are_states or are_few or max(num_x, num_y) < different:
        return None
    return np.sort(first)


def _labels_apart(rows: np.ndarray, table: Table, distance: float) -> np.ndarray:
    """Moves rows with different labels to at least this distance from each other."""
    apart = rows.copy()
    for number in np.flatnonzero([bool(known) for known in table.is_label]):
        levels = np.unique(rows[:, number], return_inverse=True)[1]
        apart[:, number] = distance * levels
    return apart


# Gaussian --------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Gaussian(PairEstimator):
    """The mutual information of a Gaussian with the covariance of the rows.

    It is computed in float64 on all rows; the standard error is computed from the
    influence function. A covariance captures linear dependence only: if what the
    Gaussian leaves over of y depends on x, a warning says so, and the interval has no
    upper end. The test takes Hermite polynomials up to the third, so it
    misses some dependence.

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
    rows_x, rows_y = samples.rows
    found = [*samples.warnings, *_warnings_of_labels(name, samples)]
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
    else:
        found += _warnings_of_tails(samples)
    summary = _summary_of_terms(local, samples)
    missed = _missed_information(
        fit, np.asarray(scores[0]), np.asarray(scores[1]), samples.clusters
    )
    if missed > summary.standard_error:
        found.append(
            f"x and y depend on each other beyond a Gaussian, by {missed:.2f} nats or "
            f"more that {name!r} does not see: compare with 'cross_fitted' or 'ksg1'"
        )
        summary = summary._replace(upper=math.inf)
    formats = tuple(RowFormat.of(*item) for item in samples.tables.items())
    ratio = GaussianDensityRatio(fit, sides, formats)
    return _estimate(
        name, summary, samples, found, started, compile_seconds, density_ratio=ratio
    )


def _missed_information(
    fit: GaussianFit, x: np.ndarray, y: np.ndarray, clusters: np.ndarray | None
) -> float:
    """About what the fitted Gaussian misses at least, nats; 0 if that is noise.

    Under a Gaussian, the whitened x and the whitened residuals of y are independent.
    Each correlation r of Hermite polynomials of their normal scores adds
    -log(1 - r^2) / 2 if it is significant; for weak dependence, the sum over all
    polynomials is the information.
    """
    dim_x, num_rows = x.shape[1], len(x)
    centered = np.hstack([x - fit.mean_x, y - fit.mean_y])
    white = solve_triangular(fit.cholesky, centered.T, lower=True).T
    of_x, of_y = _polynomials(white[:, :dim_x]), _polynomials(white[:, dim_x:])
    correlations = of_x.T @ of_y / num_rows
    best = np.unravel_index(np.abs(correlations).argmax(), correlations.shape)
    products = of_x[:, best[0]] * of_y[:, best[1]]
    # The variance is 1 / N for independent rows, and larger for dependent ones.
    variance = max(variance_of_mean(products, groups=clusters), 1 / num_rows)
    limit = ndtri(1 - MISFIT_LEVEL / 2 / correlations.size) ** 2 * variance
    squares = np.square(correlations[correlations**2 > limit])
    return float(-0.5 * np.log1p(-np.minimum(squares, 1 - 1e-12)).sum())


def _polynomials(rows: Any) -> np.ndarray:
    """The first three Hermite polynomials of normal scores, standardized, [N, 3 D]."""
    scores = np.asarray(normal_scores(rows))
    powers = np.hstack([scores, scores**2, scores**3 - 3 * scores])
    deviation = powers.std(axis=0)
    return (powers - powers.mean(axis=0)) / np.where(deviation > 0, deviation, 1.0)


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

    With few rows for a state, the standard error includes the value that shuffled
    pairs give, which have no information. If the value is also near the logarithm of
    the number of states seen, it is `saturated`, and the interval has no upper end.

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
        with jax.enable_x64(True), compile_stopwatch() as compile_seconds:
            local = jax.device_get(_plug_in(*flat, miller_madow=self.miller_madow))
        states = [np.unique(rows, axis=0, return_inverse=True)[1] for rows in flat]
        states = [numbers.reshape(-1) for numbers in states]
        num_pairs = len(np.unique(np.stack(states, axis=1), axis=0))
        ceiling = math.log(min(int(numbers.max()) + 1 for numbers in states))
        summary = _summary_of_terms(local, samples)
        saturated, per_state = False, len(samples) / num_pairs
        if per_state < MIN_ROWS_PER_STATE:
            bias = _bias_of_shuffled(*states, miller_madow=self.miller_madow)
            found.append(
                f"{num_pairs} states of (x, y) in {len(samples)} rows leave "
                f"{per_state:.1f} rows for a state, too few for {self.name!r}: "
                f"shuffled pairs give {bias:.2f} nats"
            )
            # The correction can exceed what the states can hold.
            value = min(summary.value, ceiling)
            saturated = value > ceiling - CEILING_MARGIN
            error = math.hypot(summary.standard_error, bias)
            summary = summary_around(value, error)
            if saturated:
                summary = summary._replace(upper=math.inf)
        return _estimate(
            self.name,
            summary,
            samples,
            found,
            started,
            compile_seconds,
            ceiling=ceiling,
            saturated=saturated,
        )


def _bias_of_shuffled(x: np.ndarray, y: np.ndarray, *, miller_madow: bool) -> float:
    """The mean plug-in information of numbered states in shuffled pairs, nats."""
    generator, num_y = np.random.default_rng(0), int(y.max()) + 1
    alone = _entropy(x, miller_madow) + _entropy(y, miller_madow)
    joint = [
        _entropy(x * num_y + generator.permutation(y), miller_madow)
        for _ in range(NUM_SHUFFLES)
    ]
    return float(alone - np.mean(joint))


def _entropy(states: np.ndarray, miller_madow: bool) -> float:
    counts = np.unique(states, return_counts=True)[1]
    shares = counts / len(states)
    correction = (len(counts) - 1) / (2 * len(states)) if miller_madow else 0.0
    return float(correction - np.sum(shares * np.log(shares)))


# Shared ----------------------------------------------------------------------------


def _summary_of_terms(local: LocalInformation, samples: Samples) -> Summary:
    values, influence = np.array([local.value]), np.array([local.contributions])
    return summarize(values, [influence], clusters=[samples.clusters])


def _warnings_of_labels(estimator: str, samples: Samples) -> list[str]:
    """Warns of labels whose codes an estimator takes for numbers."""
    found = []
    for name, table in samples.tables.items():
        labels = [
            number
            for number, known in enumerate(table.is_label)
            if known and len(np.unique(table.flat[:, number])) > 2
        ]
        if labels:
            found.append(
                f"{name} holds labels in {len(labels)} of {len(table.is_label)} "
                f"coordinates ({table.column(labels[0])}), whose codes have no order, "
                f"and {estimator!r} takes them for numbers: give 'cross_fitted', "
                "'mixed_ksg' or 'plug_in'"
            )
    return found


def _warnings_of_tails(samples: Samples) -> list[str]:
    return [
        message
        for name, table in samples.tables.items()
        for message in warnings_of_tails(name, table.flat, table.names)
    ]


def _warnings_of_ties(estimator: str, **samples: Any) -> list[str]:
    found = []
    for name, sample in samples.items():
        steps = np.diff(np.sort(np.asarray(sample, float), axis=0), axis=0)
        distinct = (steps > 0).mean(axis=0)
        tied = ((distinct < 1 - MAX_SHARE_OF_TIES) & (distinct > 0)).sum()
        if tied:
            found.append(
                f"{name} repeats values in {tied} of {sample.shape[1]} coordinates, "
                f"which {estimator!r} takes for continuous: compare with 'mixed_ksg'"
            )
    return found


def _estimate(
    name: str,
    summary: Summary,
    samples: Samples,
    warnings: list[str],
    started: float,
    compile_seconds: list[float],
    *,
    ceiling: float = math.inf,
    saturated: bool = False,
    density_ratio: DensityRatio | None = None,
) -> Estimate:
    return Estimate(
        **summary._asdict(),
        kind="neither",
        estimator=name,
        num_samples=len(samples),
        diagnostics=Diagnostics(
            np.array([summary.value]),
            ceiling=ceiling,
            saturated=saturated,
            warnings=tuple(warnings),
            seconds=time.perf_counter() - started,
            compile_seconds=compile_seconds[0],
        ),
        density_ratio=density_ratio,
    )
