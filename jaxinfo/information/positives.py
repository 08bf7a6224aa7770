"""InfoNCE with many positives, of a whole matrix or in blocks of its rows."""

import jax
import jax.numpy as jnp

from jaxinfo.core.checks import check_positive, check_rank
from jaxinfo.core.numerics import Where, log_mean_exp, weighted_mean
from jaxinfo.core.types import Array, Bool, Critic, Float, Int, PyTree
from jaxinfo.information.matrices import admit_matrix
from jaxinfo.information.scoring import make_blocks, pairwise_scores

__all__ = ["blocked_multi_positive_info_nce_bound", "multi_positive_info_nce_bound"]

Positives = Bool[Array, "n n"] | Int[Array, "n p"]


def multi_positive_info_nce_bound(
    scores: Float[Array, "n n"],
    positives: Positives,
    where: Where = None,
    *,
    axis: int = 1,
) -> Float[Array, ""]:
    """InfoNCE whose rows have any number of positives, in nats.

    mean_i [ log mean_{j in P_i} exp(s_ij) - log mean_j exp(s_ij) ], the positives
    among the N candidates. With P_i = {i} it is `info_nce_bound`.

    Source: Wang et al., "Self-supervised heterogeneous graph neural network with
        co-contrastive learning", KDD 2021, equations 9 and 10: their loss is mean_i
        log(N / |P_i|) less this, so that the gradients are the same.

    Args:
        scores: s[i, j] = T(x_i, y_j), [N, N].
        positives: a mask, [N, N], or the columns of the positives of each row, [N, P],
            filled up with -1.
        where: mask or weights of rows, [N]; an absent row is absent as a candidate and
            as a positive too.
        axis: along which a row's candidates lie: 1 for all y of an x, 0 for all x of a
            y, which is the value of the transposed scores and cheaper.

    Returns:
        The value in nats, at most mean_i log(N / |P_i|).

    Raises:
        ValueError: where the scores are not a square matrix, the positives not of its
            rows, or the axis neither 0 nor 1.

    Notes:
        A bound of mutual information with one positive a row. With more, the log-mean
        over them lies above the mean of their scores (Jensen), and the value may pass
        the information. A row without positives is left out.

    Example:
        >>> own = jnp.arange(4)[:, None]
        >>> float(multi_positive_info_nce_bound(jnp.zeros((4, 4)), own))
        0.0
    """
    scores = admit_matrix(scores, where)
    positives = _admit_positives(positives, len(scores))
    if axis not in (0, 1):
        raise ValueError(f"axis must be 0 or 1, got {axis}")
    ratios, has_any = _log_ratios(scores, positives, where, axis)
    return weighted_mean(ratios, _weights(has_any, where))


def blocked_multi_positive_info_nce_bound(
    critic: Critic,
    params: PyTree,
    x: Float[Array, "n ..."],
    y: Float[Array, "n ..."],
    positives: Positives,
    where: Where = None,
    *,
    block_size: int = 512,
) -> Float[Array, ""]:
    """`multi_positive_info_nce_bound` of rows, scored a block of rows at a time.

    The memory is that of `block_size` x N scores, in the gradient too, which computes
    each block once more.

    Source: as `multi_positive_info_nce_bound`, Wang et al., KDD 2021.

    Args:
        critic: of a row of x and a row of y.
        params: its parameters.
        x: rows of x, [N, ...].
        y: rows of y, [N, ...].
        positives: a mask, [N, N], or the columns of the positives of each row, [N, P],
            filled up with -1.
        where: mask or weights of rows, [N].
        block_size: rows that are scored together.

    Returns:
        The value in nats, to rounding that of the whole matrix.

    Raises:
        ValueError: where rows do not fit each other.
    """
    check_positive(block_size=block_size)
    size = len(x)
    if len(y) != size:
        raise ValueError(f"y must have the {size} rows of x, got {len(y)}")
    positives = _admit_positives(positives, size)
    rows, valid = make_blocks(size, block_size)

    @jax.checkpoint
    def block(rows: Array) -> tuple[Array, Array]:
        scores = pairwise_scores(critic, params, x[rows], y)
        if where is not None:
            scores = jnp.where(jnp.asarray(where) > 0, scores, 0)
        return _log_ratios(scores, positives[rows], where)

    ratios, has_any = jax.lax.map(block, jnp.asarray(rows))
    weights = _weights(has_any & valid, None if where is None else where[rows])
    return weighted_mean(ratios, weights)


def _admit_positives(positives: Positives, num_rows: int) -> Array:
    positives = jnp.asarray(positives)
    check_rank(2, positives=positives)
    is_mask = positives.dtype == bool
    if len(positives) != num_rows or (is_mask and positives.shape[1] != num_rows):
        raise ValueError(
            f"positives must be a mask of the shape {(num_rows, num_rows)} of scores, "
            f"or columns for each of its {num_rows} rows; got {positives.shape}"
        )
    if not is_mask and not jnp.issubdtype(positives.dtype, jnp.integer):
        raise ValueError(
            "positives must be truth values or numbers of columns, got "
            f"{positives.dtype}"
        )
    return positives


def _log_ratios(
    scores: Float[Array, "b n"], positives: Array, where: Where, axis: int = 1
) -> tuple[Float[Array, " b"], Bool[Array, " b"]]:
    """The log-mean of the positives beside that of all, and which rows have any.

    With axis 0 the scores are [N, B], and both lie along it.
    """
    weights = jnp.ones(scores.shape[axis], bool)
    all_of = None
    if where is not None:
        weights = jnp.asarray(where)
        all_of = jnp.expand_dims(weights, 1 - axis)
    if positives.dtype == bool:
        own, chosen = (scores if axis else scores.T), jnp.where(positives, weights, 0)
    else:
        rows = jnp.arange(len(positives))[:, None]
        own = scores[rows, positives] if axis else scores[positives, rows]
        chosen = jnp.where(positives >= 0, weights[positives], 0)
    chosen = chosen.astype(weights.dtype)
    has_any = jnp.any(chosen > 0, axis=1)
    # A row without positives takes all, so that no slope of it is NaN.
    chosen = jnp.where(has_any[:, None], chosen, jnp.ones_like(chosen))
    log_positive = log_mean_exp(own, chosen, axis=1)
    return log_positive - log_mean_exp(scores, all_of, axis=axis), has_any


def _weights(has_any: Bool[Array, "..."], where: Where) -> Array:
    if where is None:
        return has_any
    return jnp.where(has_any, jnp.asarray(where), 0)
