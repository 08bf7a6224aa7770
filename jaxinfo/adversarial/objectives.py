"""Losses of the two players of a GAN, as functions of the discriminator's raw outputs.

The discriminator scores samples of the data, P, and of the generator, Q. Its optimal
loss determines a divergence between the two. On samples that it was not trained on, any
other discriminator gives a lower bound of that divergence.
"""

import dataclasses
import functools
import math
from collections.abc import Callable

import jax.numpy as jnp
from jax.nn import relu, softplus

from jaxinfo.core.checks import check_one_of
from jaxinfo.core.display import short_repr
from jaxinfo.core.types import Array, Float
from jaxinfo.divergences import (
    DIVERGENCES,
    JENSEN_SHANNON,
    FDivergence,
    f_divergence_bound,
    logistic_bound,
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
    """The losses of the two players, and the bound of a divergence.

    Each function takes the discriminator's raw outputs on samples of P, [N], and of Q,
    [M].

    Attributes:
        name: the key in `OBJECTIVES`.
        discriminator_loss: the loss that the discriminator minimizes, [].
        generator_loss: the loss that the generator minimizes, [].
        bound: a lower bound of the divergence named by `estimates`, [].
        estimates: name of the divergence, in nats. "WASSERSTEIN_1" is in units of the
            data and needs a discriminator with Lipschitz constant 1.
        is_paired: whether the losses pair samples of P and of Q, so that N = M and the
            generator's loss needs the scores of P.
    """

    name: str
    discriminator_loss: Loss
    generator_loss: Loss
    bound: Loss
    estimates: str
    is_paired: bool = False

    __repr__ = short_repr


# The original GAN ------------------------------------------------------------------


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


minimax = Objective(
    "minimax", _cross_entropy, _log_one_minus_d, logistic_bound, JENSEN_SHANNON.name
)
"""The discriminator maximizes E_p[log D] + E_q[log(1 - D)], the generator minimizes it.

Source: Goodfellow et al., "Generative adversarial nets", NeurIPS 2014, equation 1; the
bound is 2 log 2 minus the loss, twice the usual JSD (theorem 1).
"""

non_saturating = Objective(
    "non_saturating", _cross_entropy, _minus_log_d, logistic_bound, JENSEN_SHANNON.name
)
"""The generator maximizes E_q[log D], whose gradient does not vanish where D is near 0.

Source: Goodfellow et al., "Generative adversarial nets", NeurIPS 2014, section 3.
"""


# f-GAN -----------------------------------------------------------------------------


def f_gan(divergence: FDivergence, *, form: str = "saddle") -> Objective:
    """The f-GAN objective of an f-divergence.

    The discriminator maximizes F = E_p[g_f(v)] - E_q[f*(g_f(v))]. The generator
    minimizes F ("saddle"), or maximizes E_q[g_f(v)] ("practical").

    Source: Nowozin et al., "f-GAN", NeurIPS 2016, equations 4 to 6 and section 3.2.

    Args:
        divergence: the f-divergence.
        form: the generator's loss, "saddle" or "practical".

    Returns:
        The `Objective`.

    Raises:
        ValueError: if the form is unknown.

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


# Later objectives ------------------------------------------------------------------


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
"""Squared distances of scores from 1 for P and 0 for Q; from 1 for the generator.

Source: Mao et al., "Least squares generative adversarial networks", ICCV 2017, equation
9. For the optimal discriminator, p / (p + q), the loss is 1/4 - LE_CAM / 4.
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
"""E_p[max(0, 1 - v)] + E_q[max(0, 1 + v)]; the generator maximizes E_q[v].

Source: Lim and Ye, "Geometric GAN", 2017, equations 9 and 10. For the optimal
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
"""The discriminator maximizes E_p[v] - E_q[v], the generator minimizes it.

Its supremum over functions of Lipschitz constant 1 is the earth mover's distance, in
units of x; use `gradient_penalty` or spectral normalization.

Source: Arjovsky et al., "Wasserstein GAN", ICML 2017, equation 2.
"""


def _paired(sign: float, scores_p: ScoresP, scores_q: ScoresQ) -> Float[Array, ""]:
    scores_p, scores_q = validate_scores(scores_p, scores_q)
    if scores_p.shape != scores_q.shape:
        raise ValueError(
            "scores_p and scores_q must have the same length in the relativistic "
            f"objective: scores_p has {len(scores_p)} entries, scores_q "
            f"{len(scores_q)}"
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
"""E[softplus(-(v_p - v_q))] for paired samples; the generator exchanges v_p and v_q.

Source: Jolicoeur-Martineau, "The relativistic discriminator", ICLR 2019, section 4, for
both losses; Sun et al., "Towards a better global loss landscape of GANs", NeurIPS 2020
(RpGAN). The bound, log 2 minus the loss, is one of the usual JSD between P x Q and
Q x P.
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
    """Looks up an objective by its name.

    Args:
        objective: a name in `OBJECTIVES`, or an `Objective`, which is returned
            unchanged.

    Returns:
        The `Objective`.

    Raises:
        ValueError: if the name is unknown.
    """
    if isinstance(objective, Objective):
        return objective
    if isinstance(objective, FDivergence):
        raise ValueError(
            "objective must be an Objective or its name, got a divergence: give "
            f"jaxinfo.adversarial.f_gan({objective.name})"
        )
    check_one_of(OBJECTIVES, objective=objective)
    return OBJECTIVES[objective]
