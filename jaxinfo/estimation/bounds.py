"""The named bounds: what each is trained on, what it reports, what kind of number.

A new bound is a pure function in `divergences/` or `information/`, and a row here.
"""

import dataclasses
import functools
import math
from typing import Any

import jax.numpy as jnp

from jaxinfo import divergences as dual
from jaxinfo.core.checks import check_one_of
from jaxinfo.core.numerics import weighted_mean
from jaxinfo.core.types import Array, PyTree
from jaxinfo.divergences import FDivergence, family
from jaxinfo.estimation.bound import Bound, Setting, Stateless
from jaxinfo.information.auxiliary_bounds import (
    flo_bound,
    interpolated_bound,
    tuba_bound,
)
from jaxinfo.information.bounds import (
    club_bound,
    difference_of_entropies,
    info_nce_bound,
    leave_one_out_bound,
)
from jaxinfo.information.dime import (
    DIME,
    dime_estimate,
    dime_log_ratio,
    dime_objective,
)
from jaxinfo.networks import (
    discriminator,
    gaussian_conditional_critic,
    gaussian_density,
    joint_critic,
    logistic_conditional_critic,
    logistic_density,
    separable_critic,
)

__all__ = ["PAIRS", "information_bound", "information_bound_names"]


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


def _log_likelihood_of_matrix(scores: Array, where: Any = None) -> Array:
    return weighted_mean(jnp.diagonal(scores), where)


def _log_likelihoods(scores: Array, auxiliary: Array, where: Any = None) -> Array:
    return weighted_mean(scores + auxiliary, where)


def _critic_alone(scores: Array, auxiliary: Array) -> Array:
    del auxiliary
    return scores


def _negative_auxiliary(scores: Array, auxiliary: Array) -> Array:
    del scores
    return -auxiliary


def _over_baseline(scores: Array, baseline: Array, **settings: Any) -> Array:
    del settings
    return scores - baseline[..., None, :]


def _over_positive(scores: Array, u: Array) -> Array:
    positives = jnp.diagonal(scores, axis1=-2, axis2=-1)
    return scores - (positives + u)[..., None]


def _log_candidates(num_candidates: int) -> float:
    return math.log(num_candidates)


def _log_candidates_over_alpha(num_candidates: int, *, alpha: float) -> float:
    return math.log(num_candidates / alpha)


@dataclasses.dataclass(frozen=True)
class _DimeValue:
    """f-DIME's read-out, which leaves the product pairs alone."""

    name: str

    def __call__(
        self, scores_p: Array, scores_q: Array, where: Any = None, where_p: Any = None
    ) -> Array:
        del scores_q, where
        return dime_estimate(self.name, scores_p, where_p)


def _same(scores: Array, **settings: Any) -> Array:
    del settings
    return scores


_TILTED = ((1, _same),)

_DONSKER_VARADHAN = Bound(
    name="donsker_varadhan",
    kind="lower_bound",
    objective=Stateless(dual.donsker_varadhan_bound),
    value=dual.donsker_varadhan_bound,
    identifiable_up_to="constant",
    exponents=_TILTED,
)

PAIRS = {
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
        objective=Stateless(dual.nwj_bound),
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

_TUBA = Bound(
    name="tuba",
    kind="lower_bound",
    objective=Stateless(tuba_bound),
    value=tuba_bound,
    log_ratio=jnp.subtract,
    exponents=((1, _over_baseline),),
    form="matrix",
    critic=separable_critic,
    auxiliary=discriminator,
)

_CLUB = Bound(
    name="club",
    kind="upper_bound",
    objective=Stateless(_log_likelihood),
    value=club_bound,
    select=_log_likelihood,
    identifiable_up_to="y",
    critic=gaussian_conditional_critic,
)

_DOE_GAUSSIAN = Bound(
    name="doe_gaussian",
    kind="neither",
    objective=Stateless(_log_likelihoods),
    value=difference_of_entropies,
    select=_log_likelihoods,
    log_ratio=jnp.subtract,
    form="joint",
    critic=gaussian_conditional_critic,
    auxiliary=gaussian_density,
)

_INFORMATION = (
    PAIRS
    | {
        "info_nce": Bound(
            name="info_nce",
            kind="lower_bound",
            objective=Stateless(info_nce_bound),
            value=info_nce_bound,
            identifiable_up_to="x",
            form="matrix",
            critic=separable_critic,
            ceiling=_log_candidates,
        ),
        "tuba": _TUBA,
        "interpolated": dataclasses.replace(
            _TUBA,
            name="interpolated",
            objective=Stateless(interpolated_bound),
            value=interpolated_bound,
            # Near alpha 1 nothing teaches the baseline: the log ratio leaves it out.
            log_ratio=_critic_alone,
            identifiable_up_to="y",
            exponents=(),
            ceiling=_log_candidates_over_alpha,
            settings=(Setting("alpha", 0.01, 0.0, 1.0),),
        ),
        "flo": dataclasses.replace(
            _TUBA,
            name="flo",
            objective=Stateless(flo_bound),
            value=flo_bound,
            log_ratio=_negative_auxiliary,
            exponents=((1, _over_positive),),
            auxiliary=joint_critic,
            auxiliary_inputs="pair",
        ),
        "club": _CLUB,
        "leave_one_out": dataclasses.replace(
            _CLUB,
            name="leave_one_out",
            objective=Stateless(_log_likelihood_of_matrix),
            value=leave_one_out_bound,
            select=_log_likelihood_of_matrix,
            form="matrix",
        ),
        "doe_gaussian": _DOE_GAUSSIAN,
        "doe_logistic": dataclasses.replace(
            _DOE_GAUSSIAN,
            name="doe_logistic",
            critic=logistic_conditional_critic,
            auxiliary=logistic_density,
        ),
    }
    | {
        name: Bound(
            name=name,
            kind="neither",
            objective=Stateless(functools.partial(dime_objective, name)),
            value=_DimeValue(name),
            select=functools.partial(dime_objective, name),
            log_ratio=functools.partial(dime_log_ratio, name),
            negative_sampling="derangement",
        )
        for name in DIME
    }
)


def _read_out_of(divergence: FDivergence, name: str) -> Bound:
    return Bound(
        name=name,
        kind="lower_bound",
        objective=Stateless(functools.partial(dual.f_divergence_bound, divergence)),
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
