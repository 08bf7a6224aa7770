"""Base densities: closed-form log density ratios that the critics correct.

The log ratio of a pair is an inner product of a few numbers computed from x alone and
from y alone, the sufficient statistics, so that scoring all pairs is cheap.
"""

import numpy as np
from scipy import stats
from scipy.special import gammaln

from jaxinfo.core.types import Float
from jaxinfo.estimation.cross_fitted.arrays import Rows, pytree, special
from jaxinfo.estimation.cross_fitted.config import CrossFittedConfig
from jaxinfo.estimation.cross_fitted.mixtures import GaussianMixture

__all__ = [
    "NUM_SCALARS",
    "CopulaDensityRatio",
    "MixtureDensityRatio",
    "TableDensityRatio",
    "density_ratio_of_mixture",
    "fit_tables",
    "log_ratio_of_statistics",
    "student_scores",
]

# Statistics of a row: its own term, its quadratic form, 1 / degrees of freedom and the
# exponent; then the scaled variates.
NUM_SCALARS = 4
# Normal scores of a hundred million rows are not larger.
LARGEST_SCORE = 6.0
# Log weight of components that do not exist; -inf times 0 would be NaN.
UNUSED = -1e4


@pytree("degrees_of_freedom", "sizes")
class CopulaDensityRatio:
    """A Gaussian or Student copula in canonical variates."""

    correlations: Rows  # Of each pair of variates, [m].
    degrees_of_freedom: float  # inf for the Gaussian.
    sizes: tuple[int, int]  # Number of coordinates of x and of y.

    def statistics(self, side: int, variates: Rows, squares: Rows | float) -> Rows:
        """The sufficient statistics of rows of x (side 0) or y (side 1), [N, 4 + m].

        `variates` are the paired ones, [N, m]; `squares` is the squared norm of all
        variates, [N].
        """
        xp = variates.__array_namespace__()
        rho, nu = self.correlations, self.degrees_of_freedom
        own = xp.sum(rho**2 * variates**2 / (1 - rho**2), axis=1)
        constant = -0.25 * xp.sum(xp.log1p(-(rho**2)))
        ones = xp.ones_like(own)
        if np.isinf(nu):
            scalars = [constant - own / 2, 0 * ones, 0 * ones, 0 * ones]
        else:
            d, e = self.sizes
            constant = constant + 0.5 * (
                gammaln((nu + d + e) / 2)
                + gammaln(nu / 2)
                - gammaln((nu + d) / 2)
                - gammaln((nu + e) / 2)
            )
            exponent = (nu + self.sizes[side]) / 2
            alone = constant + exponent * xp.log1p(squares / nu)
            scalars = [alone, own + squares, ones / nu, (nu + d + e) / 2 * ones]
        scaled = variates * xp.sqrt(rho / (1 - rho**2))
        return xp.concatenate([xp.stack(scalars, axis=1), scaled], axis=1)


@pytree()
class TableDensityRatio:
    """The contingency table of two labels, as a product of two matrices."""

    factors: tuple[Rows, Rows]  # [K + 1, r] and [L + 1, r]; 0 for unknown levels.

    def statistics(self, side: int, level: Rows) -> Rows:
        """The sufficient statistics of level numbers [N, 1], -1 if unknown."""
        xp = level.__array_namespace__()
        rows = xp.asarray(self.factors[side])[level[:, 0].astype(int)]
        return xp.pad(rows, ((0, 0), (NUM_SCALARS, 0)))


@pytree("num_components")
class MixtureDensityRatio:
    """A mixture of Gaussians of some coordinates of x and y."""

    log_weights: Rows  # Of each component, [K].
    means: tuple[Rows, Rows]  # [K, D] and [K, E].
    factors: tuple[Rows, Rows]  # Inverse Cholesky factors of x and y alone, [K, D, D].
    precisions: tuple[Rows, Rows]  # Diagonal blocks of the joint one, [K, D, D].
    across: Rows  # Minus its block of x and y, [K, D, E].
    log_determinants: Rows  # Of the joint precision, [K].
    num_components: int  # In the statistics; those beyond K have no weight.

    @property
    def sizes(self) -> tuple[int, int]:
        """Number of coordinates of x and of y."""
        return self.means[0].shape[1], self.means[1].shape[1]

    def statistics(self, side: int, rows: Rows) -> Rows:
        """The statistics of rows of x (side 0) or y (side 1), [N, 1 + C (1 + m)].

        They are minus the log density of the row, for each of C components the terms of
        the log of its joint density that depend on this row alone, and m numbers whose
        inner product with those of the other side is the rest.
        """
        xp = rows.__array_namespace__()
        apart = rows[:, None] - self.means[side]
        whitened = xp.einsum("kij,nkj->nki", self.factors[side], apart)
        scale = xp.diagonal(self.factors[side], axis1=1, axis2=2)
        own = self.log_weights + xp.sum(xp.log(scale), axis=1)
        density = special(rows).logsumexp(own - xp.sum(whitened**2, axis=2) / 2, axis=1)
        inner = xp.einsum("kij,nkj->nki", self.precisions[side], apart)
        terms = -xp.sum(inner * apart, axis=2) / 2
        if side == 0:
            terms = terms + self.log_weights + self.log_determinants / 2
        if (side == 0) == (self.sizes[0] > self.sizes[1]):
            equation = "nkd,kde->nke" if side == 0 else "nke,kde->nkd"
            apart = xp.einsum(equation, apart, self.across)
        unused = self.num_components - len(self.log_weights)
        # With equal statistics all components have equal weights, which then cancel.
        terms = terms + np.log(self.num_components) / 2
        terms = xp.pad(terms, ((0, 0), (0, unused)), constant_values=UNUSED)
        apart = xp.pad(apart, ((0, 0), (0, unused), (0, 0)))
        parts = [-density[:, None], terms, apart.reshape(len(rows), -1)]
        return xp.concatenate(parts, axis=1)


