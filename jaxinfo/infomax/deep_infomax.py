"""Deep InfoMax: an encoder trained by a list of terms of its representation."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from jaxinfo.core.checks import check_finite_rows, check_key, check_optimizer
from jaxinfo.core.numerics import all_finite
from jaxinfo.core.types import (
    Array,
    Bool,
    Float,
    Int,
    Key,
    Network,
    PyTree,
    apply_in_training,
    as_network,
    shown,
    with_statistics,
)
from jaxinfo.infomax.terms import AdversarialTerm, Term
from jaxinfo.training import stop_at_nonfinite

__all__ = ["DeepInfomax", "DeepInfomaxInfo", "DeepInfomaxState", "make_deep_infomax"]

Transform = Callable[[Array, Array], Array]

ENCODER = "encoder"
# The initial weights of a part depend on its place here, not on which others there are.
KNOWN_PARTS = (ENCODER, "global", "local", "coordinate", "displacement", "prior")


class DeepInfomaxState(NamedTuple):
    """The state of a training.

    Attributes:
        step: number of updates done, [].
        params: parameters of the encoder, under "encoder", and of each term, under its
            name.
        optimizer: optimizer states: of the encoder and all terms without an adversary,
            under "encoder", and of each adversary, under the name of its term.
        stopped_at: the update that was not finite and ended this training; -1 if none.
    """

    step: Int[Array, ""]
    params: dict[str, PyTree]
    optimizer: dict[str, PyTree]
    stopped_at: Int[Array, ""]


class DeepInfomaxInfo(NamedTuple):
    """Metrics of one update, evaluated on the batch that it was trained on.

    Attributes:
        loss: the encoder's loss, the weighted sum of the terms' losses.
        terms: by name of a term: "loss", its unweighted loss, and the term's metrics.
        gradient_norm: norm of the gradient of `loss`.
        is_stopped: whether this training has ended at an update that was not finite.
    """

    loss: Float[Array, ""]
    terms: dict[str, dict[str, Float[Array, ""]]]
    gradient_norm: Float[Array, ""]
    is_stopped: Bool[Array, ""]


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class DeepInfomax:
    """A training of an encoder, as pure functions; made by `make_deep_infomax`.

    Attributes:
        encoder: the network that is trained.
        terms: terms of its loss.
        optimizer: the encoder's optimizer.
        augment: `augment(key, images) -> images`, or None.
        occlude: `occlude(key, images) -> images`, or None.
    """

    encoder: Network
    terms: tuple[Term, ...]
    optimizer: optax.GradientTransformation
    augment: Transform | None = None
    occlude: Transform | None = None

    def __repr__(self) -> str:
        return f"DeepInfomax(terms=[{', '.join(map(repr, self.terms))}])"

    def init(
        self, key: Key[Array, ""], images: Float[Array, "n ..."]
    ) -> DeepInfomaxState:
        """Initializes the encoder, the terms and the optimizers.

        Args:
            key: random key.
            images: examples of the data, [N, ...], floats or unsigned bytes.

        Returns:
            The state before the first update.

        Raises:
            ValueError: if images are not finite, or the networks do not match them.
        """
        check_key(0, key=key)
        images = _as_floats(images)
        check_finite_rows(images=images)
        keys = self._initial_keys(key)
        two = jnp.resize(images[:2], (2, *images.shape[1:]))
        if self.augment is not None:
            two = _zeros(jax.eval_shape(self.augment, key, two))
        params = {ENCODER: self.encoder.init(keys[ENCODER], two)}
        output = jax.eval_shape(self.encoder.apply, params[ENCODER], two)
        features, representations = map(_zeros, _check_encoding(output, len(two)))
        for term in self.terms:
            params[term.name] = term.init(keys[term.name], features, representations)
        return DeepInfomaxState(
            step=jnp.zeros((), int),
            params=params,
            optimizer={
                name: rule.init(own) for name, rule, own in self._optimized(params)
            },
            stopped_at=jnp.full((), -1, int),
        )

    def step(
        self,
        key: Key[Array, ""],
        state: DeepInfomaxState,
        images: Float[Array, "n ..."],
    ) -> tuple[DeepInfomaxState, DeepInfomaxInfo]:
        """Updates the encoder and all terms once.

        Args:
            key: random key.
            state: the state before the update.
            images: a batch of at least two, [N, ...].

        Returns:
            The next state, and the metrics of the batch. A training that meets a number
            that is not finite keeps its parameters from then on.

        Raises:
            ValueError: if there are fewer than two images.
        """
        if jnp.ndim(images) < 2 or len(images) < 2:
            raise ValueError(
                f"images must be a batch of at least two, got shape {jnp.shape(images)}"
            )
        keys = self._step_keys(key)
        images = _as_floats(images)
        if self.augment is not None:
            images = self.augment(keys.augment, images)

        (loss, encoding), gradient = jax.value_and_grad(
            self._encoder_loss, has_aux=True
        )(self._trained(state.params), state.params, keys, images)
        gradients, metrics = {ENCODER: gradient}, encoding.metrics
        for term in self._adversaries():
            gradients[term.name], more = self._adversary_gradient(
                term, state, keys, encoding
            )
            metrics = metrics | {term.name: metrics[term.name] | more}

        params, optimizer = dict(state.params), {}
        for name, rule, own in self._optimized(state.params):
            updates, optimizer[name] = rule.update(
                gradients[name], state.optimizer[name], own
            )
            moved: Any = optax.apply_updates(own, updates)
            params |= moved if name == ENCODER else {name: moved}
        params[ENCODER] = with_statistics(params[ENCODER], encoding.statistics)

        is_finite = all_finite((params, optimizer, loss))
        new_state = stop_at_nonfinite(
            state, state._replace(params=params, optimizer=optimizer), is_finite
        )
        return new_state, DeepInfomaxInfo(
            loss=loss,
            terms=metrics,
            gradient_norm=optax.tree.norm(gradient),
            is_stopped=new_state.stopped_at >= 0,
        )

    def encode(self, state: DeepInfomaxState, images: Float[Array, "n ..."]) -> Any:
        """Applies the trained encoder, without noise and with its running statistics.

        Args:
            state: a state of this training.
            images: [N, ...], floats or unsigned bytes.

        Returns:
            What the encoder returns: local features, representations, ....
        """
        return self.encoder.apply(state.params[ENCODER], _as_floats(images))

    # Losses and gradients ----------------------------------------------------------

    def _encoder_loss(
        self,
        trained: dict[str, PyTree],
        params: dict[str, PyTree],
        keys: "_Keys",
        images,
    ) -> tuple[Float[Array, ""], "_Encoding"]:
        """The weighted sum of the losses, and the encoding for the adversaries."""
        params = params | trained
        encoding = self._encode_in_training(keys, params[ENCODER], images)
        total, metrics = 0.0, {}
        for term in self.terms:
            own = keys.terms[term.name], params[term.name]
            result = term.loss(*own, encoding.features, encoding.representations)
            loss, more = _check_loss(term.name, result)
            total += term.weight * loss
            metrics[term.name] = {"loss": loss, **more}
        return jnp.asarray(total), encoding._replace(metrics=metrics)

    def _encode_in_training(
        self, keys: "_Keys", params: PyTree, images: Array
    ) -> "_Encoding":
        """Features of the images, and representations of the occluded images."""
        (features, representations, *_), statistics = apply_in_training(
            self.encoder, keys.encoder, params, images
        )
        if self.occlude is not None:
            visible = self.occlude(keys.occlude, images)
            (_, representations, *_), _ = apply_in_training(
                self.encoder, keys.occluded_encoder, params, visible
            )
        return _Encoding(features, representations, statistics, {})

    def _adversary_gradient(
        self,
        term: AdversarialTerm,
        state: DeepInfomaxState,
        keys: "_Keys",
        encoding: "_Encoding",
    ) -> tuple[PyTree, dict[str, Array]]:
        features, representations = jax.lax.stop_gradient(
            (encoding.features, encoding.representations)
        )

        def loss(params: PyTree) -> tuple[Array, dict[str, Array]]:
            # The same random numbers as in the encoder's loss, on purpose.
            own = jax.random.clone(keys.terms[term.name])
            return term.adversary_loss(
                own, params, features, representations, step=state.step
            )

        return jax.grad(loss, has_aux=True)(state.params[term.name])

    # Parts -------------------------------------------------------------------------

    def _adversaries(self) -> list[AdversarialTerm]:
        return [term for term in self.terms if isinstance(term, AdversarialTerm)]

    def _trained(self, params: dict[str, PyTree]) -> dict[str, PyTree]:
        """Parameters that minimize the encoder's loss: all but the adversaries'."""
        adversaries = {term.name for term in self._adversaries()}
        return {name: own for name, own in params.items() if name not in adversaries}

    def _optimized(
        self, params: dict[str, PyTree]
    ) -> list[tuple[str, optax.GradientTransformation, PyTree]]:
        """Name, optimizer and parameters: the encoder's side, then each adversary."""
        adversaries = [
            (term.name, term.optimizer or self.optimizer, params[term.name])
            for term in self._adversaries()
        ]
        return [(ENCODER, self.optimizer, self._trained(params)), *adversaries]

    def _initial_keys(self, key: Key[Array, ""]) -> dict[str, Key[Array, ""]]:
        others = [term.name for term in self.terms if term.name not in KNOWN_PARTS]
        names = [*KNOWN_PARTS, *others]
        return dict(zip(names, jax.random.split(key, len(names)), strict=True))

    def _step_keys(self, key: Key[Array, ""]) -> "_Keys":
        augment, prior, rest, others = jax.random.split(key, 4)
        encoder, occlude, occluded_encoder, displacement = jax.random.split(rest, 4)
        names = [term.name for term in self.terms]
        terms = dict(zip(names, jax.random.split(others, len(names)), strict=True))
        # The keys of these two do not depend on the other terms.
        terms |= {"prior": prior, "displacement": displacement}
        return _Keys(augment, encoder, occlude, occluded_encoder, terms)


