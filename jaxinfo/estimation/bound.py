"""What estimation knows about a bound: how it is trained, reported and read."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import jax.numpy as jnp

from jaxinfo.core.checks import check_finite_number
from jaxinfo.core.types import Array, Critic, Network, PyTree
from jaxinfo.estimation.report import Kind
from jaxinfo.networks import joint_critic

__all__ = ["Bound", "Setting", "Stateless"]


class Setting(NamedTuple):
    """A number that a bound takes, strictly between `low` and `high`."""

    name: str
    default: float
    low: float
    high: float
    excluded: float | None = None

    def check(self, value: float) -> None:
        """Raises ValueError unless the number is allowed."""
        check_finite_number(self.low, self.high, **{self.name: value})
        if value == self.excluded:
            raise ValueError(f"{self.name} must not be {value}")


def _no_ceiling(num_candidates: int, **settings: float) -> float:
    del num_candidates, settings
    return float("inf")


@dataclasses.dataclass(frozen=True)
class Bound:
    """A bound as estimation uses it.

    `value` takes scores and then masks, by `form`:
        "pairs"    (scores_p [N], scores_q [M], where [M], where_p [N], **settings)
        "matrix"   (scores [N, N], where [N], **settings)
        "joint"    (scores_p [N], where [N], **settings)
    with `auxiliary` [N] behind the scores where there is one ("matrix" and "joint").
    `objective` takes a state in front and no masks, and returns the next state too.

    Attributes:
        name: the name users type.
        kind: what the population functional behind `value` is to the truth.
        objective: `(state, scores ..., **settings) -> (to be maximized, state)`.
        value: the number reported, nats.
        select: what validation maximizes; None where it is `value`.
        init: `init() -> state` of the objective.
        log_ratio: the log density ratio that raw scores, and the auxiliary where there
            is one, stand for.
        identifiable_up_to: what `log_ratio` may be off by: "nothing", a "constant", or a
            function of "x" or of "y".
        exponents: what `value` averages the exponentials of: pairs of a side, 0 for
            scores of p and 1 for those of q, and a function `(scores, **settings)`,
            or `(scores [..., N, N], auxiliary [..., N], **settings)`.
        form: scores of "pairs", a "matrix" of them, or of "joint" pairs alone.
        critic: maker of the bundled critic that suits the bound.
        auxiliary: maker of the bundled second network; None where there is none.
        auxiliary_inputs: whether that network takes "y" or the "pair" (x, y).
        negative_sampling: the negative_sampling of training that suits the bound; None for "off_diagonal"
            where the form is "matrix", else "roll".
        ceiling: `(num_candidates, **settings)`, the nats where it saturates.
        settings: the numbers that `value` and `objective` take as keywords.
    """

    name: str
    kind: Kind
    objective: Callable[..., tuple[Array, PyTree]]
    value: Callable[..., Array]
    select: Callable[..., Array] | None = None
    init: Callable[[], PyTree] = tuple
    log_ratio: Callable[..., Array] = jnp.asarray
    identifiable_up_to: Literal["nothing", "constant", "x", "y"] = "nothing"
    exponents: tuple[tuple[int, Callable[..., Array]], ...] = ()
    form: Literal["pairs", "matrix", "joint"] = "pairs"
    critic: Callable[[], Critic] = joint_critic
    auxiliary: Callable[[], Network | Critic] | None = None
    auxiliary_inputs: Literal["y", "pair"] = "y"
    negative_sampling: str | None = None
    ceiling: Callable[..., float] = _no_ceiling
    settings: tuple[Setting, ...] = ()

    def own_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """The numbers that the bound itself takes, defaults filled in."""
        return {s.name: settings.get(s.name, s.default) for s in self.settings}

    def check_settings(self, settings: Mapping[str, float]) -> None:
        """Raises ValueError unless the bound's own numbers are allowed."""
        for setting in self.settings:
            setting.check(settings.get(setting.name, setting.default))


@dataclasses.dataclass(frozen=True)
class Stateless:
    """The objective that is a value itself."""

    value: Callable[..., Array]

    def __call__(
        self, state: PyTree, *scores: Array, **settings: Any
    ) -> tuple[Array, PyTree]:
        """The value, and the state as it was."""
        return self.value(*scores, **settings), state
