"""Estimates as values: equality, pickling, JSON, text and HTML."""

import dataclasses
import json
import pickle

import jax
import numpy as np
import pytest

from jaxinfo.estimation import Diagnostics, Estimate, Gaussian, History
from jaxinfo.estimation.estimate import jsonable
from tests.fakes import make_estimate

# The contract of the JSON file of `jaxinfo estimate`.
KEYS = {
    *("value", "standard_error", "lower", "upper", "kind", "ceiling", "saturated"),
    *("converged", "num_nonfinite", "per_seed", "num_seeds", "num_samples", "bound"),
    *("seconds", "compile_seconds"),
}


def test_estimates_compare_and_hash_by_their_numbers_and_names():
    one, two = make_estimate(), make_estimate(seconds=99.0, warnings=("w",))
    assert one == two
    assert hash(one) == hash(two)
    for change in (
        {"value": 2.0},
        {"standard_error": 0.06},
        {"kind": "upper_bound"},
        {"estimator": "mine"},
        {"quantity": "KL divergence"},
        {"num_samples": 999},
        {"p_value": 0.5},
    ):
        assert dataclasses.replace(one, **change) != one


def test_an_estimate_is_frozen_and_a_float():
    estimate = make_estimate(1.5)
    assert float(estimate) == 1.5
    with pytest.raises(dataclasses.FrozenInstanceError):
        estimate.value = 0.0  # pyright: ignore[reportAttributeAccessIssue]


def test_an_estimate_pickles_with_its_diagnostics_and_density_ratio():
    x, noise = np.random.default_rng(0).normal(size=(2, 100, 2))
    estimate = Gaussian()(jax.random.key(0), x, x + noise)
    again = pickle.loads(pickle.dumps(estimate))
    assert again == estimate
    assert hash(again) == hash(estimate)
    assert again.density_ratio == estimate.density_ratio
    np.testing.assert_array_equal(
        again.diagnostics.per_seed, estimate.diagnostics.per_seed
    )
    np.testing.assert_array_equal(
        again.density_ratio(x, x), estimate.density_ratio(x, x)
    )


def test_diagnostics_have_defaults_and_count_the_seeds():
    found = Diagnostics(np.array([1.0, 2.0]))
    assert found.num_seeds == 2
    assert found.ceiling == np.inf
    assert not found.saturated
    assert found.converged
    assert found.warnings == ()
    assert found.history.steps.size == found.history.values.size == 0
    bare = Estimate(0.0, 0.1, -0.2, 0.2, "neither", "own", 10)
    assert bare.diagnostics.num_seeds == 0
    assert bare.density_ratio is None
    assert bare.p_value is None


# JSON ------------------------------------------------------------------------------


def test_the_dictionary_has_the_keys_of_the_contract_in_plain_types():
    estimate = make_estimate(p_value=0.01, warnings=("careful",), saturated=np.bool_(1))
    found = estimate.to_dict()
    assert set(found) == KEYS | {"quantity", "p_value", "warnings"}
    assert found["value"] == 1.0
    assert found["bound"] == "donsker_varadhan"
    assert found["num_seeds"] == 3
    assert found["num_samples"] == 1_000
    assert found["per_seed"] == pytest.approx([0.9, 1.0, 1.1])
    assert found["warnings"] == ["careful"]
    assert found["saturated"] is True
    assert found["ceiling"] is None
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_what_json_cannot_hold_becomes_null():
    estimate = make_estimate(
        np.nan, per_seed=np.array([np.nan, 1.0]), ceiling=np.inf, seconds=np.nan
    )
    found = estimate.to_dict()
    for name in ("value", "lower", "upper", "ceiling", "seconds"):
        assert found[name] is None
    assert found["per_seed"] == [None, 1.0]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (-np.inf, None),
        ((1.0, np.nan), [1.0, None]),
        (np.array([[1.0, np.inf]]), [[1.0, None]]),
        ("text", "text"),
        (None, None),
    ],
)
def test_numbers_become_plain_ones(value, expected):
    found = jsonable(value)
    assert found == expected
    assert type(found) is type(expected)


# Text and HTML ---------------------------------------------------------------------


def test_the_text_is_one_line_with_what_matters():
    line = str(make_estimate(p_value=0.012))
    assert line == (
        "mutual information: 1.000 ± 0.050 nats, 95 % [0.900, 1.100], p = 0.012 "
        "(donsker_varadhan, lower bound, 3 seeds)"
    )
    doubtful = make_estimate(
        num_seeds=1, saturated=True, converged=False, num_nonfinite=7
    )
    assert str(doubtful).endswith(
        "(donsker_varadhan, lower bound); saturated; not converged; 7 skipped updates"
    )


def test_the_html_table_escapes_its_text():
    estimate = make_estimate(
        quantity="I(<x>; y)",
        estimator="<script>alert()</script>",
        warnings=("x < 0 & y > 0",),
        saturated=True,
        p_value=0.25,
    )
    table = estimate._repr_html_()
    assert "<script>" not in table
    assert "&lt;script&gt;alert()&lt;/script&gt;" in table
    assert "I(&lt;x&gt;; y)" in table
    assert "x &lt; 0 &amp; y &gt; 0" in table
    assert "1.000 ± 0.050 nats" in table
    assert "[0.900, 1.100]" in table
    assert "<td>saturated</td>" in table
    assert "<td>0.250</td>" in table


def test_the_html_table_leaves_out_empty_rows():
    table = make_estimate()._repr_html_()
    for name in ("p-value", "flags", "warnings"):
        assert name not in table
    assert table.startswith("<table>")
    assert table.endswith("</table>")


def test_the_representation_is_short():
    estimate = make_estimate(history=History(np.arange(999), np.zeros((3, 999))))
    assert repr(estimate).startswith("Estimate(value=1.0, standard_error=0.05")
    assert "history" not in repr(estimate)
    assert len(repr(estimate)) < 300
