"""Transforms of tasks by injective maps, which preserve mutual information."""

import dataclasses

import jax.numpy as jnp

from jaxinfo.core.types import Array, Key
from jaxinfo.tasks.gaussian import normal
from jaxinfo.tasks.maps import (
    ASINH,
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
    spiral_map,
)
from jaxinfo.tasks.task import Task

__all__ = [
    "asinh",
    "bimodal",
    "embed",
    "half_cube",
    "normal_cdf",
    "random_mlp",
    "spiral",
    "swiss_roll",
    "transformed",
    "wiggly",
]


def _shape(map_: Map, shape: tuple[int, ...], side: str) -> tuple[int, ...]:
    if map_ is IDENTITY:
        return shape
    if len(shape) != 1:
        raise ValueError(f"{side} of task must be vectors, got shape {shape}")
    return shape if map_.dim is None else (map_.dim(shape[0]),)


def transformed(
    task: Task, *, name: str, map_x: Map = IDENTITY, map_y: Map = IDENTITY
) -> Task:
    """Applies an injective map to x and another one to y.

    I(f(X); g(Y)) = I(X; Y), and the pointwise information of f(x) and g(y) is that of
    x and y.

    Source: Cover and Thomas, "Elements of information theory", 2006, section 8.6.

    Args:
        task: any task.
        name: name of the transform; the new name is "{name}-{task.name}".
        map_x: f, applied to x.
        map_y: g, applied to y.

    Returns:
        The transformed task.

    Raises:
        ValueError: if a mapped side is discrete, is not a vector, or has a number of
            coordinates that the map does not accept.

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
            raise ValueError(
                f"{side} of task must be continuous; that of {task.name} is discrete"
            )
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
    """Applies the normal CDF Phi to each coordinate; standard normals become uniform.

    Args:
        task: a task of real vectors.

    Returns:
        The transformed task.

    Raises:
        ValueError: if x or y is discrete or not a vector.
    """
    return _both(task, "normal_cdf", NORMAL_CDF)


def half_cube(task: Task) -> Task:
    """Applies v -> v sqrt|v| to each coordinate, which lengthens the tails.

    Args:
        task: a task of real vectors.

    Returns:
        The transformed task.

    Raises:
        ValueError: if x or y is discrete or not a vector.
    """
    return _both(task, "half_cube", HALF_CUBE)


def asinh(task: Task) -> Task:
    """Applies asinh to each coordinate, which shortens the tails.

    Args:
        task: a task of real vectors.

    Returns:
        The transformed task.

    Raises:
        ValueError: if x or y is discrete or not a vector.
    """
    return _both(task, "asinh", ASINH)


def wiggly(task: Task) -> Task:
    """Adds three sines to each coordinate, with different ones for x and for y.

    Both maps are increasing:
    x + .4 sin x + .2 sin(1.7 x + 1) + .03 sin(3.3 x - 2.5) and
    y - .4 sin(.4 y) + .17 sin(1.3 y + 3.5) + .02 sin(4.3 y - 2.5).

    Source: Czyz et al., "Beyond normal: on the evaluation of mutual information
        estimators", NeurIPS 2023.

    Args:
        task: a task of real vectors.

    Returns:
        The transformed task.

    Raises:
        ValueError: if x or y is discrete or not a vector.
    """
    return transformed(task, name="wiggly", map_x=WIGGLY_X, map_y=WIGGLY_Y)


def spiral(task: Task, *, speed: float = 1.0) -> Task:
    """Rotates x in one plane and y in another, by an angle proportional to |v|^2.

    v -> exp(G |v|^2) v, G = (speed / D) times the generator of rotations of coordinates
    (0, 1) for x and (1, 2) for y.

    Source: Czyz et al., "Beyond normal: on the evaluation of mutual information
        estimators", NeurIPS 2023.

    Args:
        task: a task of real vectors, x of at least 2 coordinates and y of at least 3.
        speed: angle in radians per |v|^2 / D.

    Returns:
        The transformed task.

    Raises:
        ValueError: if x or y is discrete, not a vector, or has too few coordinates.
    """
    return transformed(
        task,
        name="spiral" if speed == 1 else f"spiral({speed})",
        map_x=spiral_map(speed, plane=(0, 1)),
        map_y=spiral_map(speed, plane=(1, 2)),
    )


def swiss_roll(task: Task) -> Task:
    """Maps x in (0, 1) to a spiral in the plane.

    x -> (t cos t, t sin t) / 21 with t = 1.5 pi (1 + 2 x).

    Source: Czyz et al., "Beyond normal: on the evaluation of mutual information
        estimators", NeurIPS 2023.

    Args:
        task: a task whose x has one coordinate, in (0, 1).

    Returns:
        The transformed task.

    Raises:
        ValueError: if x is discrete or has more than one coordinate.
    """
    return transformed(task, name="swissroll_x", map_x=SWISS_ROLL)


def random_mlp(task: Task, *, num_layers: int = 2, seed: int = 0) -> Task:
    """Applies a random invertible MLP to x and another one to y, see `mlp_map`.

    Args:
        task: a task of real vectors.
        num_layers: number of times that asinh is applied.
        seed: seed of the weights, which are fixed parts of the task.

    Returns:
        The transformed task.

    Raises:
        ValueError: if num_layers is not a positive integer, or x or y is discrete or
            not a vector.
    """
    return transformed(
        task,
        name=f"mlp({num_layers},{seed})",
        map_x=mlp_map(task.dim_x, num_layers=num_layers, seed=2 * seed),
        map_y=mlp_map(task.dim_y, num_layers=num_layers, seed=2 * seed + 1),
    )


def embed(task: Task, dim: int, *, seed: int = 0) -> Task:
    """Embeds x and y isometrically into random subspaces of `dim` dimensions.

    Args:
        task: a task of real vectors.
        dim: number of coordinates after the embedding, at least those of x and of y.
        seed: seed of the subspaces, which are fixed parts of the task.

    Returns:
        The transformed task.

    Raises:
        ValueError: if dim is too small, or x or y is discrete or not a vector.

    Notes:
        For a vector outside the subspace, `pmi` returns the value of its projection.
    """
    return transformed(
        task,
        name=f"embed({dim},{seed})",
        map_x=embedding_map(task.dim_x, dim, seed=2 * seed),
        map_y=embedding_map(task.dim_y, dim, seed=2 * seed + 1),
    )


def bimodal(rho: float) -> Task:
    """Makes a task of a Gaussian copula with bimodal marginals.

    x ~ .3 N(0, 1) + .7 N(5, 1) and y ~ .5 N(-1, 1) + .5 N(3, 1), with the mutual
    information of two normal variables with correlation rho.

    Source: Czyz et al., "Beyond normal: on the evaluation of mutual information
        estimators", NeurIPS 2023.

    Args:
        rho: correlation, in (-1, 1).

    Returns:
        The task.

    Raises:
        ValueError: if rho lies outside (-1, 1).
    """
    task = transformed(
        normal(rho),
        name="bimodal",
        map_x=mixture_quantile_map((0.3, 0.7), (0.0, 5.0)),
        map_y=mixture_quantile_map((0.5, 0.5), (-1.0, 3.0)),
    )
    return dataclasses.replace(task, name=f"1v1-bimodal-{rho}")
