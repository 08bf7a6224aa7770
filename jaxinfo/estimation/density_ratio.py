"""The base class of fitted density ratios, and their storage."""

import abc
import os
import pickle
import warnings
from typing import Any, TypeVar

import jax
import numpy as np

from jaxinfo.core.types import Array, Float

__all__ = ["DensityRatio", "load_density_ratio"]

Path = str | os.PathLike[str]
Ratio = TypeVar("Ratio", bound="DensityRatio")


class DensityRatio(abc.ABC):
    """The logarithm of a fitted density ratio, in nats.

    For mutual information it is log p(x, y) / (p(x) p(y)), the pointwise information;
    for a divergence of two samples it is log p(x) / q(x). Subclasses are frozen
    dataclasses that are registered as pytrees (`jax.tree_util.register_dataclass`):
    their arrays are leaves, their networks static metadata. A density ratio can
    therefore be an argument of functions under `jax.jit`, `jax.grad` and `jax.vmap`.
    """

    @abc.abstractmethod
    def log_ratio(self, *rows: Any) -> Float[Array, " n"]:
        """Evaluates the log density ratio of each row, nats, [N]."""

    def __call__(self, *rows: Any) -> Float[Array, " n"]:
        """Evaluates the log density ratio of each row, nats, [N]."""
        return self.log_ratio(*rows)

    def save(self, path: Path) -> None:
        """Writes the density ratio to one .npz file.

        Networks that are lambdas or closures cannot be saved; functions at the top
        level of a module and the bundled networks can.

        Args:
            path: name of the file.

        Raises:
            ValueError: if a network cannot be pickled.
        """
        leaves, structure = jax.tree.flatten(self)
        skeleton = jax.tree.unflatten(structure, range(len(leaves)))
        try:
            pickled = pickle.dumps(skeleton)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise ValueError(
                "the density ratio holds a function that cannot be pickled; define the "
                f"network's functions at the top level of a module ({error})"
            ) from error
        if b"__main__" in pickled:
            warnings.warn(
                "the density ratio holds a class or function that this script defines; "
                "move it to a module, or other processes cannot load the file",
                UserWarning,
                stacklevel=2,
            )
        arrays: Any = {f"leaf_{i}": np.asarray(leaf) for i, leaf in enumerate(leaves)}
        with open(path, "wb") as file:
            np.savez(file, structure=np.frombuffer(pickled, np.uint8), **arrays)

    def __eq__(self, other: object) -> bool:
        """Whether both have the same structure and equal arrays."""
        if type(self) is not type(other):
            return False
        (mine, structure), (theirs, other_structure) = map(
            jax.tree.flatten, (self, other)
        )
        return structure == other_structure and all(map(np.array_equal, mine, theirs))

    def __hash__(self) -> int:
        """A hash of the structure and the shapes."""
        leaves, structure = jax.tree.flatten(self)
        return hash((structure, tuple(np.shape(leaf) for leaf in leaves)))


def load_density_ratio(path: Path) -> DensityRatio:
    """Reads a density ratio that `DensityRatio.save` wrote.

    Args:
        path: name of the file. Load only files that you trust: the structure is
            pickled, and unpickling can run code.

    Returns:
        The density ratio, equal to the one that was saved.

    Raises:
        ValueError: if the file holds no density ratio.
    """
    try:
        file = np.load(path)
    except (ValueError, EOFError):
        file = None
    if not isinstance(file, np.lib.npyio.NpzFile) or "structure" not in file:
        raise ValueError(f"{path} was not written by DensityRatio.save")
    with file:
        try:
            skeleton = pickle.loads(file["structure"].tobytes())
        except (AttributeError, ImportError) as error:
            raise ValueError(
                f"{path} needs a class or function that this process cannot import; "
                f"define the network in a module of its own ({error})"
            ) from error
        places, structure = jax.tree.flatten(skeleton)
        leaves = [file[f"leaf_{place}"] for place in places]
    return jax.tree.unflatten(structure, leaves)