class _Keys(NamedTuple):
    """A random key for each use in one update."""

    augment: Key[Array, ""]
    encoder: Key[Array, ""]
    occlude: Key[Array, ""]
    occluded_encoder: Key[Array, ""]
    terms: dict[str, Key[Array, ""]]


def _check_loss(name: str, result: Any) -> tuple[Array, dict[str, Array]]:
    is_pair = isinstance(result, tuple) and len(result) == 2
    if not is_pair or jnp.ndim(result[0]) or not isinstance(result[1], dict):
        raise ValueError(
            f"loss of the term {name!r} must return (loss, metrics), a scalar and a "
            f"dict of arrays, got {shown(result)}"
        )
    return result


class _Encoding(NamedTuple):
    features: Float[Array, "n ... c"]
    representations: Float[Array, "n d"]
    statistics: PyTree
    metrics: dict[str, dict[str, Array]]


def make_deep_infomax(
    encoder: Network,
    *,
    terms: Sequence[Term],
    optimizer: optax.GradientTransformation,
    augment: Transform | None = None,
    occlude: Transform | None = None,
) -> DeepInfomax:
    """Makes the training of an encoder by Deep InfoMax.

    The encoder and the terms' networks minimize the weighted sum of the terms' losses.
    With I a lower bound of the information between the representation Y and the feature
    map X or a location X_l of it, and D an adversarial estimate of a divergence from a
    prior, the paper's loss is
        -alpha I(X; Y) - beta I(X_l; Y) + gamma D(Y, prior).
    DIM(G) of the paper is `[GlobalTerm(critic), PriorTerm(discriminator, weight=1)]`,
    DIM(L) is `[LocalTerm(critic), PriorTerm(discriminator)]`. DIM(L+G) has all three
    terms with weights 0.5, 0.1 and 0.1.

    Source: Hjelm et al., "Learning deep representations by mutual information
        estimation and maximization", ICLR 2019, equation 10; section 4.3 for the tasks
        of location and for occlusion.

    Args:
        encoder: a network, or a pair (init, apply), from images [N, ...] to a tuple of
            local features [N, ..., C], representations [N, D] and whatever else. Its
            `apply_train` serves training.
        terms: terms of the loss: `GlobalTerm`, `LocalTerm`, `PriorTerm`,
            `CoordinateTerm`, `DisplacementTerm`, or any other `Term`.
        optimizer: an Optax optimizer of the encoder and the terms.
        augment: `augment(key, images) -> images`, applied to every batch, or None.
        occlude: `occlude(key, images) -> images`, applied to the images from which
            representations are computed, but not to those of the features, or None.

    Returns:
        A `DeepInfomax` with the methods `init`, `step` and `encode`.

    Raises:
        ValueError: if there is no term, or two have one name, or one lacks a method of
            `Term`; from `init`, if the networks do not match the images.

    Notes:
        Unsigned bytes are divided by 255. A training that meets a number that is not
        finite stops for good; other trainings in the same `vmap` continue.

    Example:
        >>> from jaxinfo import infomax, networks
        >>> infomax.make_deep_infomax(
        ...     networks.convolutional_encoder((28, 28, 1)),
        ...     terms=[infomax.LocalTerm(networks.embedding_critic(256))],
        ...     optimizer=optax.adam(1e-4),
        ... )
        DeepInfomax(terms=[LocalTerm(bound='jensen_shannon', weight=1.0, name='local')])
    """
    check_optimizer(optimizer=optimizer)
    if isinstance(terms, Term):
        raise ValueError(
            f"terms must be a sequence of terms, got one {type(terms).__name__}: give "
            "[term]"
        )
    terms = tuple(terms)
    if not terms:
        raise ValueError("terms must hold at least one term, got none")
    for place, term in enumerate(terms):
        if isinstance(term, type):
            raise ValueError(
                f"terms[{place}] must be an instance, got the class: give "
                f"{term.__name__}(...)"
            )
        if not isinstance(term, Term):
            raise ValueError(
                f"terms[{place}] must have name, weight, init and loss, see "
                f"`jaxinfo.infomax.Term`; got {type(term).__name__}"
            )
    names = [ENCODER, *(term.name for term in terms)]
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        raise ValueError(
            "terms must have names that differ from each other and from 'encoder', got "
            f"{', '.join(names[1:])}; set `name`"
        )
    return DeepInfomax(
        as_network(encoder, name="encoder"), terms, optimizer, augment, occlude
    )


def _as_floats(images: Array) -> Float[Array, "n ..."]:
    if jnp.issubdtype(images.dtype, jnp.integer):
        return images.astype(jnp.result_type(float)) / 255
    return images


def _zeros(shaped: Any) -> Array:
    return jnp.zeros(shaped.shape, shaped.dtype)


def _check_encoding(output: Any, num_images: int) -> tuple[Any, Any]:
    """Shapes of features and representations; ValueError if the encoder has others."""
    parts = output[:2] if isinstance(output, tuple) else (output,)
    shapes = [tuple(getattr(part, "shape", ())) for part in parts]
    has_rows = all(shape[:1] == (num_images,) for shape in shapes)
    if not has_rows or len(shapes) < 2 or len(shapes[0]) < 3 or len(shapes[1]) != 2:
        raise ValueError(
            "encoder must return a tuple of local features [N, ..., C] and "
            f"representations [N, D]; for {num_images} images it returned shapes "
            f"{shapes}"
        )
    return output[0], output[1]