def density_ratio_of_mixture(
    mixture: GaussianMixture, size: int, num_components: int
) -> MixtureDensityRatio:
    """The density ratio of a mixture whose first `size` coordinates are x."""
    x, y = np.s_[..., :size], np.s_[..., size:]
    precision = np.linalg.inv(mixture.covariances)
    blocks = [mixture.covariances[..., s, s] for s in (x[-1], y[-1])]
    factors = [np.linalg.inv(np.linalg.cholesky(block)) for block in blocks]
    return MixtureDensityRatio(
        np.log(mixture.weights),
        (mixture.means[x], mixture.means[y]),
        (factors[0], factors[1]),
        (precision[:, :size, :size], precision[:, size:, size:]),
        -precision[:, :size, size:],
        np.linalg.slogdet(precision)[1],
        num_components,
    )


def log_ratio_of_statistics(
    x: Float[Rows, "n r"], y: Float[Rows, "n r"], num_components: int = 0
) -> Float[Rows, " n"]:
    """log p(x, y) / (p(x) p(y)) of each pair from its sufficient statistics, nats.

    It is own_x + own_y + <a, b> for the Gaussian, and
    own_x + own_y - (nu + d + e) / 2 log(1 + Q / nu) for the Student distribution, with
    the joint quadratic form Q. For a mixture of `num_components` Gaussians it is
    own_x + own_y + log sum_k exp(own_xk + own_yk + <a_k, b_k>) / K. If all statistics
    are zero, so is the log ratio.
    """
    xp = x.__array_namespace__()
    if num_components:
        end = 1 + num_components
        products = (x[:, end:] * y[:, end:]).reshape(len(x), num_components, -1)
        terms = x[:, 1:end] + y[:, 1:end] + xp.sum(products, axis=2)
        total = special(x).logsumexp(terms, axis=1) - np.log(num_components)
        return x[:, 0] + y[:, 0] + total
    inner = xp.sum(x[:, NUM_SCALARS:] * y[:, NUM_SCALARS:], axis=1)
    own, square = x[:, 0] + y[:, 0], x[:, 1] + y[:, 1]
    inverse_freedom, exponent = x[:, 2], x[:, 3]
    form = xp.maximum(square - 2 * inner, 0) * inverse_freedom
    student = -exponent * xp.log1p(form)
    return own + xp.where(inverse_freedom > 0, student, inner)


def student_scores(normal_scores: Rows, degrees_of_freedom: float) -> Rows:
    """Converts normal scores to quantiles of a Student distribution."""
    if np.isinf(degrees_of_freedom):
        return normal_scores
    xp = normal_scores.__array_namespace__()
    knots = np.linspace(0, LARGEST_SCORE, 601)
    quantiles = stats.t.isf(stats.norm.sf(knots), degrees_of_freedom)
    return xp.sign(normal_scores) * xp.interp(xp.abs(normal_scores), knots, quantiles)


def fit_tables(
    x: Float[np.ndarray, "n 1"],
    y: Float[np.ndarray, "n 1"],
    num_levels: tuple[int, int],
    config: CrossFittedConfig,
) -> list[TableDensityRatio]:
    """Fits one contingency table of level numbers for each smoothing strength.

    The strength is the number of rows of independent labels that are mixed in. Large
    tables are replaced by their leading singular components.
    """
    cells = np.ravel_multi_index((x[:, 0].astype(int), y[:, 0].astype(int)), num_levels)
    counts = np.bincount(cells, minlength=num_levels[0] * num_levels[1])
    counts = counts.reshape(num_levels)
    independent = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / len(x)
    # A level without training rows counts as independent.
    ratios = np.where(independent > 0, counts / np.maximum(independent, 1e-12), 1.0)
    tables = []
    for strength in config.table_strengths:
        smoothed = np.log((len(x) * ratios + strength) / (len(x) + strength))
        left, right = (
            np.vstack([factor, np.zeros((1, factor.shape[1]))])
            for factor in _factors(smoothed, config.max_table_rank)
        )
        tables.append(TableDensityRatio((left, right)))
    return tables


def _factors(table: np.ndarray, rank: int) -> tuple[np.ndarray, np.ndarray]:
    """Matrices with left @ right.T = table, or close to it if the table is large."""
    if len(table) <= rank:
        return np.eye(len(table)), table.T
    if len(table.T) <= rank:
        return table, np.eye(len(table.T))
    left, values, right = np.linalg.svd(table, full_matrices=False)
    return left[:, :rank] * values[:rank], right[:rank].T
