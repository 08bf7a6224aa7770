"""`Bound`, a variational bound: its objective, its reported value and its kind."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple, get_args

import jax
import jax.numpy as jnp

from jaxinfo.core.checks import check_finite_number, check_one_of
from jaxinfo.core.types import Array, Critic, Network, PyTree
from jaxinfo.estimation.estimate import Kind
from jaxinfo.networks import joint_critic

__all__ = ["Bound", "Setting", "Stateless"]


class Setting(NamedTuple):
    """A numeric setting of a bound, strictly between `low` and `high`.

    Attributes:
        name: name of the keyword.
        default: default value.
        low: lower limit.
        high: upper limit.
        excluded: a value between the limits that is not allowed, or None.
    """

    name: str
    default: float
    low: float
    high: float
    excluded: float | None = None

    def check(self, value: float) -> None:
        """Raises ValueError unless the value is allowed."""
        check_finite_number(self.low, self.high, **{self.name: value})
        if value == self.excluded:
            raise ValueError(f"{self.name} must not be {value}")


def no_ceiling(num_candidates: int, **settings: float) -> float:
    """Returns inf: the ceiling of bounds that do not saturate, nats."""
    del num_candidates, settings
    return float("inf")


@dataclasses.dataclass(frozen=True)
class Bound:
    """A variational bound: its training objective, its reported value and its kind.

    `value` takes scores, then weights `where` in [0, inf), or None: average with
    `jaxinfo.core.weighted_mean(values, where)`. The arguments depend on `form`:
        "pairs"    (scores_p [N], scores_q [M], where [M], where_p [N], **settings)
        "matrix"   (scores [N, N], where [N], **settings)
        "joint"    (scores_p [N], where [N], **settings)
    If the bound has an auxiliary network ("matrix" and "joint" only), its output [N]
    follows the scores. `objective` takes a state before the scores and no weights, and
    also returns the next state.

    Attributes:
        name: name of the bound.
        kind: whether the population value is a lower bound of the truth, an upper
            bound, or neither.
        objective: `(state, scores ..., **settings) -> (value to maximize, state)`.
        value: the reported number, nats.
        select: the criterion that model selection maximizes; None for `value`.
        init: `init() -> state` of the objective.
        log_ratio: maps raw scores, and the auxiliary network's output if there is one,
            to the log density ratio.
        identifiable_up_to: the term of `log_ratio` that the objective does not
            determine: "nothing", a "constant", or a function of "x" or of "y".
        exponents: the exponents whose exponentials `value` averages, for the effective
            sample size: pairs of a side (0 for scores of p, 1 for those of q) and a
            function `(scores, **settings)`, or
            `(scores [..., N, N], auxiliary [..., N], **settings)`.
        form: "pairs" of score vectors, a "matrix" of scores, or scores of "joint" pairs
            only.
        critic: maker of the default critic.
        auxiliary: maker of the default auxiliary network; None if there is none.
        auxiliary_inputs: whether the auxiliary network takes "y" or the "pair" (x, y).
        negative_sampling: how training samples negatives by default; None for
            "off_diagonal" if the form is "matrix", else "roll".
        ceiling: `(num_candidates, **settings) -> nats`, the largest possible value.
        settings: numeric keywords of `value` and `objective`.
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
    ceiling: Callable[..., float] = no_ceiling
    settings: tuple[Setting, ...] = ()

    def __post_init__(self) -> None:
        check_one_of(get_args(Kind), kind=self.kind)
        for name in ("objective", "value"):
            if not callable(getattr(self, name)):
                raise ValueError(f"{name} must be a function of scores")

    def __repr__(self) -> str:
        return f"Bound({self.name!r}, kind={self.kind!r})"

    def check_functions(self) -> None:
        """Raises ValueError unless both functions take scores and return scalars."""
        matrix = jnp.zeros((4, 4))
        pairs = {"scores_p": matrix[0], "scores_q": matrix.ravel()}
        scores, where = {
            "pairs": (pairs, {"where": matrix.ravel(), "where_p": matrix[0]}),
            "matrix": ({"scores": matrix}, {"where": matrix[0]}),
            "joint": ({"scores_p": matrix[0]}, {"where": matrix[0]}),
        }[self.form]
        if self.auxiliary is not None:
            scores = scores | {"auxiliary": matrix[0]}
        value = self._output("value", scores | where)
        if getattr(value, "shape", None) != ():
            raise ValueError(f"value of {self!r} must return a scalar, got {value}")
        output = self._output("objective", {"state": self.init()} | scores)
        if not isinstance(output, tuple) or len(output) != 2 or output[0].shape != ():
            raise ValueError(
                f"objective of {self!r} must return (scalar, state), got {output}: "
                "give Stateless(value) if there is no state"
            )

    def _output(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """Shapes of what a function returns."""
        settings = self.own_settings({})
        try:
            return jax.eval_shape(getattr(self, name), *arguments.values(), **settings)
        except TypeError as error:
            signature = ", ".join([*arguments, *(f"{name}=" for name in settings)])
            raise ValueError(
                f"{name} of {self!r} must accept ({signature}): {error}"
            ) from error

    def own_settings(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the bound's own settings, with defaults filled in."""
        return {s.name: settings.get(s.name, s.default) for s in self.settings}

    def check_settings(self, settings: Mapping[str, float]) -> None:
        """Raises ValueError unless the bound's own settings are allowed."""
        for setting in self.settings:
            setting.check(settings.get(setting.name, setting.default))


@dataclasses.dataclass(frozen=True)
class Stateless:
    """Makes an objective of a value function: `Bound(..., Stateless(f), f)`.

    Attributes:
        value: function of scores, to be maximized.
    """

    value: Callable[..., Array]

    def __call__(
        self, state: PyTree, *scores: Array, **settings: Any
    ) -> tuple[Array, PyTree]:
        """Returns the value and the unchanged state."""
        return self.value(*scores, **settings), state
