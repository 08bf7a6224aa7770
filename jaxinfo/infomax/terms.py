"""Protocol of a term of the Deep InfoMax loss; terms of information and of a prior."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import optax

from jaxinfo.adversarial import Objective, Penalty, r1, r2
from jaxinfo.adversarial.objectives import find_objective
from jaxinfo.core.checks import check_scores
from jaxinfo.core.types import (
    Array,
    Critic,
    Float,
    Int,
    Key,
    Network,
    PyTree,
    apply_in_training,
    as_critic,
    as_network,
)
from jaxinfo.divergences import FDivergence
from jaxinfo.infomax.bounds import LocalBound, find_bound, local_scores

__all__ = [
    "AdversarialTerm",
    "GlobalTerm",
    "LocalTerm",
    "LossAndMetrics",
    "PriorTerm",
    "Term",
]

LossAndMetrics = tuple[Float[Array, ""], dict[str, Array]]


@runtime_checkable
class Term(Protocol):
    """A term of the loss that trains an encoder.

    Every object with these attributes and methods is a term; it need not inherit from
    this class. The encoder and the term's parameters minimize `weight * loss`.
    """

    @property
    def name(self) -> str:
        """The key of the term's parameters and metrics."""
        ...

    @property
    def weight(self) -> float | Array:
        """The factor of the term's loss."""
        ...

    def init(
        self,
        key: Key[Array, ""],
        features: Float[Array, "n ... c"],
        representations: Float[Array, "n d"],
    ) -> PyTree:
        """Returns the term's initial parameters, () if there are none.

        Args:
            key: random key.
            features: an example of local features, [2, ..., C], zeros.
            representations: an example of representations, [2, D], zeros.
        """
        ...

    def loss(
        self,
        key: Key[Array, ""],
        params: PyTree,
        features: Float[Array, "n ... c"],
        representations: Float[Array, "n d"],
    ) -> LossAndMetrics:
        """Returns the unweighted loss, and metrics by name.

        Args:
            key: random key of this update.
            params: the term's parameters.
            features: local features of a batch, [N, ..., C].
            representations: representations of the same batch, [N, D].
        """
        ...


@runtime_checkable
class AdversarialTerm(Term, Protocol):
    """A term whose parameters belong to an adversary with a loss of its own.

    The encoder minimizes `weight * loss` for a fixed adversary, and the adversary
    minimizes `adversary_loss` for fixed representations. Both move in the same update,
    by gradients of the same batch, and both losses receive the same key.
    """

    @property
    def optimizer(self) -> optax.GradientTransformation | None:
        """The adversary's optimizer; None for the encoder's."""
        ...

    def adversary_loss(
        self,
        key: Key[Array, ""],
        params: PyTree,
        features: Float[Array, "n ... c"],
        representations: Float[Array, "n d"],
        *,
        step: Int[Array, ""],
    ) -> LossAndMetrics:
        """Returns the adversary's loss, and metrics by name.

        Args:
            key: random key of this update, the one that `loss` receives.
            params: the adversary's parameters.
            features: local features of a batch, without a gradient.
            representations: representations of the same batch, without a gradient.
            step: number of updates before this one.
        """
        ...


# Information -----------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class GlobalTerm:
    """Maximizes the information between the representation and the whole feature map.

    loss = -I(X; Y), a bound of the information between the flattened features X of an
    input and its representation Y.

    Source: Hjelm et al., "Learning deep representations by mutual information
        estimation and maximization", ICLR 2019, section 3.1.

    Attributes:
        critic: of flattened features [N, L C] and representations [N, D].
        bound: "jensen_shannon", "donsker_varadhan", "info_nce", another key of
            `BOUNDS`, a member of the f-family, or a function of scores [N, L, N].
        weight: factor of the loss, alpha of the paper.
        name: key of the parameters and metrics.

    Raises:
        ValueError: if the bound is unknown.

    Notes:
        The metric "bound" is the bound of the batch, in nats.
    """

    critic: Critic = dataclasses.field(repr=False)
    _: dataclasses.KW_ONLY
    bound: str | FDivergence | LocalBound = "jensen_shannon"
    weight: float | Array = 1.0
    name: str = "global"

    def __post_init__(self) -> None:
        find_bound(self.bound)
        object.__setattr__(self, "critic", as_critic(self.critic))

    def init(self, key: Array, features: Array, representations: Array) -> PyTree:
        """Returns the critic's initial parameters, see `Term.init`."""
        whole = _whole(features)[:, 0]
        return _init_critic(self.critic, key, whole, representations)

    def loss(
        self, key: Array, params: PyTree, features: Array, representations: Array
    ) -> LossAndMetrics:
        """Returns the negative bound, see `Term.loss`."""
        del key
        scores = local_scores(self.critic, params, _whole(features), representations)
        bound = find_bound(self.bound)(scores)
        return -bound, {"bound": bound}


