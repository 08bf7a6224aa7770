"""Penalties on the gradient of a discriminator in its input.

A penalty is a function `(key, score, real, fake) -> []`, where `score` maps one sample
to its score and `real` and `fake` are samples of the data and of the generator.
"""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp

from jaxinfo.core.checks import check_finite_number, check_positive
from jaxinfo.core.display import short_repr
from jaxinfo.core.types import Array, Float, Int, Key, PyTree

__all__ = [
    "Penalty",
    "dragan",
    "gradient_penalty",
    "penalty_value_and_grad",
    "r1",
    "r2",
]

Score = Callable[[Array], Float[Array, ""]]


@dataclasses.dataclass(frozen=True)
class Penalty:
    """A term of the discriminator's loss.

    Attributes:
        value: `value(key, score, real, fake)`, the unweighted penalty, [].
        weight: its weight in the loss.
        every: apply the penalty in one of this many updates, with its weight multiplied
            by this number.
    """

    value: Callable[[Array, Score, Array, Array], Float[Array, ""]]
    weight: float
    every: int = 1

    __repr__ = short_repr

    def __post_init__(self) -> None:
        check_finite_number(0.0, weight=self.weight)
        check_positive(every=self.every)


def penalty_value_and_grad(
    penalty: Penalty,
    key: Key[Array, ""],
    score: Callable[[PyTree, Array], Float[Array, ""]],
    params: PyTree,
    real: Float[Array, "n ..."],
    fake: Float[Array, "m ..."],
    *,
    number: Int[Array, ""],
) -> tuple[Float[Array, ""], PyTree]:
    """The weighted penalty of one update and its gradient in the parameters.

    Args:
        penalty: the penalty.
        key: random key.
        score: `score(params, sample) -> []`, the discriminator of one sample.
        params: the discriminator's parameters.
        real: samples of the data, [N, ...].
        fake: samples of the generator, [M, ...].
        number: discriminator updates before this one.

    Returns:
        The penalty [] and its gradient, a tree like `params`. Both are zero in an
        update without the penalty.
    """

    def value(params: PyTree) -> Array:
        mean = penalty.value(key, lambda sample: score(params, sample), real, fake)
        return penalty.weight * penalty.every * mean

    value_and_grad = jax.value_and_grad(value)
    if penalty.every == 1:
        return value_and_grad(params)
    return jax.lax.cond(
        number % penalty.every == 0,
        value_and_grad,
        # Made from the parameters, so that it varies over a mesh like the other branch.
        lambda params: jax.tree.map(jnp.zeros_like, (_first_number(params), params)),
        params,
    )


def _first_number(params: PyTree) -> Array:
    return jax.tree.leaves(params)[0].ravel()[0]


def _squared_norms(score: Score, samples: Array) -> Float[Array, " n"]:
    gradients = jax.vmap(jax.grad(score))(samples)
    return jnp.sum(gradients.reshape(len(samples), -1) ** 2, axis=1)


def _from_one(score: Score, samples: Array) -> Float[Array, ""]:
    squares = _squared_norms(score, samples)
    # The norm has no derivative at 0, the gradient of a constant discriminator.
    norms = jnp.sqrt(jnp.maximum(squares, jnp.finfo(squares.dtype).tiny))
    return jnp.mean((norms - 1) ** 2)


def _like_samples(shares: Array, samples: Array) -> Array:
    return shares.reshape(-1, *[1] * (samples.ndim - 1))


def _r1(key: Key[Array, ""], score: Score, real: Array, fake: Array) -> Array:
    del key, fake
    return jnp.mean(_squared_norms(score, real)) / 2


def _r2(key: Key[Array, ""], score: Score, real: Array, fake: Array) -> Array:
    del key, real
    return jnp.mean(_squared_norms(score, fake)) / 2


def _between(key: Key[Array, ""], score: Score, real: Array, fake: Array) -> Array:
    shares = _like_samples(jax.random.uniform(key, (len(real),), real.dtype), real)
    return _from_one(score, shares * real + (1 - shares) * fake)


def _around(key: Key[Array, ""], score: Score, real: Array, fake: Array) -> Array:
    del fake
    near, far = jax.random.split(key)
    noise = jax.random.uniform(near, real.shape, real.dtype) * jnp.std(real) / 2
    shares = _like_samples(jax.random.uniform(far, (len(real),), real.dtype), real)
    return _from_one(score, real + shares * noise)


def r1(weight: float = 1.0, *, every: int = 1) -> Penalty:
    """Half the mean squared gradient norm at samples of the data.

    E_p[|grad D(x)|^2] / 2.

    Source: Mescheder, Geiger and Nowozin, "Which training methods for GANs do actually
        converge?", ICML 2018, equation 9; Karras et al., "StyleGAN2", CVPR 2020,
        appendix B, for lazy regularization.

    Args:
        weight: the paper's gamma.
        every: apply the penalty in one of this many updates, with its weight multiplied
            by this number.

    Returns:
        The `Penalty`.

    Raises:
        ValueError: if the weight is not positive or `every` is not a positive whole
            number.
    """
    return Penalty(_r1, weight, every)


def r2(weight: float = 1.0, *, every: int = 1) -> Penalty:
    """Half the mean squared gradient norm at samples of the generator.

    E_q[|grad D(x)|^2] / 2.

    Source: Mescheder, Geiger and Nowozin, ICML 2018, equation 10.

    Args:
        weight: the paper's gamma.
        every: apply the penalty in one of this many updates, with its weight multiplied
            by this number.

    Returns:
        The `Penalty`.

    Raises:
        ValueError: if the weight is not positive or `every` is not a positive whole
            number.
    """
    return Penalty(_r2, weight, every)


def gradient_penalty(weight: float = 10.0, *, every: int = 1) -> Penalty:
    """The mean squared distance of the gradient norm from 1, between data and samples.

    E[(|grad D(u x + (1 - u) y)| - 1)^2] with u uniform in (0, 1), x from P, y from Q.

    Source: Gulrajani et al., "Improved training of Wasserstein GANs", NeurIPS 2017,
        equation 3.

    Args:
        weight: the paper's lambda.
        every: apply the penalty in one of this many updates, with its weight multiplied
            by this number.

    Returns:
        The `Penalty`.

    Raises:
        ValueError: if the weight is not positive or `every` is not a positive whole
            number.
    """
    return Penalty(_between, weight, every)


def dragan(weight: float = 10.0, *, every: int = 1) -> Penalty:
    """The mean squared distance of the gradient norm from 1, around the data.

    E[(|grad D(x + u d)| - 1)^2] with u uniform in (0, 1) and every coordinate of d
    uniform in (0, sd(x) / 2).

    Source: Kodali et al., "On convergence and stability of GANs", 2017, equation 5; the
        noise as in the authors' code.

    Args:
        weight: the paper's lambda.
        every: apply the penalty in one of this many updates, with its weight multiplied
            by this number.

    Returns:
        The `Penalty`.

    Raises:
        ValueError: if the weight is not positive or `every` is not a positive whole
            number.
    """
    return Penalty(_around, weight, every)
