"""The registry of variational bounds, with one row for each bound.

A row has the training objective, the reported value, the validation criterion (if
different), the kind and the default networks. Bounds with a free constant are trained
as published and reported with the best constant, in log space. To add a bound, write a
pure function of scores in `jaxinfo.divergences` or `jaxinfo.information` and add a row
here.
"""

import dataclasses
import math
from typing import Any

import jax.numpy as jnp

from jaxinfo import divergences as dual
from jaxinfo.core.checks import check_one_of
from jaxinfo.core.numerics import log_mean_exp, weighted_mean
from jaxinfo.core.types import Array, PyTree, shown
from jaxinfo.divergences import FDivergence, family
from jaxinfo.estimation.variational.bound import Bound, Setting, Stateless
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
    dime_estimate,
    dime_log_ratio,
    dime_objective,
)
from jaxinfo.information.score_matrices import other_rows, row_weights
from jaxinfo.networks import (
    discriminator,
    gaussian_conditional_critic,
    gaussian_density,
    joint_critic,
    logistic_conditional_critic,
    logistic_density,
    separable_critic,
)

__all__ = [
    "ALIASES",
    "BOUNDS",
    "DIVERGENCE_BOUNDS",
    "RENYI",
    "bound_names",
    "divergence_bound",
    "information_bound",
]


# Functions of scores that several rows share ---------------------------------------


@dataclasses.dataclass(frozen=True)
class _FDivergenceBound:
    """The f-GAN bound of a member of the f-family."""

    divergence: FDivergence

    def __call__(self, *scores: Any) -> Array:
        return dual.f_divergence_bound(self.divergence, *scores)


@dataclasses.dataclass(frozen=True)
class _ShiftOptimizedBound:
    """The f-GAN bound, maximized over a shift of the scores."""

    divergence: FDivergence

    def __call__(self, *scores: Any) -> Array:
        return dual.shift_optimized_bound(self.divergence, *scores)


@dataclasses.dataclass(frozen=True)
class _DonskerVaradhanOfMember:
    """The Donsker-Varadhan bound of the log density ratio that the scores imply."""

    divergence: FDivergence

    def __call__(
        self, scores_p: Array, scores_q: Array, where: Any = None, where_p: Any = None
    ) -> Array:
        log_ratio = self.divergence.log_ratio
        return dual.donsker_varadhan_bound(
            log_ratio(scores_p), log_ratio(scores_q), where, where_p
        )


@dataclasses.dataclass(frozen=True)
class _LogRatio:
    """log(p / q) of a member's scores; unlike a bound method, it compares by value."""

    divergence: FDivergence

    def __call__(self, scores: Array) -> Array:
        return self.divergence.log_ratio(scores)


@dataclasses.dataclass(frozen=True)
class _NegativeLogRatio:
    """-log(p / q) of a member's scores."""

    divergence: FDivergence

    def __call__(self, scores: Array) -> Array:
        return -self.divergence.log_ratio(scores)


def _same(scores: Array, **settings: Any) -> Array:
    del settings
    return scores


def _mine_objective(
    state: PyTree, scores_p: Array, scores_q: Array, *, decay: Array
) -> tuple[Array, PyTree]:
    return dual.mine_update(state, scores_p, scores_q, decay=decay)


def _mine_value(*scores: Any, decay: Array) -> Array:
    del decay  # The moving average only affects the gradient.
    return dual.donsker_varadhan_bound(*scores)


def _smile_objective(
    state: PyTree, scores_p: Array, scores_q: Array, *, clip: Array
) -> tuple[Array, PyTree]:
    del clip  # Only the reported value is clipped.
    return dual.logistic_bound(scores_p, scores_q), state


def _smile_select(*scores: Any, clip: Array) -> Array:
    del clip
    return dual.logistic_bound(*scores)


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


def _minus_auxiliary(scores: Array, auxiliary: Array) -> Array:
    return scores - auxiliary


def _negative(scores: Array) -> Array:
    return -scores


def _negative_auxiliary(scores: Array, auxiliary: Array) -> Array:
    del scores
    return -auxiliary


def _minus_baseline(scores: Array, baseline: Array, **settings: Any) -> Array:
    del settings
    return scores - baseline[..., None, :]


def _minus_positive(scores: Array, u: Array) -> Array:
    positives = jnp.diagonal(scores, axis1=-2, axis2=-1)
    return scores - (positives + u)[..., None]


