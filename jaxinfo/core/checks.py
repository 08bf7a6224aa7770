"""Checks of public arguments, whose errors name the argument and the expected value.

Only static facts are checked, so that every check also works under `jax.jit`.
"""

import difflib
import numbers as numbers_abc
from collections.abc import Callable, Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

__all__ = [
    "check_finite_number",
    "check_finite_rows",
    "check_host_key",
    "check_key",
    "check_one_of",
    "check_optimizer",
    "check_positive",
    "check_rank",
    "check_scores",
    "check_square",
]


def check_rank(rank: int, **arrays: Any) -> None:
    """Raises ValueError unless every named array has this many axes."""
    for name, array in arrays.items():
        if jnp.ndim(array) != rank:
            axes = "1 axis" if rank == 1 else f"{rank} axes"
            raise ValueError(f"{name} must have {axes}, got shape {jnp.shape(array)}")


def check_square(**matrices: Any) -> None:
    """Raises ValueError unless every named array is a square matrix."""
    check_rank(2, **matrices)
    for name, matrix in matrices.items():
        rows, columns = jnp.shape(matrix)
        if rows != columns:
            raise ValueError(
                f"{name} must be a square matrix, got shape {(rows, columns)}"
            )


def check_positive(**numbers: int) -> None:
    """Raises ValueError unless every named number is a positive whole number."""
    for name, number in numbers.items():
        whole = isinstance(number, numbers_abc.Integral)
        if not whole or isinstance(number, bool) or number < 1:
            raise ValueError(f"{name} must be a positive whole number, got {number}")


def check_finite_number(
    low: float = float("-inf"), high: float = float("inf"), **numbers: float
) -> None:
    """Raises ValueError unless every named number lies strictly inside (low, high)."""
    for name, number in numbers.items():
        if not low < number < high:
            raise ValueError(f"{name} must lie in ({low}, {high}), got {number}")


def check_finite_rows(**arrays: Any) -> None:
    """Raises ValueError unless every named array has rows of finite floats."""
    for name, array in arrays.items():
        if jnp.ndim(array) < 2 or not len(array):
            raise ValueError(
                f"{name} must have rows and at least one more axis, got shape "
                f"{jnp.shape(array)}"
            )
        if not jnp.issubdtype(array.dtype, jnp.floating):
            raise ValueError(f"{name} must be floating-point, got {array.dtype}")
        if isinstance(array, Tracer):
            continue  # Under jit the values are not known.
        finite = np.isfinite(np.asarray(array)).reshape(len(array), -1)
        bad = np.flatnonzero(~finite.all(axis=1))
        if len(bad):
            raise ValueError(
                f"{name} must be finite; {len(bad)} of {len(array)} rows are not, the "
                f"first of which is row {bad[0]}"
            )


def check_key(rank: int, **keys: Any) -> None:
    """Raises ValueError unless every named argument is an array of typed keys."""
    for name, key in keys.items():
        dtype = getattr(key, "dtype", None)
        if dtype is None or not jnp.issubdtype(dtype, jax.dtypes.prng_key):
            if dtype == jnp.uint32 and jnp.shape(key)[-1:] == (2,):
                raise ValueError(
                    f"{name} must be made by jax.random.key, got a legacy key of "
                    f"uint32, as jax.random.PRNGKey makes: give jax.random.key(seed) "
                    f"or jax.random.wrap_key_data({name})"
                )
            raise ValueError(
                f"{name} must be made by jax.random.key, got {type(key).__name__}"
                + ("" if dtype is None else f" of {dtype}")
            )
        check_rank(rank, **{name: key})


def check_host_key(key: Any) -> None:
    """Raises ValueError unless the key is one typed key, TypeError if it is traced."""
    check_key(0, key=key)
    if isinstance(key, Tracer):
        raise TypeError(
            "key is traced: estimate functions run on the host; inside jit and vmap "
            "use the pure run of jaxinfo.estimation.make_run"
        )


def check_optimizer(**optimizers: Any) -> None:
    """Raises ValueError unless every named argument is an optax optimizer."""
    for name, optimizer in optimizers.items():
        if not (hasattr(optimizer, "init") and hasattr(optimizer, "update")):
            given = getattr(optimizer, "__name__", None)
            got = type(optimizer).__name__ if given is None else f"the maker {given}"
            raise ValueError(
                f"{name} must be an optax optimizer such as optax.adam(1e-3), got {got}"
            )


def check_one_of(known: Iterable[str], **names: str) -> None:
    """Raises ValueError unless every named string is one of the known names.

    The message suggests a known name that differs in case, underscores or a typing
    error only.
    """
    known = list(known)
    for argument, name in names.items():
        if not isinstance(name, str) or name not in known:
            raise ValueError(
                f"unknown {argument} {name!r}; {_suggestion(name, known)}known: "
                f"{', '.join(sorted(known))}"
            )


def _suggestion(name: Any, known: Iterable[str]) -> str:
    plain = {_letters(candidate): candidate for candidate in known}
    close = difflib.get_close_matches(_letters(str(name)), plain, n=2, cutoff=0.8)
    names = " or ".join(sorted(repr(plain[letters]) for letters in close))
    return f"did you mean {names}? " if close else ""


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name)).lower()


def check_scores(
    name: str, apply: Callable[..., Any], params: Any, *inputs: Any
) -> None:
    """Raises ValueError unless a network returns one floating-point score per row."""
    output = jax.eval_shape(apply, params, *inputs)
    shape, rows = getattr(output, "shape", type(output).__name__), len(inputs[0])
    if shape != (rows,) or not jnp.issubdtype(output.dtype, jnp.floating):
        dtype = getattr(output, "dtype", "no dtype")
        raise ValueError(
            f"{name} must return one floating-point score for each row, shape "
            f"({rows},) for {rows} rows; got shape {shape}, {dtype}"
        )
