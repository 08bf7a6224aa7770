"""The bounds of a divergence between two samples, by member of the f-family."""

import functools

import jax.numpy as jnp

from jaxinfo.core.checks import check_one_of
from jaxinfo.divergences import FDivergence, family
from jaxinfo.divergences import bounds as dual
from jaxinfo.estimation.bound import Bound, Setting, Stateless
from jaxinfo.estimation.bounds import PAIRS

__all__ = ["divergence_bound"]


def divergence_bound(
    divergence: str | FDivergence, bound: str | Bound | None
) -> tuple[str, Bound]:
    """The bound of a divergence between two samples.

    Args:
        divergence: a member of the f-family or its name.
        bound: None for the member's tightest: optimized over shifts where that has a
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
        check_one_of(["f_divergence", "renyi", *PAIRS], bound=bound)
    if bound == "renyi":
        if divergence != family.KL:
            raise ValueError(
                f"bound 'renyi' estimates the Renyi divergence, not {divergence.name}; "
                "leave divergence out"
            )
        return "Renyi divergence", _RENYI
    if bound in PAIRS:
        if divergence != family.KL:
            raise ValueError(
                f"bound {bound!r} estimates KL, not {divergence.name}; leave bound out"
            )
        return quantity, PAIRS[bound]
    return quantity, _divergence_row(divergence, plain=bound is not None)


@functools.lru_cache
def _divergence_row(divergence: FDivergence, *, plain: bool) -> Bound:
    # Pearson's is free up to scale as well, and its scores would have no read-out.
    plain = plain or divergence not in dual.SHIFT_OPTIMIZED
    plain = plain or divergence == family.PEARSON
    value = functools.partial(
        dual.f_divergence_bound if plain else dual.shift_optimized_bound, divergence
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
        name="f_divergence" if plain else "shift_optimized",
        kind="lower_bound",
        objective=Stateless(value),
        value=value,
        log_ratio=divergence.log_ratio,
        identifiable_up_to="nothing" if plain else "constant",
        exponents=exponents.get(divergence, ()),
    )


_RENYI = Bound(
    name="renyi",
    kind="lower_bound",
    objective=Stateless(dual.renyi_donsker_varadhan_bound),
    value=dual.renyi_donsker_varadhan_bound,
    identifiable_up_to="constant",
    exponents=((0, lambda v, order: (order - 1) * v), (1, lambda v, order: order * v)),
    settings=(Setting("order", 0.5, 0.0, float("inf"), excluded=1.0),),
)
