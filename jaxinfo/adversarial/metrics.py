"""Metrics of generated samples: modes covered, and kernel-density likelihood."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from jaxinfo.adversarial.distances import check_same_width, squared_distances
from jaxinfo.core.checks import check_finite_number, check_positive, check_rank
from jaxinfo.core.numerics import log_mean_exp
from jaxinfo.core.types import Array, Float, Int

__all__ = [
    "LabelCounts",
    "ModeReport",
    "choose_bandwidth",
    "count_labels",
    "count_modes",
    "parzen_log_likelihood",
]

GOOD_DISTANCE = 3.0
NUM_BANDWIDTHS = 10


# Modes -----------------------------------------------------------------------------


class ModeReport(NamedTuple):
    """Coverage of a mixture by samples.

    Attributes:
        num_modes: number of modes with at least one good sample, one within three
            standard deviations.
        good_share: fraction of good samples.
        reverse_kl: sum of q log(q / p), nats, with the fractions q of samples whose
            nearest mode is each one, and the mixture's equal fractions p.
    """

    num_modes: Int[Array, ""]
    good_share: Float[Array, ""]
    reverse_kl: Float[Array, ""]


def count_modes(
    samples: Float[Array, "n d"], centers: Float[Array, "k d"], *, sd: float
) -> ModeReport:
    """Coverage of the modes of an equal mixture of isotropic Gaussians.

    Source: Lin et al., "PacGAN", NeurIPS 2018, section 4.1, for the three numbers;
        Srivastava et al., "VEEGAN", NeurIPS 2017, for good samples.

    Args:
        samples: generated samples, [N, D].
        centers: centers of the modes, [K, D].
        sd: standard deviation of each coordinate of a mode.

    Returns:
        A `ModeReport`.

    Raises:
        ValueError: if samples and centers differ in width, or sd is not positive.

    Example:
        >>> centers = jnp.array([[0.0, 0.0], [9.0, 0.0]])
        >>> count_modes(centers, centers, sd=1.0).num_modes.item()
        2
    """
    check_same_width(samples=samples, centers=centers)
    check_finite_number(0.0, sd=sd)
    squares = jax.vmap(lambda x: squared_distances(x, centers))(samples)
    nearest = jnp.argmin(squares, axis=1)
    good = jnp.min(squares, axis=1) < (GOOD_DISTANCE * sd) ** 2
    members = jax.nn.one_hot(nearest, len(centers), dtype=squares.dtype)
    shares = jnp.mean(members, axis=0)
    return ModeReport(
        num_modes=jnp.sum(jnp.any((members > 0) & good[:, None], axis=0)),
        good_share=jnp.mean(good),
        reverse_kl=_kl_from_uniform(shares),
    )


class LabelCounts(NamedTuple):
    """Coverage of equally likely labels by samples.

    Attributes:
        num_labels: number of labels that occur.
        reverse_kl: sum of q log(q / p), nats, with the fractions q of the labels and
            equal fractions p.
    """

    num_labels: Int[Array, ""]
    reverse_kl: Float[Array, ""]


def count_labels(labels: Int[Array, " n"], num_labels: int) -> LabelCounts:
    """Coverage of equally likely labels, such as the modes of stacked MNIST.

    Source: Metz et al., "Unrolled GANs", ICLR 2017, section 3.3.1.

    Args:
        labels: labels of the samples by a classifier, in [0, num_labels), [N].
        num_labels: K; static.

    Returns:
        A `LabelCounts`.

    Raises:
        ValueError: if the labels are not a vector of whole numbers, if concrete labels
            lie outside [0, num_labels), or if num_labels is not positive.
    """
    check_rank(1, labels=labels)
    check_positive(num_labels=num_labels)
    if not jnp.issubdtype(jnp.result_type(labels), jnp.integer):
        raise ValueError(f"labels must be whole numbers, got {labels.dtype}")
    if not isinstance(labels, Tracer):  # Values can be checked outside of jit only.
        outside = np.asarray(labels)
        outside = outside[(outside < 0) | (outside >= num_labels)]
        if len(outside):
            raise ValueError(
                f"labels must lie in [0, {num_labels}); {len(outside)} do not, the "
                f"first is {outside[0]}"
            )
    counts = jnp.bincount(labels, length=num_labels)
    return LabelCounts(jnp.sum(counts > 0), _kl_from_uniform(counts / len(labels)))


def _kl_from_uniform(shares: Float[Array, " k"]) -> Float[Array, ""]:
    return math.log(len(shares)) + jnp.sum(jax.scipy.special.xlogy(shares, shares))


# Likelihood ------------------------------------------------------------------------


def parzen_log_likelihood(
    points: Float[Array, "n d"],
    samples: Float[Array, "m d"],
    *,
    bandwidth: float | Float[Array, ""],
    chunk_size: int = 100,
) -> Float[Array, " n"]:
    """Log-density of points under a kernel density of generated samples, nats.

    log mean_j N(x; y_j, bandwidth^2 I).

    Source: Goodfellow et al., "Generative adversarial nets", NeurIPS 2014, section 5;
        Breuleux, Bengio and Vincent, 2011.

    Args:
        points: points at which the density is evaluated, [N, D].
        samples: generated samples, [M, D].
        bandwidth: standard deviation of the Gaussians; may be traced.
        chunk_size: points compared with all samples at once; changes memory only.

    Returns:
        Log-densities in nats, [N].

    Raises:
        ValueError: if points and samples differ in width.

    Notes:
        This is a poor measure of image quality: k-means centers reach a higher value
        than the data (Theis, van den Oord and Bethge, ICLR 2016). Use it to compare
        with published results.
    """
    check_same_width(points=points, samples=samples)
    check_positive(chunk_size=chunk_size)
    constant = points.shape[1] * jnp.log(bandwidth * math.sqrt(2 * math.pi))

    def one(point: Array) -> Array:
        return log_mean_exp(-squared_distances(point, samples) / (2 * bandwidth**2))

    return jax.lax.map(one, points, batch_size=chunk_size) - constant


def choose_bandwidth(
    points: Float[Array, "n d"],
    samples: Float[Array, "m d"],
    *,
    bandwidths: Float[Array, " b"] | None = None,
    chunk_size: int = 100,
) -> Float[Array, ""]:
    """The bandwidth that maximizes the mean log-likelihood of held-out points.

    Source: the protocol published with Goodfellow et al., 2014: ten bandwidths from 0.1
        to 1, equally spaced in their logarithm, on a thousand validation points.

    Args:
        points: validation points, distinct from those of the reported likelihood,
            [N, D].
        samples: generated samples, [M, D].
        bandwidths: candidates, [B]; None for those of the protocol.
        chunk_size: points compared with all samples at once; changes memory only.

    Returns:
        One of the bandwidths.

    Raises:
        ValueError: if points and samples differ in width, or `bandwidths` is not a
            vector.
    """
    if bandwidths is None:
        bandwidths = jnp.logspace(-1, 0, NUM_BANDWIDTHS)
    check_rank(1, bandwidths=bandwidths)

    def mean(bandwidth: Array) -> Array:
        values = parzen_log_likelihood(
            points, samples, bandwidth=bandwidth, chunk_size=chunk_size
        )
        return jnp.mean(values)

    return bandwidths[jnp.argmax(jax.lax.map(mean, bandwidths))]
