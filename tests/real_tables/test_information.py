"""Mutual information of small tables: rounding, labels, containers, copies, shapes.

Every case has the right value in nats with its derivation, or the flag or error that is
right where there is no value. The default estimator takes seconds for each, so most
cases are slow.
"""

import warnings
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import jax
import numpy as np
import pandas as pd
import pytest
import scipy.sparse

import jaxinfo
from jaxinfo.estimation import CrossFitted, TrainConfig
from tests.marks import slowly

KEY = jax.random.key(0)
LN2, LN3 = np.log(2), np.log(3)
QUICK = CrossFitted(train=TrainConfig(num_steps=300, num_seeds=4))


def gaussian(rng, num_rows, rho, size=1):
    x = rng.normal(size=(num_rows, size))
    return x, rho * x + np.sqrt(1 - rho**2) * rng.normal(size=(num_rows, size))


def of_correlation(rho):
    """-log(1 - rho^2) / 2, the information of a Gaussian pair."""
    return -0.5 * np.log1p(-(rho**2))


class Case(NamedTuple):
    """A table with its value.

    Attributes:
        make: `make(rng) -> (x, y)`.
        truth: nats.
        why: how the truth was derived.
        below: how far rounding or few rows may lower the truth, nats.
        settings: arguments of the estimate.
        most_error: the largest standard error, nats; an interval that holds everything
            would say nothing.
    """

    make: Callable[[np.random.Generator], tuple[Any, Any]]
    truth: float
    why: str
    below: float = 0.0
    settings: Mapping[str, Any] = MappingProxyType({})
    most_error: float = 0.05


def rounded(rng, num_rows, rho, grid, scales=(1.0, 1.0)):
    x, y = gaussian(rng, num_rows, rho)
    return tuple(
        np.round(s * rows / grid) * grid for s, rows in zip(scales, (x, y), strict=True)
    )


