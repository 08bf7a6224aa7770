"""Tasks seen through invertible maps: another law, the same information."""

import dataclasses

import jax
import jax.numpy as jnp

from jaxinfo.core.checks import check_positive
from jaxinfo.core.types import Array, Key
from jaxinfo.tasks.gaussian import normal
from jaxinfo.tasks.maps import (
    ASINH,
    CUBE,
    HALF_CUBE,
    IDENTITY,
    NORMAL_CDF,
    SWISS_ROLL,
    WIGGLY_X,
    WIGGLY_Y,
    Map,
    embedding_map,
    mixture_quantile_map,
    mlp_map,
    power_map,
    rotation_map,
    spiral_map,
)
from jaxinfo.tasks.task import Task, by_value

__all__ = [
    "asinh",
    "bimodal",
    "cube",
    "duplicate_noise_dims",
    "embed",
    "half_cube",
    "normal_cdf",
    "power",
    "random_mlp",
    "rotate",
    "spiral",
    "swiss_roll",
    "transformed",
    "wiggly",
]


def _shape(map_: Map, shape: tuple[int, ...], side: str) -> tuple[int, ...]:
    if map_ is IDENTITY:
        return shape
    if len(shape) != 1:
        raise ValueError(f"{side} must be vectors to be mapped, got shape {shape}")
    return shape if map_.dim is None else (map_.dim(shape[0]),)


@by_value
def transformed(
    task: Task, *, name: str, map_x: Map = IDENTITY, map_y: Map = IDENTITY
) -> Task:
    """The task with x and y each seen through an injective map.

    I(f(X); g(Y)) = I(X; Y), and pmi(f(x), g(y)) is the pmi of x and y.

    Source: Cover and Thomas, "Elements of information theory", 2006, section 8.6.

    Args:
        task: any task.
        name: of the transformation, put before the name of the task.
        map_x: f.
        map_y: g.

    Returns:
        The task.

    Raises:
        ValueError: where a map does not fit, or would map integers.

    Example:
        >>> from jaxinfo.tasks import normal
        >>> double = Map(lambda v: 2 * v, lambda w: w / 2)
        >>> transformed(normal(0.75), name="double_x", map_x=double).name
        'double_x-1v1-normal-0.75'
    """
    for side, discrete, map_ in [
        ("x", task.discrete_x, map_x),
        ("y", task.discrete_y, map_y),
    ]:
        if discrete and map_ is not IDENTITY:
            raise ValueError(f"{side} of task {task.name} holds labels, not numbers")
    base = task.pmi

    def sample(key: Key[Array, ""], n: int) -> tuple[Array, Array]:
        x, y = task.sample(key, n)
        return map_x.forward(x), map_y.forward(y)

    def pmi(x: Array, y: Array) -> Array:
        assert base is not None
        return base(map_x.inverse(jnp.asarray(x)), map_y.inverse(jnp.asarray(y)))

    return dataclasses.replace(
        task,
        name=f"{name}-{task.name}",
        sample=sample,
        pmi=None if base is None else pmi,
        shape_x=_shape(map_x, task.shape_x, "x"),
        shape_y=_shape(map_y, task.shape_y, "y"),
    )


def _both(task: Task, name: str, map_: Map) -> Task:
    return transformed(task, name=name, map_x=map_, map_y=map_)


def normal_cdf(task: Task) -> Task:
    """Each coordinate v becomes Phi(v): standard normal ones become uniform.

    Args:
        task: any task of real vectors.

    Returns:
        The task.
    """
    return _both(task, "normal_cdf", NORMAL_CDF)


def half_cube(task: Task) -> Task:
    """Each coordinate v becomes v sqrt|v|: longer tails.

    Args:
        task: any task of real vectors.

    Returns:
        The task.
    """
    return _both(task, "half_cube", HALF_CUBE)


def cube(task: Task) -> Task:
    """Each coordinate v becomes v^3.

    Args:
        task: any task of real vectors.

    Returns:
        The task.
    """
    return _both(task, "cube", CUBE)


def asinh(task: Task) -> Task:
    """Shortens the tails: each coordinate becomes its inverse hyperbolic sine.

    Args:
        task: any task of real vectors.

    Returns:
        The task.
    """
    return _both(task, "asinh", ASINH)


def wiggly(task: Task) -> Task:
    """Adds three waves to each coordinate, others to x than to y; still increasing.

    x + .4 sin x + .2 sin(1.7 x + 1) + .03 sin(3.3 x - 2.5) and
    y - .4 sin(.4 y) + .17 sin(1.3 y + 3.5) + .02 sin(4.3 y - 2.5).

    Source: Czyz et al., "Beyond normal: on the evaluation of mutual information
        estimators", NeurIPS 2023.

    Args:
        task: any task of real vectors.

    Returns:
        The task.
    """
    return transformed(task, name="wiggly", map_x=WIGGLY_X, map_y=WIGGLY_Y)


def spiral(task: Task, *, speed: float = 1.0) -> Task:
    """Turns x in its first plane, y in its second, faster far from the origin.

    v -> exp(G |v|^2) v, G = (speed / D) times the generator of turns of coordinates
    (0, 1) for x and (1, 2) for y.

    Source: Czyz et al., "Beyond normal: on the evaluation of mutual information
        estimators", NeurIPS 2023.

    Args:
        task: a task of real vectors, x of at least 2 coordinates and y of at least 3.
        speed: of the turns.

    Returns:
        The task.

    Raises:
        ValueError: where there are too few coordinates.
    """
    return transformed(
        task,
        name="spiral" if speed == 1 else f"spiral({speed})",
        map_x=spiral_map(speed, plane=(0, 1)),
        map_y=spiral_map(speed, plane=(1, 2)),
    )