def _tuba_value(scores: Array, log_baseline: Array, where: Any = None) -> Array:
    """TUBA with the best constant in the baseline, which has no exponential left."""
    weights = row_weights(scores, where)
    log_ratios = scores - log_baseline[None]
    pairs = weights[:, None] * other_rows(weights)
    joint = weighted_mean(jnp.diagonal(log_ratios), where)
    return joint - log_mean_exp(log_ratios, pairs)


def _flo_value(scores: Array, u: Array, where: Any = None) -> Array:
    """FLO with the best constant in u, which has no exponential left."""
    log_ratios = scores - jnp.diagonal(scores)[:, None]
    others = other_rows(row_weights(scores, where))
    log_mean_ratio = log_mean_exp(log_ratios, others, axis=1)
    return -weighted_mean(u, where) - log_mean_exp(log_mean_ratio - u, where)


def _log_candidates(num_candidates: int) -> float:
    return math.log(num_candidates)


def _log_candidates_over_alpha(num_candidates: int, *, alpha: float) -> float:
    return math.log(num_candidates / alpha)


@dataclasses.dataclass(frozen=True)
class _DimeObjective:
    name: str

    def __call__(self, *scores: Any) -> Array:
        return dime_objective(self.name, *scores)


@dataclasses.dataclass(frozen=True)
class _DimeValue:
    """The reported value of f-DIME, which does not use the negatives."""

    name: str

    def __call__(
        self, scores_p: Array, scores_q: Array, where: Any = None, where_p: Any = None
    ) -> Array:
        del scores_q, where
        return dime_estimate(self.name, scores_p, where_p)


@dataclasses.dataclass(frozen=True)
class _DimeLogRatio:
    name: str

    def __call__(self, scores: Array) -> Array:
        return dime_log_ratio(self.name, scores)


def _renyi_exponent_p(scores: Array, order: Array) -> Array:
    return (order - 1) * scores


def _renyi_exponent_q(scores: Array, order: Array) -> Array:
    return order * scores


# Rows ------------------------------------------------------------------------------


def _dime(name: str) -> Bound:
    return Bound(
        name=name,
        kind="neither",
        objective=Stateless(_DimeObjective(name)),
        value=_DimeValue(name),
        select=_DimeObjective(name),
        log_ratio=_DimeLogRatio(name),
        negative_sampling="derangement",
    )


def _member(divergence: FDivergence, name: str) -> Bound:
    """Trained on a member's f-GAN bound, reported by Donsker-Varadhan."""
    return Bound(
        name=name,
        kind="lower_bound",
        objective=Stateless(_FDivergenceBound(divergence)),
        value=_DonskerVaradhanOfMember(divergence),
        log_ratio=_LogRatio(divergence),
        exponents=((1, _LogRatio(divergence)),),
    )