def levels(rng, num_levels, num_rows, scrambled):
    """A label whose level shifts y by -1.5 or 1.5, half of the levels each."""
    effect = rng.permutation(np.repeat([-1.5, 1.5], num_levels // 2))
    level = rng.integers(num_levels, size=num_rows)
    codes = rng.permutation(10 * num_levels)[:num_levels] if scrambled else None
    x = level if codes is None else codes[level]
    return x, effect[level] + rng.normal(size=num_rows)


def noisy_label(rng, num_rows, num_levels=3, share=0.0):
    """A label and its copy, replaced by a random level in a share of rows."""
    x = rng.integers(num_levels, size=num_rows)
    other = rng.integers(num_levels, size=num_rows)
    return x, np.where(rng.random(num_rows) < share, other, x)


def shifted_by_label(rng, num_rows):
    label = rng.integers(3, size=num_rows)
    return label, 2.0 * (label - 1) + rng.normal(size=num_rows)


# By quadrature: three standard normals at -2, 0 and 2, a third of the rows each.
SHIFTED = 0.619144
# By quadrature: two standard normals at -1.5 and 1.5, half of the rows each.
TWO_EFFECTS = 0.526777
ROUNDING = "at most the information before rounding (data processing)"
QUADRATURE = "one-dimensional quadrature of the mixture density"


def in_text(rng):
    label, y = shifted_by_label(rng, 2_000)
    return np.array(["low", "mid", "high"])[label], y


def as_category(rng):
    label, y = shifted_by_label(rng, 2_000)
    return pd.Series(pd.Categorical(np.array(["b", "c", "a"])[label])), y


def beside_numbers(rng):
    label, y = shifted_by_label(rng, 2_000)
    noise = rng.normal(size=2_000)
    return pd.DataFrame({"site": np.array(["u", "v", "w"])[label], "noise": noise}), y


def with_holes(rng):
    x, y = gaussian(rng, 2_000, 0.8)
    x[::50] = np.nan
    return x, y


def masked(rng):
    x, y = gaussian(rng, 2_000, 0.8)
    mask = np.zeros(x.shape, bool)
    mask[::50] = True
    x[::50] = 1e9
    return np.ma.array(x, mask=mask), y


def nullable(rng):
    x, y = with_holes(rng)
    return pd.DataFrame({"x": pd.array(x[:, 0], dtype="Float64")}), y


def repeated(rng):
    x, y = rng.normal(size=(2, 100))
    return np.repeat(x, 5), np.repeat(y, 5)


def clustered(rng):
    x, y = (rows + 0.01 * rng.normal(size=500) for rows in repeated(rng))
    return x, y


def autoregression(rng, num_rows, phi):
    noise = rng.normal(size=num_rows + 500)
    steps = np.zeros(num_rows + 500)
    for t in range(1, len(steps)):
        steps[t] = phi * steps[t - 1] + noise[t]
    return steps[500:]


def two_series(phi):
    return lambda rng: tuple(autoregression(rng, 1_000, phi) for _ in range(2))


GROUPS = {"groups": np.repeat(np.arange(100), 5)}
INDEPENDENT = "drawn independently"

CASES = {
    # Ties and rounding.
    "grid .05": Case(lambda r: rounded(r, 5_000, 0.5, 0.05), 0.143841, ROUNDING, 0.01),
    "grid .01": Case(lambda r: rounded(r, 5_000, 0.5, 0.01), 0.143841, ROUNDING, 0.01),
    "grid 1": Case(lambda r: rounded(r, 5_000, 0.9, 1.0), 0.8304, ROUNDING, 0.25),
    "weak on a grid": Case(
        lambda r: rounded(r, 10_000, 0.1, 0.05), 0.005025, ROUNDING, 0.005
    ),
    "cm and kg": Case(
        lambda r: rounded(r, 2_000, 0.5, 1.0, (7.0, 12.0)), 0.143841, ROUNDING, 0.01
    ),
    "scores": Case(
        lambda r: tuple(50 + v for v in rounded(r, 4_000, 0.6, 1.0, (17.0, 17.0))),
        0.223144,
        ROUNDING,
        0.01,
    ),
    "independent on a grid": Case(
        lambda r: rounded(r, 1_000, 0.0, 0.1), 0.0, INDEPENDENT
    ),
    "independent counts": Case(
        lambda r: (r.poisson(3, 1_000), r.poisson(3, 1_000)), 0.0, INDEPENDENT
    ),
    "half precision": Case(
        lambda r: tuple(v.astype(np.float16) for v in gaussian(r, 2_000, 0.8)),
        of_correlation(0.8),
        ROUNDING,
        0.01,
    ),
    "huge offset": Case(
        lambda r: tuple(1e9 + v for v in gaussian(r, 2_000, 0.8)),
        of_correlation(0.8),
        "shifts change nothing",
    ),
    "scale 1e300": Case(
        lambda r: tuple(1e300 * v for v in gaussian(r, 2_000, 0.8)),
        of_correlation(0.8),
        "scales change nothing",
    ),
    # Labels.
    "label of three": Case(lambda r: noisy_label(r, 900), LN3, "the entropy"),
    "64-bit labels": Case(
        lambda r: (2**60 + (k := r.integers(3, size=900)), k), LN3, "the entropy"
    ),
    "unsigned labels": Case(
        lambda r: ((k := r.integers(3, size=900)).astype(np.uint64) + 2**63, k),
        LN3,
        "the entropy",
    ),
    "sign": Case(lambda r: ((x := r.normal(size=600)), x > 0), LN2, "the entropy"),
    "200 codes": Case(
        lambda r: levels(r, 200, 6_000, scrambled=True), TWO_EFFECTS, QUADRATURE
    ),
    "200 names": Case(
        lambda r: ((v := levels(r, 200, 6_000, scrambled=True))[0].astype(str), v[1]),
        TWO_EFFECTS,
        QUADRATURE,
    ),
    "200 said": Case(
        lambda r: levels(r, 200, 6_000, scrambled=False),
        TWO_EFFECTS,
        QUADRATURE,
        settings={"discrete": {"x": True}},
    ),
    "1,000 classes": Case(
        lambda r: tuple(r.integers(1_000, size=(2, 5_000)).astype(str)),
        0.0,
        INDEPENDENT,
    ),
    "text": Case(in_text, SHIFTED, QUADRATURE),
    "category": Case(as_category, SHIFTED, QUADRATURE),
    "text beside noise": Case(beside_numbers, SHIFTED, QUADRATURE),
    "one class": Case(
        lambda r: (r.normal(size=(300, 3)), np.zeros(300, int)), 0.0, "y is constant"
    ),
    "rare class": Case(
        lambda r: (np.ones(2_000), r.random(2_000) < 0.005), 0.0, "x is constant"
    ),
    # Missing values.
    "holes": Case(
        with_holes,
        of_correlation(0.8),
        "rows are missing at random",
        settings={"missing": "drop"},
    ),
    "mask": Case(
        masked,
        of_correlation(0.8),
        "rows are missing at random",
        settings={"missing": "drop"},
    ),
    "nullable": Case(
        nullable,
        of_correlation(0.8),
        "rows are missing at random",
        settings={"missing": "drop"},
    ),
    # Rows that depend on each other: 100 groups, and about ten independent steps.
    "repeated rows": Case(repeated, 0.0, INDEPENDENT, settings=GROUPS, most_error=0.15),
    "clusters": Case(clustered, 0.0, INDEPENDENT, settings=GROUPS, most_error=0.15),
    "slow series": Case(
        two_series(0.9), 0.0, INDEPENDENT, settings={"is_series": True}
    ),
    "very slow series": Case(
        two_series(0.99),
        0.0,
        INDEPENDENT,
        settings={"is_series": True},
        most_error=0.15,
    ),
    # Shapes.
    "16 coordinates": Case(
        lambda r: gaussian(r, 5_000, np.sqrt(1 - np.exp(-2 * 2.3 / 16)), 16),
        2.3,
        "a sum over 16 Gaussian pairs",
    ),
    "a copied column": Case(
        lambda r: (np.hstack([(v := gaussian(r, 2_000, 0.7))[0]] * 2), v[1]),
        of_correlation(0.7),
        "a copy adds nothing",
    ),
    "few rows": Case(lambda r: gaussian(r, 100, 0.9), of_correlation(0.9), "Gaussian"),
}
FAST: set[str] = set()


@pytest.mark.parametrize("name", [n if n in FAST else slowly(n) for n in CASES])
def test_the_value(name):
    case = CASES[name]
    x, y = case.make(np.random.default_rng(0))
    settings = ({"estimator": QUICK} if name in FAST else {}) | dict(case.settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        found = jaxinfo.estimate_mutual_information(KEY, x, y, **settings)
    error = 3 * found.standard_error
    assert found.value - error <= case.truth + 0.002
    assert found.value + error >= case.truth - case.below - 0.002
    assert found.standard_error < case.most_error + 0.3 * case.truth
    if case.truth == 0:
        assert found.p_value > 0.001


# No value ---------------------------------------------------------------------------

INFINITE = {
    "copy": lambda x, y: (x, x),
    "increasing function": lambda x, y: (x, np.exp(x)),
    "square": lambda x, y: (x, x**2),
    "product": lambda x, y: (np.stack([x, y], axis=1), x * y),
    "linear map": lambda x, y: (np.stack([x, y], axis=1), x - 2 * y),
    "half copied": lambda x, y: (x, np.where(np.arange(len(x)) % 2, x, y)),
    "circle": lambda x, y: (np.cos(6 * x), np.sin(6 * x)),
}


@pytest.mark.parametrize("estimator", ["ksg1", slowly("default")])
@pytest.mark.parametrize("name", INFINITE)
def test_infinite_information_is_said(name, estimator):
    x, y = INFINITE[name](*np.random.default_rng(0).normal(size=(2, 600)))
    with pytest.warns(UserWarning, match=r"linear function|no noise"):
        found = jaxinfo.estimate_mutual_information(KEY, x, y, estimator=estimator)
    assert found.upper == np.inf
    assert found.diagnostics.saturated


# Structure that critics may not see --------------------------------------------------


def _cycles(rng):
    """Truth: .530 nats by quadrature, in 100 cycles of 24 rows."""
    seconds = 1_767_225_600 + 3_600 * np.arange(2_400)
    return seconds, np.cos(np.pi * np.arange(2_400) / 12) + 0.5 * rng.normal(size=2_400)


def _fast_sine(rng):
    """Truth: about 1.7 nats."""
    x = rng.normal(size=500)
    return x, np.sin(20 * x) + 0.1 * rng.normal(size=500)


def _parity_of_bits(rng):
    """Truth: log 2."""
    bits = rng.integers(2, size=(2_000, 8))
    return bits, bits.sum(axis=1) % 2


FINE = {"cycles": (_cycles, 0.53), "fast sine": (_fast_sine, 1.7)}
FINE["parity of eight bits"] = (_parity_of_bits, LN2)


@pytest.mark.slow
@pytest.mark.parametrize("name", FINE)
def test_an_estimate_that_misses_fine_structure_does_not_look_certain(name):
    make, truth = FINE[name]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = jaxinfo.estimate_mutual_information(
            KEY, *make(np.random.default_rng(0))
        )
    assert found.lower < truth <= found.upper
    is_near = abs(found.value - truth) < 3 * found.standard_error
    assert is_near or any("clearly more than the" in str(w.message) for w in caught)


@pytest.mark.slow
def test_a_constant_condition_changes_nothing():
    """Truth: that of the pair, .511 nats."""
    x, y = gaussian(np.random.default_rng(0), 2_000, 0.8)
    with pytest.warns(UserWarning, match="z is constant"):
        found = jaxinfo.estimate_conditional_mutual_information(
            KEY, x, y, np.full(2_000, 3.0)
        )
    assert abs(found.value - of_correlation(0.8)) < 3 * found.standard_error
    assert found.p_value < 0.01


def test_identifiers_are_named():
    ids = np.random.default_rng(0).permutation(np.arange(10**9, 10**9 + 300))
    with pytest.warns(UserWarning, match=r"x counts rows .* identifier"):
        jaxinfo.estimate_mutual_information(KEY, ids, ids[::-1] % 97, estimator="ksg1")


def _dates(rng):
    return pd.DataFrame({"day": pd.to_datetime(rng.integers(2**40, size=100))})


REFUSED = {
    "missing value": (lambda r: with_holes(r)[0][:100], "x holds 2 values .* row 0"),
    "nothing but missing": (
        lambda r: pd.DataFrame({"a": r.normal(size=100), "b": [np.nan] * 100}),
        "x holds 100 values .* column 'b'",
    ),
    "infinite value": (lambda r: np.append(np.ones(99), np.inf), "infinite .* row 99"),
    "dates": (_dates, "column 'day' .* dates"),
    "mixed column": (
        lambda r: pd.DataFrame({"a": ["high", 3.0] * 50}),
        "column 'a' of x must .* text",
    ),
    "complex numbers": (lambda r: r.normal(size=100) * 1j, "numbers or labels"),
    "other length": (lambda r: r.normal(size=99), "same number of rows"),
}


def test_too_few_rows_are_refused_with_the_call_that_works():
    x, y = gaussian(np.random.default_rng(0), 11, 0.8)
    with pytest.raises(ValueError, match='give estimator="gaussian_copula"'):
        jaxinfo.estimate_mutual_information(KEY, x, y)
    found = jaxinfo.estimate_mutual_information(KEY, x, y, estimator="gaussian_copula")
    assert found.lower < of_correlation(0.8) < found.upper


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_value_is_refused_by_name(name):
    make, message = REFUSED[name]
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=message):
        jaxinfo.estimate_mutual_information(KEY, make(rng), rng.normal(size=100))


# Containers -------------------------------------------------------------------------

CONTAINERS = {
    "list": lambda rows: rows.tolist(),
    "jax": jax.numpy.asarray,
    "frame": lambda rows: pd.DataFrame(rows, columns=["a", "b"]),
    "dict": lambda rows: {"a": rows[:, 0], "b": rows[:, 1]},
    "sparse": scipy.sparse.csr_matrix,
    "masked": np.ma.array,
    "object": lambda rows: rows.astype(object),
    "arrow": lambda rows: pytest.importorskip("pyarrow").table(
        {"a": rows[:, 0], "b": rows[:, 1]}
    ),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_containers_give_the_number_of_the_array(name):
    rng = np.random.default_rng(0)
    rows = np.round(rng.normal(size=(200, 2)), 3).astype(np.float32).astype(float)
    y = rows.sum(axis=1) + rng.normal(size=200)
    estimator = "gaussian"
    plain, other = (
        jaxinfo.estimate_mutual_information(KEY, x, y, estimator=estimator)
        for x in (rows, CONTAINERS[name](rows))
    )
    assert other == plain


# Rows whose dependence was not given -------------------------------------------------

DEPENDENT = {
    "repeated rows": repeated,
    "clusters": clustered,
    "series": two_series(0.9),
}


@pytest.mark.parametrize("name", DEPENDENT)
def test_rows_that_depend_on_each_other_give_a_warning(name):
    x, y = DEPENDENT[name](np.random.default_rng(0))
    with pytest.warns(UserWarning, match=r"groups|is_series"):
        jaxinfo.estimate_mutual_information(KEY, x, y, estimator="gaussian_copula")
