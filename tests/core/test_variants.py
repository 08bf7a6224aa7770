"""Every function of `core.numerics` gives its float64 value with and without jit."""

import functools

import numpy as np

from jaxinfo.core import numerics
from tests.variants import covered, make_variants_test

RNG = np.random.default_rng(0)
VALUES = RNG.normal(size=(3, 4))
MASK = RNG.random((3, 4)) > 0.4
MASK[:, 0] = True
WHERE = {"none": None, "mask": MASK, "weights": MASK * (1 + VALUES**2)}

CASES = {
    **{
        f"{average.__name__}[{kind}, {axis}]": (
            functools.partial(average, axis=axis),
            (VALUES, where),
        )
        for average in (numerics.weighted_mean, numerics.log_mean_exp)
        for kind, where in WHERE.items()
        for axis in (None, 1, (0, 1))
    },
    "log_softplus": (numerics.log_softplus, (100 * VALUES,)),
    "all_finite[yes]": (numerics.all_finite, ({"a": VALUES, "b": np.arange(3)},)),
    "all_finite[no]": (numerics.all_finite, ([VALUES, np.array(np.nan)],)),
}

VariantsTest = make_variants_test(CASES)


def test_every_function_is_a_case():
    assert set(numerics.__all__) - {"Where"} == covered(CASES)
