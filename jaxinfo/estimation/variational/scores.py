"""Applies the critic and the auxiliary network of a bound to rows."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxinfo.core.checks import check_scores
from jaxinfo.core.numerics import weighted_mean
from jaxinfo.core.types import Array, Critic, Float, Int, Key, Network, PyTree
from jaxinfo.estimation.variational.bound import Bound
from jaxinfo.estimation.variational.fit import as_network
from jaxinfo.information.negative_sampling import split_scores
from jaxinfo.information.scoring import (
    Blocks,
    pairwise_scores,
    score_blocks,
    score_negatives,
)

__all__ = ["Scorer", "as_auxiliary", "negative_weights", "value_on_blocks"]


def as_auxiliary(bound: Bound, auxiliary: Any) -> Network | None:
    """Returns the given auxiliary network or the bound's default, which may be None."""
    if bound.auxiliary is None:
        if auxiliary is not None:
            raise ValueError(
                f"auxiliary must be None: bound {bound.name!r} has no auxiliary network"
            )
        return None
    auxiliary = bound.auxiliary() if auxiliary is None else auxiliary
    if isinstance(auxiliary, Critic):
        auxiliary = Network(*auxiliary[:2])
    return as_network(auxiliary, name="auxiliary")


class Scorer(NamedTuple):
    """The networks of a bound and how they are applied.

    Attributes:
        bound: the bound.
        critic: the critic.
        auxiliary: the auxiliary network; None if the bound has none.
    """

    bound: Bound
    critic: Critic
    auxiliary: Network | None

    def init(self, key: Key[Array, ""], x: Array, y: Array) -> PyTree:
        """Returns initial parameters: the critic's, or a pair with the auxiliary's."""
        critic_key = key
        if self.auxiliary is not None:
            critic_key, key = jax.random.split(key)
        params = self.critic.init(critic_key, x, y)
        check_scores("critic", self.critic.apply, params, x, y)
        _check_pairwise(self.critic, params, x[:2], y[:1])
        if self.auxiliary is None:
            return params
        inputs = self._auxiliary_inputs(x, y)
        auxiliary_params = self.auxiliary.init(key, *inputs)
        check_scores("auxiliary", self.auxiliary.apply, auxiliary_params, *inputs)
        return params, auxiliary_params

    def on_joint(self, params: PyTree, x: Array, y: Array) -> tuple[Array, ...]:
        """Scores of the joint pairs, and the auxiliary network's output, [N] each."""
        scores = self.critic.apply(self.critic_params(params), x, y)
        return (scores, *self._auxiliary_output(params, x, y))

    def on_batch(
        self,
        params: PyTree,
        x: Array,
        y: Array,
        negatives: Int[Array, "n k"],
        negative_sampling: str,
    ) -> tuple[Array, ...]:
        """Scores of a batch and its negatives: the arguments of the objective."""
        own = self.critic_params(params)
        if self.bound.form == "joint":
            return self.on_joint(params, x, y)
        if self.bound.form == "matrix":
            scores = pairwise_scores(self.critic, own, x, y)
            return (scores, *self._auxiliary_output(params, x, y))
        if negative_sampling == "off_diagonal":
            return split_scores(pairwise_scores(self.critic, own, x, y), negatives)
        return score_negatives(self.critic, own, x, y, negatives)

    def on_blocks(
        self, params: PyTree, x: Array, y: Array, blocks: Blocks
    ) -> tuple[Array, ...]:
        """Scores of every block, [B, m, m] or [B, m], and auxiliary output, [B, m].

        The negatives of a row are the other rows of its block.
        """
        if self.bound.form == "joint":
            return tuple(part[blocks.rows] for part in self.on_joint(params, x, y))
        own = self.critic_params(params)
        scores = score_blocks(self.critic, own, x, y, blocks)
        output = self._auxiliary_output(params, x, y)
        return (scores, *(part[blocks.rows] for part in output))

    def critic_params(self, params: PyTree) -> PyTree:
        """Returns the critic's part of the parameters."""
        return params if self.auxiliary is None else params[0]

    def _auxiliary_output(
        self, params: PyTree, x: Array, y: Array
    ) -> tuple[Array, ...]:
        if self.auxiliary is None:
            return ()
        return (self.auxiliary.apply(params[1], *self._auxiliary_inputs(x, y)),)

    def _auxiliary_inputs(self, x: Array, y: Array) -> tuple[Array, ...]:
        return (y,) if self.bound.auxiliary_inputs == "y" else (x, y)


def value_on_blocks(
    bound: Bound,
    value: Callable[..., Array],
    scores: tuple[Array, ...],
    weights: Float[Array, "b m"],
    settings: dict[str, Any],
) -> Float[Array, ""]:
    """Returns a bound's value on weighted rows, from the scores of their blocks."""
    if bound.form != "pairs":
        values = jax.vmap(functools.partial(value, **settings))(*scores, weights)
        return weighted_mean(values, jnp.sum(weights, axis=1))
    (matrices,) = scores
    scores_p = jnp.diagonal(matrices, axis1=1, axis2=2).reshape(-1)
    where = negative_weights(weights).reshape(-1)
    return value(scores_p, matrices.reshape(-1), where, weights.reshape(-1), **settings)


def negative_weights(weights: Float[Array, "b m"]) -> Float[Array, "b m m"]:
    """Returns the weight of every pair of different rows of a block."""
    pairs = weights[:, :, None] * weights[:, None, :]
    return pairs * (1 - jnp.eye(weights.shape[1], dtype=weights.dtype)[None])


def _check_pairwise(critic: Critic, params: PyTree, x: Array, y: Array) -> None:
    if critic.pairwise is None:
        return
    shape = jnp.shape(jax.eval_shape(critic.pairwise, params, x, y))
    if shape != (len(x), len(y)):
        raise ValueError(
            "critic.pairwise must return a score for each x with each y, shape "
            f"({len(x)}, {len(y)}) for {len(x)} and {len(y)} rows; got shape {shape}"
        )
