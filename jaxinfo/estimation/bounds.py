"""The named bounds: what each is trained on, what it reports, what kind of number.

A new bound is a pure function in `divergences/` or `information/`, and a row here.
"""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import jax.numpy as jnp

from jaxinfo.core.checks import check_finite_number, check_one_of
from jaxinfo.core.numerics import weighted_mean
from jaxinfo.core.types import Array, PyTree
from jaxinfo.divergences import bounds as dual
from jaxinfo.divergences import family
from jaxinfo.divergences.family import FDivergence
from jaxinfo.estimation.report import Kind
from jaxinfo.information.bounds import club_bound, info_nce_bound

__all__ = ["Bound", "divergence_bound", "information_bound", "information_bound_names"]


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


@dataclasses.dataclass(frozen=True)
class Bound:
    """A bound as estimation uses it.

    `value` takes `(scores_p, scores_q, where, where_p, **settings)`, or where the form
    is "matrix" `(scores [N, N], where [N], **settings)`; `objective` takes a state in
    front and no masks, and returns the next state too.

    Attributes:
        name: the name users type.
        kind: what the population functional behind `value` is to the truth.
        objective: `(state, scores ..., **settings) -> (to be maximised, state)`.
        value: the number reported, nats.
        select: what validation maximises; None where it is `value`.
        init: `init() -> state` of the objective.
        log_ratio: the log density ratio that raw scores stand for, up to a constant.
        normalised: that constant is zero.
        exponents: what `value` averages the exponentials of: pairs of a side, 0 for
            scores of p and 1 for those of q, and a function `(scores, **settings)`.
        form: scores of "pairs", a "matrix" of them, or log "density" of y given x.
        settings: the numbers that `value` and `objective` take as keywords.
    """

    name: str
    kind: Kind
    objective: Callable[..., tuple[Array, PyTree]]
    value: Callable[..., Array]
    select: Callable[..., Array] | None = None
    init: Callable[[], PyTree] = tuple
    log_ratio: Callable[[Array], Array] = jnp.asarray
    normalised: bool = True
    exponents: tuple[tuple[int, Callable[..., Array]], ...] = ()
    form: Literal["pairs", "matrix", "density"] = "pairs"
    settings: tuple[Setting, ...] = ()


@dataclasses.dataclass(frozen=True)
class _Stateless:
    """The objective that is a value itself."""

    value: Callable[..., Array]

    def __call__(self, state: PyTree, *scores: Array, **settings: Any):
        return self.value(*scores, **settings), state


@dataclasses.dataclass(frozen=True)
class _ReadOut:
    """Donsker-Varadhan on the log density ratio that a member's critic stands for."""

    divergence: FDivergence

    def __call__(
        self, scores_p: Array, scores_q: Array, where: Any = None, where_p: Any = None
    ) -> Array:
        return dual.donsker_varadhan_bound(
            self.divergence.log_ratio(scores_p),
            self.divergence.log_ratio(scores_q),
            where,
            where_p,
        )


def _mine_objective(state: PyTree, scores_p: Array, scores_q: Array, *, decay: Array):
    return dual.mine_update(state, scores_p, scores_q, decay=decay)


def _mine_value(*scores: Any, decay: Array) -> Array:
    del decay  # The moving average belongs to the gradient alone.
    return dual.donsker_varadhan_bound(*scores)


_logistic = functools.partial(dual.f_divergence_bound, family.JENSEN_SHANNON)


def _smile_objective(state: PyTree, scores_p: Array, scores_q: Array, *, clip: Array):
    del clip  # The clip belongs to the report alone.
    return _logistic(scores_p, scores_q), state


def _smile_select(*scores: Any, clip: Array) -> Array:
    del clip
    return _logistic(*scores)


def _clipped(scores: Array, *, clip: Array) -> Array:
    return jnp.clip(scores, -clip, clip)


def _log_likelihood(
    scores_p: Array, scores_q: Array, where: Any = None, where_p: Any = None
) -> Array:
    del scores_q, where
    return weighted_mean(scores_p, where_p)


def _same(scores: Array, **settings: Any) -> Array:
    del settings
    return scores


_TILTED = ((1, _same),)

_DONSKER_VARADHAN = Bound(
    name="donsker_varadhan",
    kind="lower_bound",
    objective=_Stateless(dual.donsker_varadhan_bound),
    value=dual.donsker_varadhan_bound,
    normalised=False,
    exponents=_TILTED,
)

_PAIRS = {
    "donsker_varadhan": _DONSKER_VARADHAN,
    "mine": dataclasses.replace(
        _DONSKER_VARADHAN,
        name="mine",
        objective=_mine_objective,
        value=_mine_value,
        init=dual.mine_init,
        settings=(Setting("decay", 0.99, 0.0, 1.0),),
    ),
    "nwj": Bound(
        name="nwj",
        kind="lower_bound",
        objective=_Stateless(dual.nwj_bound),
        value=dual.nwj_bound,
        log_ratio=family.KL.log_ratio,
        exponents=_TILTED,
    ),
    "smile": Bound(
        name="smile",
        kind="neither",
        objective=_smile_objective,
        value=dual.smile_bound,
        select=_smile_select,
        exponents=((1, _clipped),),
        settings=(Setting("clip", 5.0, 0.0, float("inf")),),
    ),
}

