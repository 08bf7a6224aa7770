"""Mutual information from a fitted Gaussian, a Gaussian copula, or counts."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular
from jax.scipy.special import digamma, ndtri

from jaxinfo.core.checks import check_rank
from jaxinfo.core.types import Array, Float, Int
from jaxinfo.information.local import (
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
    "normal_scores",
    "plug_in_information",
]


class GaussianFit(NamedTuple):
    """A Gaussian law of (x, y), fitted by maximum likelihood.

    Attributes:
        mean_x: mean of x, [D].
        mean_y: mean of y, [E].
        cholesky: lower factor of the covariance of (x, y), [D + E, D + E].
        cholesky_y: lower factor of the covariance of y, [E, E].
    """

    mean_x: Float[Array, " d"]
    mean_y: Float[Array, " e"]
    cholesky: Float[Array, "d+e d+e"]
    cholesky_y: Float[Array, "e e"]


def fit_gaussian(x: Float[Array, "n d"], y: Float[Array, "n e"]) -> GaussianFit:
    """The Gaussian law of (x, y) with the means and covariance of the rows.

    Args:
        x: rows of x, [N, D].
        y: rows of y, [N, E], with N > D + E.

    Returns:
        The `GaussianFit`; NaN where the covariance is singular.

    Raises:
        ValueError: where the rows are not paired, or too few.
    """
    size = jnp.shape(x)[-1] + jnp.shape(y)[-1]
    x, y = check_paired_rows(x, y, more_than=size)
    mean_x, mean_y = jnp.mean(x, axis=0), jnp.mean(y, axis=0)
    rows = jnp.concatenate([x - mean_x, y - mean_y], axis=1)
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
    """log p(x, y) / (p(x) p(y)) under a fitted Gaussian law, nats.

    log p(y | x) - log p(y), both with the factors of their covariances.

    Args:
        fit: the law.
        x: rows of x, [N, D].
        y: rows of y, [N, E].

    Returns:
        The pointwise information of each row, nats, [N].

    Notes:
        Its mean over the rows that were fitted is the information of the law.
    """
    dim_x = len(fit.mean_x)
    rows = jnp.concatenate([x - fit.mean_x, y - fit.mean_y], axis=1)
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
    """Mutual information of the Gaussian law with the covariance of the rows, nats.

    (log det Sx + log det Sy - log det S) / 2, less its mean error: the log-determinant
    of the sample covariance of D Gaussian coordinates errs by the mean
    sum_{i=1..D} psi((N - i) / 2), apart from terms that cancel.

    Source: Cover and Thomas, "Elements of information theory", 2006, section 8.5;
        Misra, Singh and Demchuk, "Estimation of the entropy of a multivariate normal
        distribution", J. Multivariate Anal. 92, 2005.

    Args:
        x: rows of x, [N, D].
        y: rows of y, [N, E], with N > D + E.

    Returns:
        The `LocalInformation`, nats; NaN where the covariance is singular.

    Raises:
        ValueError: where the rows are not paired, or too few.

    Notes:
        Unbiased for Gaussians of any N. The contributions are the influence function
        of the value: their standard deviation over the square root of N is its
        standard error, for other laws too.

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
    # The terms of x, and those of x among (x, y), are the same.
    return jnp.sum(terms[:dim_y]) - jnp.sum(terms[dim_x:])


def normal_scores(
    rows: Float[Array, "n d"], *, reference: Float[Array, "m d"] | None = None
) -> Float[Array, "n d"]:
    """Each coordinate replaced by the normal quantiles of its ranks.

    Phi^-1(rank / (M + 1)); rows that tie share their mean rank.

    Source: Ince et al., "A statistical framework for neuroimaging data analysis based
        on mutual information estimated via a Gaussian copula", Hum. Brain Mapp. 38,
        2017.

    Args:
        rows: rows, [N, D].
        reference: the rows to rank among, [M, D]; None for the rows themselves.

    Returns:
        The scores, [N, D].

    Raises:
        ValueError: where an argument is not of rank 2.
    """
    reference = rows if reference is None else reference
    check_rank(2, rows=rows, reference=reference)

    def scores(column: Array, among: Array) -> Array:
        ordered = jnp.sort(among)
        below, upto = (
            jnp.searchsorted(ordered, column, side=side) for side in ("left", "right")
        )
        return ndtri((below + upto + 1).astype(float) / 2 / (len(among) + 1))

    return jax.vmap(scores, in_axes=1, out_axes=1)(
        jnp.asarray(rows), jnp.asarray(reference)
    )


def gaussian_copula_information(
    x: Float[Array, "n d"], y: Float[Array, "n e"]
) -> LocalInformation:
    """Mutual information of the Gaussian copula with the ranks of the rows, nats.

    `gaussian_information` of the normal scores, small-sample correction included.

    Source: Ince et al., "A statistical framework for neuroimaging data analysis based
        on mutual information estimated via a Gaussian copula", Hum. Brain Mapp. 38,
        2017.

    Args:
        x: rows of x, [N, D].
        y: rows of y, [N, E], with N > D + E.

    Returns:
        The `LocalInformation`, nats; NaN where the covariance of scores is singular.

    Raises:
        ValueError: where the rows are not paired, or too few.

    Notes:
        Between single coordinates a lower bound of the information, for many rows;
        unchanged by increasing functions of a coordinate. The contributions are its
        influence function where the copula is Gaussian.
    """
    x, y = check_paired_rows(x, y, more_than=0)
    return gaussian_information(normal_scores(x), normal_scores(y))


def plug_in_information(
    x: Float[Array, "n d"] | Int[Array, "n d"],
    y: Float[Array, "n e"] | Int[Array, "n e"],
    *,
    miller_madow: bool = True,
) -> LocalInformation:
    """Mutual information of the counts of discrete rows, nats.

    mean_i log(N n(x_i, y_i) / (n(x_i) n(y_i))) + (Kx + Ky - Kxy - 1) / (2 N), with K
    how many states were seen of x, of y and of the pair.

    Source: Miller, "Note on the bias of information estimates", in Information theory
        in psychology, 1955.

    Args:
        x: rows of x, equal where the state is the same, [N, D].
        y: rows of y, [N, E].
        miller_madow: add the second term; static.

    Returns:
        The `LocalInformation`, nats.

    Raises:
        ValueError: where the rows are not paired.

    Notes:
        Without the correction biased up by about (Kx - 1) (Ky - 1) / (2 N); with it of
        a smaller order, where every state is seen several times. The contributions are
        the influence function of the value.

    Example:
        >>> x = jnp.array([[0], [1], [0], [1]])
        >>> round(plug_in_information(x, x, miller_madow=False).value.item(), 4)
        0.6931
    """
    check_paired_rows(x, y, more_than=0)
    samples = (x, y, jnp.concatenate([x, y], axis=1))
    (n_x, k_x), (n_y, k_y), (n_xy, k_xy) = (_count_states(rows) for rows in samples)
    num_rows = len(n_x)
    correction = (k_x + k_y - k_xy - 1) / (2 * num_rows) if miller_madow else 0.0
    ratios = jnp.log(n_xy / n_x) - jnp.log(n_y / num_rows)
    return local_information(ratios + correction)


def _count_states(rows: Array) -> tuple[Float[Array, " n"], Float[Array, ""]]:
    """How many rows are in the state of each row, and how many states there are."""
    _, states, counts = jnp.unique(
        rows, axis=0, return_inverse=True, return_counts=True, size=len(rows)
    )
    counts = counts.astype(float)
    return counts[states.reshape(-1)], jnp.sum(counts > 0, dtype=float)