def swiss_roll(task: Task) -> Task:
    """Rolls x, a number in (0, 1), up in the plane.

    (t cos t, t sin t) / 21 with t = 1.5 pi (1 + 2 x).

    Source: Czyz et al., "Beyond normal: on the evaluation of mutual information
        estimators", NeurIPS 2023.

    Args:
        task: a task whose x is one number in (0, 1).

    Returns:
        The task.

    Raises:
        ValueError: where x has more coordinates.
    """
    return transformed(task, name="swissroll_x", map_x=SWISS_ROLL)


def power(task: Task, exponent: float) -> Task:
    """Each coordinate v becomes |v|^exponent with its sign.

    Args:
        task: any task of real vectors.
        exponent: above 0.

    Returns:
        The task.

    Raises:
        ValueError: where the exponent is out of range.
    """
    return _both(task, f"power({exponent})", power_map(exponent))


def rotate(task: Task, *, seed: int = 0) -> Task:
    """Turns x and y each by a random rotation.

    Args:
        task: any task of real vectors.
        seed: of the rotations, which are parts of the law.

    Returns:
        The task.
    """
    return transformed(
        task,
        name=f"rotate({seed})",
        map_x=rotation_map(task.dim_x, seed=2 * seed),
        map_y=rotation_map(task.dim_y, seed=2 * seed + 1),
    )


def random_mlp(task: Task, *, num_layers: int = 2, seed: int = 0) -> Task:
    """Sends x and y each through a random invertible network (`mlp_map`).

    Args:
        task: any task of real vectors.
        num_layers: how many times asinh is applied.
        seed: of the weights, which are parts of the law.

    Returns:
        The task.

    Raises:
        ValueError: where num_layers is no positive whole number.
    """
    return transformed(
        task,
        name=f"mlp({num_layers},{seed})",
        map_x=mlp_map(task.dim_x, num_layers=num_layers, seed=2 * seed),
        map_y=mlp_map(task.dim_y, num_layers=num_layers, seed=2 * seed + 1),
    )


def embed(task: Task, dim: int, *, seed: int = 0) -> Task:
    """Lays x and y each isometrically into a random subspace of `dim` coordinates.

    Args:
        task: any task of real vectors.
        dim: coordinates afterwards, at least those of x and of y.
        seed: of the subspaces, which are parts of the law.

    Returns:
        The task.

    Raises:
        ValueError: where dim is too small.

    Notes:
        The pmi of a vector outside the subspace is that of its projection.
    """
    return transformed(
        task,
        name=f"embed({dim},{seed})",
        map_x=embedding_map(task.dim_x, dim, seed=2 * seed),
        map_y=embedding_map(task.dim_y, dim, seed=2 * seed + 1),
    )


@by_value
def duplicate_noise_dims(task: Task, num_noise: int) -> Task:
    """Doubles every coordinate and adds coordinates of pure noise.

    x becomes (x, x, noise) and y becomes (y, y, noise), standard normal noise of its
    own for each; the information stays.

    Args:
        task: any task of real vectors.
        num_noise: coordinates of noise, for x and for y.

    Returns:
        The task.

    Raises:
        ValueError: where num_noise is no positive whole number, or x or y is discrete
            or no vector.
    """
    check_positive(num_noise=num_noise)
    if task.discrete_x or task.discrete_y:
        raise ValueError(f"task {task.name} holds labels, not numbers")
    if len(task.shape_x) != 1 or len(task.shape_y) != 1:
        raise ValueError(f"task {task.name} holds no vectors")
    base = task.pmi

    def sample(key: Key[Array, ""], n: int) -> tuple[Array, Array]:
        key_task, key_noise = jax.random.split(key)
        x, y = task.sample(key_task, n)
        noise_x, noise_y = jax.random.normal(key_noise, (2, n, num_noise), x.dtype)
        x = jnp.concatenate([x, x, noise_x], axis=-1)
        return x, jnp.concatenate([y, y, noise_y], axis=-1)

    def pmi(x: Array, y: Array) -> Array:
        assert base is not None
        return base(x[:, : task.dim_x], y[:, : task.dim_y])

    return dataclasses.replace(
        task,
        name=f"noise({num_noise})-{task.name}",
        sample=sample,
        pmi=None if base is None else pmi,
        shape_x=(2 * task.dim_x + num_noise,),
        shape_y=(2 * task.dim_y + num_noise,),
    )


def bimodal(rho: float) -> Task:
    """A Gaussian pair whose margins are bent into mixtures of two unit normals.

    x ~ .3 N(0, 1) + .7 N(5, 1), y ~ .5 N(-1, 1) + .5 N(3, 1), with the information of
    a normal pair of correlation rho.

    Source: Czyz et al., "Beyond normal: on the evaluation of mutual information
        estimators", NeurIPS 2023.

    Args:
        rho: correlation, in (-1, 1).

    Returns:
        The task.

    Raises:
        ValueError: where rho is out of range.
    """
    task = transformed(
        normal(rho),
        name="bimodal",
        map_x=mixture_quantile_map((0.3, 0.7), (0.0, 5.0)),
        map_y=mixture_quantile_map((0.5, 0.5), (-1.0, 3.0)),
    )
    return dataclasses.replace(task, name=f"1v1-bimodal-{rho}")