_ROWS = (
    # Bounds of two score vectors; the first four also bound KL of two samples.
    Bound(
        name="donsker_varadhan",
        kind="lower_bound",
        objective=Stateless(dual.donsker_varadhan_bound),
        value=dual.donsker_varadhan_bound,
        identifiable_up_to="constant",
        exponents=((1, _same),),
    ),
    Bound(
        name="mine",
        kind="lower_bound",
        objective=_mine_objective,
        value=_mine_value,
        init=dual.mine_init,
        identifiable_up_to="constant",
        exponents=((1, _same),),
        settings=(Setting("decay", 0.99, 0.0, 1.0),),
    ),
    Bound(
        name="nwj",
        kind="lower_bound",
        objective=Stateless(dual.nwj_bound),
        # With the best constant added to the scores, NWJ is Donsker-Varadhan.
        value=dual.donsker_varadhan_bound,
        log_ratio=_LogRatio(family.KL),
        exponents=((1, _same),),
    ),
    Bound(
        name="smile",
        kind="neither",
        objective=_smile_objective,
        value=dual.smile_bound,
        select=_smile_select,
        exponents=((1, _clipped),),
        settings=(Setting("clip", 5.0, 0.0, float("inf")),),
    ),
    _dime("kl_dime"),
    _dime("hd_dime"),
    _dime("gan_dime"),
    # Bounds of a score matrix.
    Bound(
        name="info_nce",
        kind="lower_bound",
        objective=Stateless(info_nce_bound),
        value=info_nce_bound,
        identifiable_up_to="x",
        form="matrix",
        critic=separable_critic,
        ceiling=_log_candidates,
    ),
    Bound(
        name="tuba",
        kind="lower_bound",
        objective=Stateless(tuba_bound),
        value=_tuba_value,
        log_ratio=_minus_auxiliary,
        exponents=((1, _minus_baseline),),
        form="matrix",
        critic=separable_critic,
        auxiliary=discriminator,
    ),
    Bound(
        name="interpolated",
        kind="lower_bound",
        objective=Stateless(interpolated_bound),
        value=interpolated_bound,
        # For alpha near 1 the baseline gets no gradient, so the log ratio excludes it.
        log_ratio=_critic_alone,
        identifiable_up_to="y",
        form="matrix",
        critic=separable_critic,
        auxiliary=discriminator,
        ceiling=_log_candidates_over_alpha,
        settings=(Setting("alpha", 0.01, 0.0, 1.0),),
    ),
    Bound(
        name="flo",
        kind="lower_bound",
        objective=Stateless(flo_bound),
        value=_flo_value,
        log_ratio=_negative_auxiliary,
        exponents=((1, _minus_positive),),
        form="matrix",
        critic=separable_critic,
        auxiliary=joint_critic,
        auxiliary_inputs="pair",
    ),
    # By a fitted conditional density. The first two are upper bounds of the information
    # only for the true conditional.
    Bound(
        name="club",
        kind="neither",
        objective=Stateless(_log_likelihood),
        value=club_bound,
        select=_log_likelihood,
        identifiable_up_to="y",
        critic=gaussian_conditional_critic,
    ),
    Bound(
        name="leave_one_out",
        kind="neither",
        objective=Stateless(_log_likelihood_of_matrix),
        value=leave_one_out_bound,
        select=_log_likelihood_of_matrix,
        identifiable_up_to="y",
        form="matrix",
        critic=gaussian_conditional_critic,
    ),
    Bound(
        name="doe_gaussian",
        kind="neither",
        objective=Stateless(_log_likelihoods),
        value=difference_of_entropies,
        select=_log_likelihoods,
        log_ratio=_minus_auxiliary,
        form="joint",
        critic=gaussian_conditional_critic,
        auxiliary=gaussian_density,
    ),
    Bound(
        name="doe_logistic",
        kind="neither",
        objective=Stateless(_log_likelihoods),
        value=difference_of_entropies,
        select=_log_likelihoods,
        log_ratio=_minus_auxiliary,
        form="joint",
        critic=logistic_conditional_critic,
        auxiliary=logistic_density,
    ),
    # Trained on the f-GAN bound of a member, reported by Donsker-Varadhan.
    _member(family.KL, "kl"),
    _member(family.REVERSE_KL, "reverse_kl"),
    _member(family.PEARSON, "pearson"),
    _member(family.NEYMAN, "neyman"),
    _member(family.SQUARED_HELLINGER, "squared_hellinger"),
    _member(family.JEFFREYS, "jeffreys"),
    _member(family.JENSEN_SHANNON, "jensen_shannon"),
    _member(family.LE_CAM, "le_cam"),
)

BOUNDS: dict[str, Bound] = {bound.name: bound for bound in _ROWS}

# The objectives of "gan" and "jensen_shannon" differ by a constant, so both train the
# same critic and report the same number.
ALIASES: dict[str, str] = {"gan": "jensen_shannon"}

# Estimators that are not bounds, and which people give as such.
NOT_BOUNDS = (
    "cross_fitted",
    "ksg1",
    "ksg2",
    "mixed_ksg",
    "gaussian",
    "gaussian_copula",
    "plug_in",
)

# Rows that bound the Kullback-Leibler divergence of two samples.
DIVERGENCE_BOUNDS = ("donsker_varadhan", "mine", "nwj", "smile")

RENYI = Bound(
    name="renyi",
    kind="lower_bound",
    objective=Stateless(dual.renyi_donsker_varadhan_bound),
    value=dual.renyi_donsker_varadhan_bound,
    identifiable_up_to="constant",
    exponents=((0, _renyi_exponent_p), (1, _renyi_exponent_q)),
    settings=(Setting("order", 0.5, 0.0, float("inf"), excluded=1.0),),
)