@dataclasses.dataclass(frozen=True)
class LocalTerm:
    """Maximizes the information between the representation and each location.

    loss = -I(X_l; Y), a bound of the information between the feature X_l of a location
    l, drawn uniformly, and the representation Y of the same input.

    Source: Hjelm et al., "Learning deep representations by mutual information
        estimation and maximization", ICLR 2019, section 3.2, equation 8.

    Attributes:
        critic: of features [N, C] and representations [N, D].
        bound: as of `GlobalTerm`.
        weight: factor of the loss, beta of the paper.
        name: key of the parameters and metrics.

    Raises:
        ValueError: if the bound is unknown.

    Notes:
        The metric "bound" is the bound of the batch, in nats.
    """

    critic: Critic = dataclasses.field(repr=False)
    _: dataclasses.KW_ONLY
    bound: str | FDivergence | LocalBound = "jensen_shannon"
    weight: float | Array = 1.0
    name: str = "local"

    def __post_init__(self) -> None:
        find_bound(self.bound)
        object.__setattr__(self, "critic", as_critic(self.critic))

    def init(self, key: Array, features: Array, representations: Array) -> PyTree:
        """Returns the critic's initial parameters, see `Term.init`."""
        rows = _locations(features)[:, 0]
        return _init_critic(self.critic, key, rows, representations)

    def loss(
        self, key: Array, params: PyTree, features: Array, representations: Array
    ) -> LossAndMetrics:
        """Returns the negative bound, see `Term.loss`."""
        del key
        rows = _locations(features)
        scores = local_scores(self.critic, params, rows, representations)
        bound = find_bound(self.bound)(scores)
        return -bound, {"bound": bound}


def _locations(features: Array) -> Float[Array, "n l c"]:
    return features.reshape(len(features), -1, features.shape[-1])


def _whole(features: Array) -> Float[Array, "n 1 k"]:
    """The whole feature map of each input as its only location."""
    return features.reshape(len(features), 1, -1)


def _init_critic(critic: Critic, key: Array, x: Array, y: Array) -> PyTree:
    params = critic.init(key, x, y)
    check_scores("critic", critic.apply, params, x, y)
    return params


# Prior -----------------------------------------------------------------------------

# The samples of the prior are drawn from the key itself. `fold_in(key, i)` for i this
# large gives keys that no sampler of fewer than 2^31 numbers uses.
DISCRIMINATOR_KEY, PENALTY_KEYS = 2**31, 2**31 + 1


