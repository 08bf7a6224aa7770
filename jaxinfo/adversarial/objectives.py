"""What each player of the game minimizes, from raw critic outputs.

The discriminator scores samples of the data, P, and of the generator, Q. At its best
its loss tells a divergence between the two; what it tells at any other time is a lower
bound of it, in nats, on samples that it was not trained on.
"""

import dataclasses
import functools
import math
from collections.abc import Callable

import jax.numpy as jnp
from jax.nn import relu, softplus

from jaxinfo.core.checks import check_one_of
from jaxinfo.core.types import Array, Float
from jaxinfo.divergences import (
    DIVERGENCES,
    JENSEN_SHANNON,
    FDivergence,
    f_divergence_bound,
)
from jaxinfo.divergences.scores import ScoresP, ScoresQ, validate_scores

__all__ = [
    "OBJECTIVES",
    "Objective",
    "f_gan",
    "find_objective",
    "hinge",
    "least_squares",
    "minimax",
    "non_saturating",
    "relativistic",
    "wasserstein",
]

Loss = Callable[[ScoresP, ScoresQ], Float[Array, ""]]
FORMS = ("saddle", "practical")


@dataclasses.dataclass(frozen=True)
class Objective:
    """The losses of the two players, and what the discriminator's tells.

    Each function takes raw critic outputs on samples of P, [N], and of Q, [M].

    Attributes:
        name: as in `OBJECTIVES`.
        discriminator_loss: what the discriminator minimizes, [].
        generator_loss: what the generator minimizes, [].
        bound: of the divergence that `estimates` names, from below, [].
        estimates: the divergence; in nats but for "WASSERSTEIN_1", which needs a
            discriminator of Lipschitz constant 1.
        is_paired: whether a sample of P meets one of Q, so that N = M and the
            generator's loss needs the scores of P.
    """

    name: str
    discriminator_loss: Loss
    generator_loss: Loss
    bound: Loss
    estimates: str
    is_paired: bool = False


# The classic game ------------------------------------------------------------------


def _cross_entropy(scores_p: ScoresP, scores_q: ScoresQ) -> Float[Array, ""]:
    """-E_p[log D] - E_q[log(1 - D)] with D = sigmoid(v)."""
    scores_p, scores_q = validate_scores(scores_p, scores_q)
    return jnp.mean(softplus(-scores_p)) + jnp.mean(softplus(scores_q))


def _log_one_minus_d(scores_p: ScoresP, scores_q: ScoresQ) -> Float[Array, ""]:
    _, scores_q = validate_scores(scores_p, scores_q)
    return -jnp.mean(softplus(scores_q))


def _minus_log_d(scores_p: ScoresP, scores_q: ScoresQ) -> Float[Array, ""]:
    _, scores_q = validate_scores(scores_p, scores_q)
    return jnp.mean(softplus(-scores_q))


_jensen_shannon = functools.partial(f_divergence_bound, JENSEN_SHANNON)

minimax = Objective(
    "minimax", _cross_entropy, _log_one_minus_d, _jensen_shannon, JENSEN_SHANNON.name
)
"""Both climb and descend E_p[log D] + E_q[log(1 - D)].

Source: Goodfellow et al., "Generative adversarial nets", NeurIPS 2014, equation 1; the
bound is 2 log 2 minus the loss, twice the usual JSD (theorem 1).
"""

non_saturating = Objective(
    "non_saturating", _cross_entropy, _minus_log_d, _jensen_shannon, JENSEN_SHANNON.name
)
"""The generator maximizes E_q[log D] instead: strong gradients where it is behind.

Source: Goodfellow et al., "Generative adversarial nets", NeurIPS 2014, section 3.
"""


# The family ------------------------------------------------------------------------


@functools.lru_cache(maxsize=256)
def f_gan(divergence: FDivergence, *, form: str = "saddle") -> Objective:
    """The f-GAN objective of a member of the family.

    The discriminator climbs F = E_p[g_f(v)] - E_q[f*(g_f(v))]. The generator descends
    it ("saddle"), or climbs E_q[g_f(v)] ("practical").

    Source: Nowozin et al., "f-GAN", NeurIPS 2016, equations 4 to 6 and section 3.2.

    Args:
        divergence: a member of the family.
        form: the generator's loss, "saddle" or "practical".

    Returns:
        The `Objective`; the same object for equal arguments.

    Raises:
        ValueError: where the form is not known.

    Example:
        >>> f_gan(DIVERGENCES["PEARSON"]).name
        'PEARSON'
    """
    check_one_of(FORMS, form=form)
    bound = functools.partial(f_divergence_bound, divergence)

    def discriminator_loss(scores_p: Array, scores_q: Array) -> Array:
        return -bound(scores_p, scores_q)

    def saddle(scores_p: Array, scores_q: Array) -> Array:
        _, scores_q = validate_scores(scores_p, scores_q)
        return -jnp.mean(divergence.conjugate_of_activation(scores_q))

    def practical(scores_p: Array, scores_q: Array) -> Array:
        _, scores_q = validate_scores(scores_p, scores_q)
        return -jnp.mean(divergence.output_activation(scores_q))

    return Objective(
        divergence.name if form == "saddle" else f"{divergence.name}_practical",
        discriminator_loss,
        saddle if form == "saddle" else practical,
        bound,
        divergence.name,
    )