def bound_names() -> tuple[str, ...]:
    """Returns the names of the bounds of mutual information, aliases included."""
    return (*BOUNDS, *ALIASES)


def information_bound(bound: str | FDivergence | Bound) -> Bound:
    """Finds a bound of mutual information.

    Args:
        bound: a name of `BOUNDS` or `ALIASES`; a member of the f-family, which is
            trained on its f-GAN bound and reported by Donsker-Varadhan (a lower bound
            of the information for every member); or a `Bound` of your own.

    Returns:
        The bound.

    Raises:
        ValueError: if the name is unknown, or the member implies no log density ratio.
    """
    if isinstance(bound, Bound):
        return bound
    if isinstance(bound, FDivergence):
        bound.log_ratio(jnp.zeros(()))  # Raises for total variation, which has none.
        return _member(bound, bound.name.lower())
    if isinstance(bound, str) and bound in NOT_BOUNDS:
        raise ValueError(
            f"unknown bound {bound!r}: it is an estimator itself, give "
            f"estimator={bound!r}"
        )
    if isinstance(bound, str) and bound in ("f_divergence", RENYI.name):
        raise ValueError(
            f"unknown bound {bound!r} of information: it bounds a divergence, give "
            f"estimate_divergence(..., estimator=VariationalDivergence({bound!r}))"
        )
    if not isinstance(bound, str):
        raise ValueError(
            f"unknown bound {shown(bound)}: give a name, a member of the f-family or a "
            "Bound"
        )
    check_one_of(bound_names(), bound=bound)
    return BOUNDS[ALIASES.get(bound, bound)]


def divergence_bound(
    divergence: str | FDivergence, bound: str | Bound | None
) -> tuple[str, Bound]:
    """Finds a bound of a divergence between two samples.

    Args:
        divergence: a member of the f-family or its name.
        bound: None for the tightest bound of this member, which is optimized over
            shifts of the scores if that has a closed form; "f_divergence" for the plain
            f-GAN bound; "donsker_varadhan", "mine", "nwj" or "smile" for KL only;
            "renyi" for the Renyi divergence with the setting `order`; or a `Bound` of
            your own.

    Returns:
        The name of the quantity, and the bound.

    Raises:
        ValueError: if a name is unknown or the two do not go together.
    """
    if not isinstance(divergence, FDivergence):
        check_one_of(family.DIVERGENCES, divergence=divergence)
        divergence = family.DIVERGENCES[divergence]
    quantity = f"{divergence.name} divergence"
    if isinstance(bound, Bound):
        return quantity, bound
    if bound is not None:
        check_one_of(["f_divergence", "renyi", *DIVERGENCE_BOUNDS], bound=bound)
    if bound == "renyi":
        if divergence != family.KL:
            raise ValueError(
                f"bound 'renyi' estimates the Renyi divergence, not {divergence.name}; "
                "leave divergence out"
            )
        return "Renyi divergence", RENYI
    if bound in DIVERGENCE_BOUNDS:
        if divergence != family.KL:
            raise ValueError(
                f"bound {bound!r} estimates KL, not {divergence.name}; leave bound out"
            )
        return quantity, BOUNDS[bound]
    return quantity, _bound_of_member(divergence, is_plain=bound is not None)


def _bound_of_member(divergence: FDivergence, *, is_plain: bool) -> Bound:
    # Pearson's optimized bound is also invariant to the scale of the scores, which
    # would then imply no log ratio.
    is_plain = is_plain or divergence not in dual.SHIFT_OPTIMIZED
    is_plain = is_plain or divergence == family.PEARSON
    value = (_FDivergenceBound if is_plain else _ShiftOptimizedBound)(divergence)
    log_ratio = _LogRatio(divergence)
    exponents = {
        family.KL: ((1, log_ratio),),
        family.REVERSE_KL: ((0, _negative),),
        family.NEYMAN: ((0, _negative),),
        family.SQUARED_HELLINGER: ((0, _negative), (1, _same)),
        family.JEFFREYS: ((0, _NegativeLogRatio(divergence)), (1, log_ratio)),
    }
    return Bound(
        name="f_divergence" if is_plain else "shift_optimized",
        kind="lower_bound",
        objective=Stateless(value),
        value=value,
        log_ratio=log_ratio,
        identifiable_up_to="nothing" if is_plain else "constant",
        exponents=exponents.get(divergence, ()),
    )