@dataclasses.dataclass(frozen=True)
class PriorTerm:
    """Matches the distribution of representations to a prior by a discriminator.

    The discriminator is the adversary. It estimates a divergence between the prior P
    and the distribution Q of squashed representations, and the encoder minimizes it.

    Source: Hjelm et al., "Learning deep representations by mutual information
        estimation and maximization", ICLR 2019, section 3.3.

    Attributes:
        discriminator: of squashed representations, [N, D] -> [N].
        weight: factor of the encoder's loss, gamma of the paper.
        objective: an `Objective` of `jaxinfo.adversarial`, or its name.
        penalties: penalties of the discriminator's loss.
        optimizer: the discriminator's optimizer; None for the encoder's.
        sample_prior: `sample_prior(key, shape)`; uniform in (0, 1) by default.
        squash: maps representations to the support of the prior.
        name: key of the parameters and metrics.

    Raises:
        ValueError: if the objective is unknown or the discriminator is not a network.

    Notes:
        The metric "bound" is the discriminator's estimate of the divergence for the
        batch, see `Objective.bound`.
    """

    discriminator: Network = dataclasses.field(repr=False)
    _: dataclasses.KW_ONLY
    weight: float | Array = 0.1
    objective: Objective | str = "non_saturating"
    penalties: Sequence[Penalty] = dataclasses.field(
        default=(r1(1.0), r2(1.0)), repr=False
    )
    optimizer: optax.GradientTransformation | None = dataclasses.field(
        default=None, repr=False
    )
    sample_prior: Callable[[Array, tuple[int, ...]], Array] = dataclasses.field(
        default=jax.random.uniform, repr=False
    )
    squash: Callable[[Array], Array] = dataclasses.field(
        default=jax.nn.sigmoid, repr=False
    )
    name: str = "prior"

    def __post_init__(self) -> None:
        find_objective(self.objective)
        discriminator = as_network(self.discriminator, name="discriminator")
        object.__setattr__(self, "discriminator", discriminator)
        object.__setattr__(self, "penalties", tuple(self.penalties))

    def init(self, key: Array, features: Array, representations: Array) -> PyTree:
        """Returns the discriminator's initial parameters, see `Term.init`."""
        del features
        params = self.discriminator.init(key, representations)
        check_scores("discriminator", self.discriminator.apply, params, representations)
        return params

    def loss(
        self, key: Array, params: PyTree, features: Array, representations: Array
    ) -> LossAndMetrics:
        """Returns the encoder's loss, see `Term.loss`."""
        del features
        objective = find_objective(self.objective)
        samples = self._samples(key, representations)
        return objective.generator_loss(*self._scores(key, params, *samples)), {}

    def adversary_loss(
        self,
        key: Array,
        params: PyTree,
        features: Array,
        representations: Array,
        *,
        step: Int[Array, ""],
    ) -> LossAndMetrics:
        """Returns the discriminator's loss, see `AdversarialTerm.adversary_loss`."""
        del features
        objective = find_objective(self.objective)
        samples = self._samples(key, representations)
        scores = self._scores(key, params, *samples)
        loss = objective.discriminator_loss(*scores)
        for place, penalty in enumerate(self.penalties):
            own = jax.random.fold_in(key, PENALTY_KEYS + place)
            loss += self._penalty(penalty, own, params, *samples, step=step)
        return loss, {"bound": objective.bound(*scores)}

    def _samples(self, key: Array, representations: Array) -> tuple[Array, Array]:
        """Samples of the prior P and of the squashed representations Q."""
        prior = self.sample_prior(key, representations.shape)
        return prior, self.squash(representations)

    def _scores(
        self, key: Array, params: PyTree, samples_p: Array, samples_q: Array
    ) -> tuple[Array, Array]:
        """The discriminator's scores of P and of Q, in one pass."""
        own = jax.random.fold_in(key, DISCRIMINATOR_KEY)
        joined = jnp.concatenate([samples_p, samples_q])
        scores, _ = apply_in_training(self.discriminator, own, params, joined)
        return scores[: len(samples_p)], scores[len(samples_p) :]

    def _penalty(
        self,
        penalty: Penalty,
        key: Array,
        params: PyTree,
        samples_p: Array,
        samples_q: Array,
        *,
        step: Array,
    ) -> Float[Array, ""]:
        def score(sample: Array) -> Array:
            return self.discriminator.apply(params, sample[None])[0]

        def value() -> Array:
            mean = penalty.value(key, score, samples_p, samples_q)
            return penalty.weight * penalty.every * mean

        if penalty.every == 1:
            return value()
        absent = jnp.zeros((), jax.eval_shape(value).dtype)
        return jax.lax.cond(step % penalty.every == 0, value, lambda: absent)
