"""The result of the classical estimators, and the validation of their samples."""

from typing import NamedTuple

import jax.numpy as jnp

from jaxinfo.core.checks import check_rank
from jaxinfo.core.types import Array, Float

__all__ = ["LocalInformation", "check_paired_rows", "local_information"]


class LocalInformation(NamedTuple):
    """An estimate of mutual information, and the contribution of each row.

    Attributes:
        value: the estimate, the mean of the contributions, nats, [].
        contributions: the local information of each row, nats, [N].
    """

    value: Float[Array, ""]
    contributions: Float[Array, " n"]


def local_information(contributions: Float[Array, " n"]) -> LocalInformation:
    """The `LocalInformation` with these contributions and their mean."""
    return LocalInformation(jnp.mean(contributions), contributions)


def check_paired_rows(
    x: Float[Array, "n d"], y: Float[Array, "n e"], *, more_than: int
) -> tuple[Float[Array, "n d"], Float[Array, "n e"]]:
    """Checks that two samples are paired rows and converts them to floating point.

    Args:
        x: rows of x, [N, D].
        y: rows of y, [N, E].
        more_than: N must be greater than this.

    Returns:
        x and y, with integers converted to floating point.

    Raises:
        ValueError: if the shapes do not match, or there are too few rows.
    """
    check_rank(2, x=x, y=y)
    x, y = (jnp.asarray(z, dtype=jnp.result_type(z, float)) for z in (x, y))
    if len(x) != len(y):
        raise ValueError(f"y must have the {len(x)} rows of x, got {len(y)}")
    if len(x) <= more_than:
        raise ValueError(f"x must have more than {more_than} rows, got {len(x)}")
    return x, y
