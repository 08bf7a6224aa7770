"""Mutual information from a fitted Gaussian or a Gaussian copula."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.special
from jax.scipy.linalg import solve_triangular
from jax.scipy.special import digamma

from jaxinfo.core.checks import check_rank
from jaxinfo.core.types import Array, Float
from jaxinfo.information.local_information import (
    LocalInformation,
    check_paired_rows,
    local_information,
)

__all__ = [
    "GaussianFit",
    "fit_gaussian",
    "gaussian_copula_information",
    "gaussian_information",
    "gaussian_log_ratio",
    "mean_ranks",
    "normal_scores",
]


class GaussianFit(NamedTuple):
    """A Gaussian distribution of (x, y), fitted by maximum likelihood.

    Attributes:
        mean_x: mean of x, [D].
        mean_y: mean of y, [E].
        cholesky: lower Cholesky factor of the covariance of (x, y), [D + E, D + E].
        cholesky_y: lower Cholesky factor of the covariance of y, [E, E].
    """

    mean_x: Float[Array, " d"]
    mean_y: Float[Array, " e"]
    cholesky: Float[Array, "d+e d+e"]
    cholesky_y: Float[Array, "e e"]


def fit_gaussian(x: Float[Array, "n d"], y: Float[Array, "n e"]) -> GaussianFit:
    """Fits a Gaussian distribution of (x, y) by maximum likelihood.

    Args:
        x: rows of x, [N, D].
        y: rows of y, [N, E], with N > D + E.

    Returns:
        The `GaussianFit`; NaN if the covariance is singular.

    Raises:
        ValueError: if the rows are not paired, or there are too few.
    """
    size = jnp.shape(x)[-1] + jnp.shape(y)[-1]
    x, y = check_paired_rows(x, y, more_than=size)
    mean_x, mean_y = jnp.mean(x, axis=0), jnp.mean(y, axis=0)
    rows = jnp.concatenate([x - mean_x[None], y - mean_y[None]], axis=1)
    covariance = rows.T @ rows / len(rows)
    dim_x = x.shape[1]
    return GaussianFit(
        mean_x,
        mean_y,
        jnp.linalg.cholesky(covariance),
        jnp.linalg.cholesky(covariance[dim_x:, dim_x:]),
    )


def gaussian_log_ratio(
    fit: GaussianFit, x: Float[Array, "n d"], y: Float[Array, "n e"]
) -> Float[Array, " n"]:
    """The pointwise information under a fitted Gaussian, nats.

    log p(x, y) / (p(x) p(y)) = log p(y | x) - log p(y).

    Args:
        fit: the fitted distribution.
        x: rows of x, [N, D].
        y: rows of y, [N, E].

    Returns:
        The pointwise information of each row, nats, [N].

    Notes:
        The mean over the rows used for the fit is the mutual information of the fitted
        distribution.
    """
    dim_x = len(fit.mean_x)
    rows = jnp.concatenate([x - fit.mean_x[None], y - fit.mean_y[None]], axis=1)
    # The last rows of the joint factor are the factor of y given x.
    given_x = solve_triangular(fit.cholesky, rows.T, lower=True)[dim_x:]
    alone = solve_triangular(fit.cholesky_y, rows[:, dim_x:].T, lower=True)
    log_scales_given_x = jnp.log(jnp.diagonal(fit.cholesky)[dim_x:])
    log_scales_alone = jnp.log(jnp.diagonal(fit.cholesky_y))
    return jnp.sum(log_scales_alone - log_scales_given_x) + 0.5 * jnp.sum(
        alone**2 - given_x**2, axis=0
    )


def gaussian_information(
    x: Float[Array, "n d"], y: Float[Array, "n e"]
) -> LocalInformation:
    """Mutual information of a Gaussian with the covariance of the rows, nats.

    (log det Sx + log det Sy - log det S) / 2 minus its bias. The log-determinant of the
    sample covariance of D Gaussian coordinates has the bias
    sum_{i=1..D} psi((N - i) / 2), up to terms that cancel.

    Source: Cover and Thomas, "Elements of information theory", 2006, section 8.5;
        Misra, Singh and Demchuk, "Estimation of the entropy of a multivariate normal
        distribution", J. Multivariate Anal. 92, 2005.

    Args:
        x: rows of x, [N, D].
        y: rows of y, [N, E], with N > D + E.

    Returns:
        The `LocalInformation`, nats; NaN if the covariance is singular.

    Raises:
        ValueError: if the rows are not paired, or there are too few.

    Notes:
        Unbiased for Gaussian rows and any N. The contributions are the influence
        function of the value: their standard deviation divided by the square root of N
        is its standard error, for rows of any distribution.

    Example:
        >>> key_x, key_y = jax.random.split(jax.random.key(0))
        >>> x, y = (jax.random.normal(key, (1_000, 2)) for key in (key_x, key_y))
        >>> bool(abs(gaussian_information(x, y).value) < 0.01)
        True
    """
    fit = fit_gaussian(x, y)
    bias = _gaussian_bias(len(x), len(fit.mean_x), len(fit.mean_y))
    return local_information(gaussian_log_ratio(fit, x, y) - bias)


def _gaussian_bias(num_rows: int, dim_x: int, dim_y: int) -> Array:
    terms = digamma((num_rows - jnp.arange(1.0, dim_x + dim_y + 1)) / 2) / 2
    # The terms of x cancel against the first D terms of (x, y).
    return jnp.sum(terms[:dim_y]) - jnp.sum(terms[dim_x:])


def normal_scores(
    rows: Float[Array, "n d"], *, reference: Float[Array, "m d"] | None = None
) -> Float[Array, "n d"]:
    """Replaces each coordinate by the normal quantiles of its ranks.

    Phi^-1(rank / (M + 1)), where tied rows share their mean rank.

    Source: Ince et al., "A statistical framework for neuroimaging data analysis based
        on mutual information estimated via a Gaussian copula", Hum. Brain Mapp. 38,
        2017.

    Args:
        rows: rows, [N, D].
        reference: rows among which to rank, [M, D]; None for the rows themselves.

    Returns:
        The scores, [N, D]. If both arguments are NumPy arrays, so is the result:
        computed on the host in float64, without compiling for each new shape.

    Raises:
        ValueError: if an argument does not have 2 axes, or their D differ.

    Example:
        >>> normal_scores(jnp.array([[5.0], [7.0], [9.0]]))[1].tolist()
        [0.0]
    """
    reference = rows if reference is None else reference
    check_rank(2, rows=rows, reference=reference)
    if jnp.shape(rows)[1] != jnp.shape(reference)[1]:
        raise ValueError(
            f"reference must have the {jnp.shape(rows)[1]} columns of rows, got shape "
            f"{jnp.shape(reference)}"
        )
    if isinstance(rows, np.ndarray) and isinstance(reference, np.ndarray):
        columns = zip(np.sort(reference, axis=0).T, rows.T, strict=True)
        ranks = np.stack([mean_ranks(*pair) for pair in columns], axis=1)
        return scipy.special.ndtri(ranks / (len(reference) + 1))
    ordered = jnp.sort(jnp.asarray(reference), axis=0)
    ranks = jax.vmap(mean_ranks, 1, 1)(ordered, jnp.asarray(rows))
    return jax.scipy.special.ndtri(ranks / (len(reference) + 1))


def mean_ranks(ordered: Any, values: Any) -> Any:
    """Ranks of values among ordered ones; the mean rank among equal ones.

    Args:
        ordered: sorted values, [M], of NumPy or of JAX.
        values: values to rank, [N], of the same library.

    Returns:
        Ranks in [0.5, M + 0.5], [N]; from 1 to M for values that are in `ordered`.
    """
    xp = values.__array_namespace__()
    below, up_to = (
        xp.searchsorted(ordered, values, side=side) for side in ("left", "right")
    )
    return (below + up_to + 1).astype(float) / 2


def gaussian_copula_information(
    x: Float[Array, "n d"], y: Float[Array, "n e"]
) -> LocalInformation:
    """Mutual information of a Gaussian copula fitted to the ranks of the rows, nats.

    `gaussian_information` of the normal scores, including its bias correction.

    Source: Ince et al., "A statistical framework for neuroimaging data analysis based
        on mutual information estimated via a Gaussian copula", Hum. Brain Mapp. 38,
        2017.

    Args:
        x: rows of x, [N, D].
        y: rows of y, [N, E], with N > D + E.

    Returns:
        The `LocalInformation`, nats; NaN if the covariance of the scores is singular.

    Raises:
        ValueError: if the rows are not paired, or there are too few.

    Notes:
        For many rows and one coordinate on each side it is a lower bound of the
        information. Increasing functions of a coordinate do not change it. If the
        copula is Gaussian, the contributions are the influence function of the value.
    """
    x, y = check_paired_rows(x, y, more_than=0)
    return gaussian_information(normal_scores(x), normal_scores(y))
