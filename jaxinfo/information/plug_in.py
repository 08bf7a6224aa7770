"""Mutual information from the counts of discrete states."""

import jax.numpy as jnp

from jaxinfo.core.types import Array, Float, Int
from jaxinfo.information.local_information import (
    LocalInformation,
    check_paired_rows,
    local_information,
)

__all__ = ["plug_in_information"]


def plug_in_information(
    x: Float[Array, "n d"] | Int[Array, "n d"],
    y: Float[Array, "n e"] | Int[Array, "n e"],
    *,
    miller_madow: bool = True,
) -> LocalInformation:
    """Mutual information of the relative frequencies of discrete states, nats.

    mean_i log(N n(x_i, y_i) / (n(x_i) n(y_i))) + (Kx + Ky - Kxy - 1) / (2 N), with n
    the counts and Kx, Ky, Kxy the numbers of states seen of x, of y and of the pair.

    Source: Miller, "Note on the bias of information estimates", in Information theory
        in psychology, 1955.

    Args:
        x: rows of x, [N, D]; equal rows are the same state.
        y: rows of y, [N, E].
        miller_madow: whether to add the second term, the Miller-Madow correction;
            static.

    Returns:
        The `LocalInformation`, nats.

    Raises:
        ValueError: if the rows are not paired.

    Notes:
        Without the correction the value is biased up by about
        (Kx - 1) (Ky - 1) / (2 N). With it the bias is of smaller order, provided that
        every state is seen several times. The contributions are the influence function
        of the value.

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
    """The number of rows in the same state as each row, and the number of states."""
    _, states, counts = jnp.unique(
        rows, axis=0, return_inverse=True, return_counts=True, size=len(rows)
    )
    counts = counts.astype(float)
    return counts[states.reshape(-1)], jnp.sum(counts > 0, dtype=float)