_INFORMATION = _PAIRS | {
    "info_nce": Bound(
        name="info_nce",
        kind="lower_bound",
        objective=_Stateless(info_nce_bound),
        value=info_nce_bound,
        normalised=False,
        form="matrix",
    ),
    "club": Bound(
        name="club",
        kind="upper_bound",
        objective=_Stateless(_log_likelihood),
        value=club_bound,
        select=_log_likelihood,
        normalised=False,
        form="density",
    ),
}


def _read_out_of(divergence: FDivergence, name: str) -> Bound:
    return Bound(
        name=name,
        kind="lower_bound",
        objective=_Stateless(functools.partial(dual.f_divergence_bound, divergence)),
        value=_ReadOut(divergence),
        log_ratio=divergence.log_ratio,
        exponents=((1, divergence.log_ratio),),
    )


_READABLE = {
    name: member
    for name, member in family.DIVERGENCES.items()
    if member is not family.TOTAL_VARIATION
}


def information_bound_names() -> list[str]:
    """The names that `estimate_mutual_information` knows."""
    return [*sorted([*_INFORMATION, "jensen_shannon"]), *_READABLE]


def information_bound(bound: str | FDivergence | Bound) -> Bound:
    """The bound of mutual information of this name.

    Args:
        bound: a name, a member of the f-family (trained on its f-GAN bound, reported by
            Donsker-Varadhan on its log-ratio read-out, which bounds the information
            whatever the member), or a `Bound` of one's own.

    Returns:
        The bound.

    Raises:
        ValueError: where the name is unknown, or the member has no log ratio.
    """
    if isinstance(bound, Bound):
        return bound
    if not isinstance(bound, FDivergence):
        check_one_of(information_bound_names(), bound=bound)
    return _named_information_bound(bound)


@functools.lru_cache
def _named_information_bound(bound: str | FDivergence) -> Bound:
    if bound == "jensen_shannon":
        return _read_out_of(family.JENSEN_SHANNON, "jensen_shannon")
    if isinstance(bound, str) and bound in _READABLE:
        bound = _READABLE[bound]
    if isinstance(bound, FDivergence):
        bound.log_ratio(jnp.zeros(()))  # Total variation has none and says so.
        return _read_out_of(bound, bound.name)
    return _INFORMATION[bound]


def divergence_bound(
    divergence: str | FDivergence, bound: str | Bound | None
) -> tuple[str, Bound]:
    """The bound of a divergence between two samples.

    Args:
        divergence: a member of the f-family or its name.
        bound: None for the member's tightest: optimised over shifts where that has a
            closed form. "f_divergence" for the f-GAN bound as it is;
            "donsker_varadhan", "mine", "nwj" and "smile" for KL alone; "renyi" for the
            Renyi divergence of setting `order`; or a `Bound` of one's own.

    Returns:
        The quantity in words, and the bound.

    Raises:
        ValueError: where a name is unknown or the two do not go together.
    """
    if not isinstance(divergence, FDivergence):
        check_one_of(family.DIVERGENCES, divergence=divergence)
        divergence = family.DIVERGENCES[divergence]
    quantity = f"{divergence.name} divergence"
    if isinstance(bound, Bound):
        return quantity, bound
    if bound is not None:
        check_one_of(["f_divergence", "renyi", *_PAIRS], bound=bound)
    if bound == "renyi":
        if divergence != family.KL:
            raise ValueError(
                f"bound 'renyi' estimates the Renyi divergence, not {divergence.name}; "
                "leave divergence out"
            )
        return "Renyi divergence", _RENYI
    if bound in _PAIRS:
        if divergence != family.KL:
            raise ValueError(
                f"bound {bound!r} estimates KL, not {divergence.name}; leave bound out"
            )
        return quantity, _PAIRS[bound]
    return quantity, _divergence_row(divergence, plain=bound is not None)


@functools.lru_cache
def _divergence_row(divergence: FDivergence, *, plain: bool) -> Bound:
    # Pearson's is free up to scale as well, and its scores would have no read-out.
    plain = plain or divergence not in dual.SHIFT_OPTIMISED
    plain = plain or divergence == family.PEARSON
    value = functools.partial(
        dual.f_divergence_bound if plain else dual.shift_optimised_bound, divergence
    )
    log_ratio = divergence.log_ratio
    exponents = {
        family.KL: ((1, log_ratio),),
        family.REVERSE_KL: ((0, jnp.negative),),
        family.NEYMAN: ((0, jnp.negative),),
        family.SQUARED_HELLINGER: ((0, jnp.negative), (1, jnp.asarray)),
        family.JEFFREYS: ((0, lambda v: -log_ratio(v)), (1, log_ratio)),
    }
    return Bound(
        name="f_divergence" if plain else "shift_optimised",
        kind="lower_bound",
        objective=_Stateless(value),
        value=value,
        log_ratio=divergence.log_ratio,
        normalised=plain,
        exponents=exponents.get(divergence, ()),
    )


_RENYI = Bound(
    name="renyi",
    kind="lower_bound",
    objective=_Stateless(dual.renyi_donsker_varadhan_bound),
    value=dual.renyi_donsker_varadhan_bound,
    normalised=False,
    exponents=((0, lambda v, order: (order - 1) * v), (1, lambda v, order: order * v)),
    settings=(Setting("order", 0.5, 0.0, float("inf"), excluded=1.0),),
)