# Losses of later years -------------------------------------------------------------


def _squares(scores_p: ScoresP, scores_q: ScoresQ) -> Float[Array, ""]:
    scores_p, scores_q = validate_scores(scores_p, scores_q)
    return (jnp.mean((scores_p - 1) ** 2) + jnp.mean(scores_q**2)) / 2


def _square_from_one(scores_p: ScoresP, scores_q: ScoresQ) -> Float[Array, ""]:
    _, scores_q = validate_scores(scores_p, scores_q)
    return jnp.mean((scores_q - 1) ** 2) / 2


least_squares = Objective(
    "least_squares",
    _squares,
    _square_from_one,
    lambda scores_p, scores_q: 1 - 4 * _squares(scores_p, scores_q),
    "LE_CAM",
)
"""Scores of P pulled to 1 and of Q to 0; the generator pulls its own to 1.

Source: Mao et al., "Least squares generative adversarial networks", ICCV 2017, equation
9. At the best discriminator, p / (p + q), the loss is 1/4 - LE_CAM / 4.
"""


def _margins(scores_p: ScoresP, scores_q: ScoresQ) -> Float[Array, ""]:
    scores_p, scores_q = validate_scores(scores_p, scores_q)
    return jnp.mean(relu(1 - scores_p)) + jnp.mean(relu(1 + scores_q))


def _minus_score(scores_p: ScoresP, scores_q: ScoresQ) -> Float[Array, ""]:
    _, scores_q = validate_scores(scores_p, scores_q)
    return -jnp.mean(scores_q)


hinge = Objective(
    "hinge",
    _margins,
    _minus_score,
    lambda scores_p, scores_q: 1 - _margins(scores_p, scores_q) / 2,
    "TOTAL_VARIATION",
)
"""E_p[max(0, 1 - v)] + E_q[max(0, 1 + v)]; the generator climbs E_q[v].

Source: Lim and Ye, "Geometric GAN", 2017, equations 9 and 10. At the best
discriminator, the sign of p - q, the loss is 2 - 2 TOTAL_VARIATION.
"""


def _difference(scores_p: ScoresP, scores_q: ScoresQ) -> Float[Array, ""]:
    scores_p, scores_q = validate_scores(scores_p, scores_q)
    return jnp.mean(scores_p) - jnp.mean(scores_q)


wasserstein = Objective(
    "wasserstein",
    lambda scores_p, scores_q: -_difference(scores_p, scores_q),
    _minus_score,
    _difference,
    "WASSERSTEIN_1",
)
"""E_p[v] - E_q[v], climbed and descended: the earth mover's distance, in units of x.

Source: Arjovsky et al., "Wasserstein GAN", ICML 2017, equation 2; needs a Lipschitz
discriminator (`gradient_penalty`, spectral normalization).
"""


def _paired(sign: float, scores_p: ScoresP, scores_q: ScoresQ) -> Float[Array, ""]:
    scores_p, scores_q = validate_scores(scores_p, scores_q)
    if scores_p.shape != scores_q.shape:
        raise ValueError(
            f"the relativistic objective pairs samples: scores_p has {len(scores_p)} "
            f"entries, scores_q {len(scores_q)}"
        )
    return jnp.mean(softplus(-sign * (scores_p - scores_q)))


relativistic = Objective(
    "relativistic",
    functools.partial(_paired, 1.0),
    functools.partial(_paired, -1.0),
    lambda scores_p, scores_q: math.log(2) - _paired(1.0, scores_p, scores_q),
    "JSD of P x Q from Q x P",
    is_paired=True,
)
"""A sample of P is to score above the one of Q beside it, or the reverse.

E[softplus(-(v_p - v_q))]. Source: Jolicoeur-Martineau, "The relativistic
discriminator", ICLR 2019, section 4, with both losses; Sun et al., "Towards a better
global loss landscape of GANs", NeurIPS 2020 (RpGAN). The bound is log 2 minus the loss,
of the usual JSD of a pair from the same pair exchanged.
"""


OBJECTIVES: dict[str, Objective] = {
    objective.name: objective
    for objective in (
        minimax,
        non_saturating,
        least_squares,
        hinge,
        wasserstein,
        relativistic,
        *(
            f_gan(member, form=form)
            for member in DIVERGENCES.values()
            for form in FORMS
        ),
    )
}


def find_objective(objective: Objective | str) -> Objective:
    """An objective by its name.

    Args:
        objective: the name, a key of `OBJECTIVES`; an `Objective` is given back.

    Returns:
        The `Objective`.

    Raises:
        ValueError: where the name is not known.
    """
    if isinstance(objective, Objective):
        return objective
    check_one_of(OBJECTIVES, objective=objective)
    return OBJECTIVES[objective]
