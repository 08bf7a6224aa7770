"""Relabelings of rows that leave their distribution unchanged under independence."""

from collections.abc import Iterator

import numpy as np
from scipy.spatial.distance import cdist

from jaxinfo.core.types import Float, Int

__all__ = [
    "cells_of",
    "closed_stretch",
    "draw_orders",
    "group_orders",
    "series_orders",
    "within_blocks",
]

# Cells of rows with similar z have from 8 to 15 rows: enough to permute, and few
# enough for z to vary little.
SMALLEST_CELL = 8
# At most this share of a series and this many steps are cut off at either end.
MAX_CUT_SHARE, MAX_CUT = 0.2, 500


def draw_orders(
    generator: np.random.Generator,
    num_rows: int,
    count: int,
    *,
    groups: np.ndarray | None = None,
    is_series: bool = False,
) -> Iterator[Int[np.ndarray, " n"]]:
    """The order of the data, and then random relabelings that fit the rows.

    Args:
        generator: source of randomness.
        num_rows: N.
        count: number of relabelings after the first.
        groups: number of the group of each row, [N], if whole groups are exchanged.
        is_series: whether y is shifted in time.

    Yields:
        Row numbers, [N].
    """
    if is_series:
        return series_orders(generator, num_rows, count)
    if groups is not None:
        return group_orders(generator, groups, count)
    return within_blocks(generator, np.arange(num_rows)[None], count)


def within_blocks(
    generator: np.random.Generator, blocks: Int[np.ndarray, "b m"], count: int
) -> Iterator[Int[np.ndarray, " n"]]:
    """Permutations of the rows of each block; blocks hold each of N rows once."""
    order = np.arange(blocks.size)
    yield order.copy()
    for _ in range(count):
        order[blocks] = generator.permuted(blocks, axis=1)
        yield order.copy()


def series_orders(
    generator: np.random.Generator, num_rows: int, count: int
) -> Iterator[Int[np.ndarray, " n"]]:
    """Circular shifts by different random numbers of steps, as many as there are.

    Source: Lancaster et al., "Surrogate data for hypothesis testing of physical
        systems", Physics Reports 748, 2018, on time-shifted surrogates.
    """
    steps = np.arange(num_rows)
    yield steps
    for shift in generator.permutation(num_rows - 1)[:count] + 1:
        yield np.roll(steps, -shift)


def closed_stretch(series: Float[np.ndarray, "t d"]) -> slice:
    """The longest stretch whose end and start are as near as successive steps are.

    A circular shift joins the end of a series to its start. If it jumps there, the
    shifted series is less smooth than the series itself, and independent series with a
    long memory are rejected too often.

    Source: Theiler, Linsay and Rubin, "Detecting nonlinearity in data with long
        coherence times", 1993, for ends that match.

    Args:
        series: the series, ordered in time, [T, D].

    Returns:
        The steps to keep: those with the nearest ends if no ends are near enough.
    """
    num_steps = len(series)
    most = min(int(MAX_CUT_SHARE * num_steps), MAX_CUT)
    usual = np.median(np.sum(np.diff(series, axis=0) ** 2, axis=1))
    # Entry [i, j]: the first i steps and the last j steps are cut off.
    starts, ends = series[: most + 1], series[::-1][: most + 1]
    jumps = cdist(starts, ends, "sqeuclidean")
    cut = np.add.outer(np.arange(most + 1), np.arange(most + 1))
    is_near = jumps <= usual
    choice = np.where(is_near, cut, np.inf) if is_near.any() else jumps
    first, last = np.unravel_index(np.argmin(choice), choice.shape)
    return slice(int(first), num_steps - int(last))


def group_orders(
    generator: np.random.Generator, groups: np.ndarray, count: int
) -> Iterator[Int[np.ndarray, " n"]]:
    """Exchanges of whole groups: row k of a group is paired with row k of another.

    If the other group has fewer rows, its rows are repeated.
    """
    by_group = np.argsort(groups, kind="stable")
    sizes = np.bincount(groups)
    starts = np.cumsum(sizes) - sizes
    turn = np.empty(len(groups), int)
    turn[by_group] = np.arange(len(groups)) - np.repeat(starts, sizes)
    yield np.arange(len(groups))
    for _ in range(count):
        partner = generator.permutation(len(sizes))[groups]
        yield by_group[starts[partner] + turn % sizes[partner]]


def cells_of(
    generator: np.random.Generator, z: Float[np.ndarray, "n d"]
) -> Int[np.ndarray, "b m"]:
    """Row numbers of cells of rows with similar z, all of one size, [B, m].

    Each step halves all cells at the median of their widest coordinate. A few random
    rows are left out so that the cells have one size. If z has no coordinate, all rows
    are one cell.
    """
    num_rows, num_coordinates = z.shape
    depth = max(0, int(np.log2(max(num_rows / SMALLEST_CELL, 1))))
    depth = depth if num_coordinates else 0
    size = num_rows >> depth
    cells = generator.permutation(num_rows)[None, : size << depth]
    for _ in range(depth):
        inside = z[cells]
        widest = np.argmax(np.ptp(inside, axis=1), axis=1)
        values = np.take_along_axis(inside, widest[:, None, None], axis=2)[..., 0]
        order = np.argsort(values, axis=1, kind="stable")
        cells = np.take_along_axis(cells, order, axis=1)
        cells = cells.reshape(2 * len(cells), -1)
    return cells
