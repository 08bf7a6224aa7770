"""Which quantities of a task are known, and which estimators apply to them."""

import dataclasses
import functools
import math

import pytest

from jaxinfo import estimation, tasks
from jaxinfo.benchmark import choose_estimators, quantities
from jaxinfo.divergences import KL

GAUSSIAN = tasks.normal(0.75)


def _estimator(key, x, y):
    raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class _Named:
    name: str

    def __call__(self, key, x, y):
        raise NotImplementedError


def _names(chosen):
    return list(chosen)


def test_default_estimators_are_those_that_apply_to_every_task():
    assert _names(choose_estimators([GAUSSIAN])) == [
        "default",
        "gaussian_copula",
        "ksg1",
    ]
    assert _names(choose_estimators(tasks.suite("divergence"))) == ["default"]
    assert _names(choose_estimators(tasks.suite("cmi"))) == ["default"]


def test_repeated_names_are_run_once():
    chosen = choose_estimators([GAUSSIAN], estimators=["nwj", "ksg1", "nwj"])
    assert _names(chosen) == ["nwj", "ksg1"]


def test_objects_are_named_by_name_then_function_name_then_type():
    partial = functools.partial(_estimator)
    given = [_Named("mine, 16 seeds"), _estimator, partial]
    chosen = choose_estimators([GAUSSIAN], estimators=given)
    assert list(chosen.items()) == list(
        zip(["mine, 16 seeds", "_estimator", "partial"], given, strict=True)
    )


def test_mapping_names_its_estimators():
    chosen = choose_estimators(
        [GAUSSIAN], estimators={"one": _estimator, "two": _estimator, "ksg": "ksg1"}
    )
    assert chosen == {"one": _estimator, "two": _estimator, "ksg": "ksg1"}


@pytest.mark.parametrize(
    ("suite", "estimators", "message"),
    [
        ([GAUSSIAN], ["zeta"], "zeta.*default.*donsker_varadhan"),
        ([GAUSSIAN], [], "at least one"),
        ([GAUSSIAN], "default", "must be a list, got the name 'default'"),
        ([GAUSSIAN], [3], "names or callables, got int"),
        ([GAUSSIAN], [_Named("a"), _Named("a"), _Named("b")], None),
        ([GAUSSIAN], ["ksg1", _Named("ksg1")], "two estimators are named 'ksg1'"),
        (tasks.suite("divergence"), ["ksg1"], "ksg1.*f_divergence"),
        (tasks.suite("cmi"), ["mine"], "mine.*default"),
    ],
)
def test_unusable_estimators_are_refused(suite, estimators, message):
    if message is None:  # Equal values are one estimator.
        assert _names(choose_estimators(suite, estimators=estimators)) == ["a", "b"]
        return
    with pytest.raises(ValueError, match=message):
        choose_estimators(suite, estimators=estimators)


def test_names_of_bounds_and_of_classical_estimators_differ():
    bounds = set(estimation.information_bound_names())
    classical = set(estimation.classical_method_names())
    assert not bounds & classical
    assert "default" not in bounds | classical


def test_divergences_of_a_task_are_those_with_a_closed_form():
    plane = next(t for t in tasks.suite("divergence") if t.name == "gaussians-plane")
    known = {quantity.name: quantity for quantity in quantities(plane)}
    assert {f"gaussians-plane {name}" for name in ("KL", "PEARSON")} <= set(known)
    assert "gaussians-plane TOTAL_VARIATION" not in known
    assert known["gaussians-plane KL"].truth == pytest.approx(plane.exact(KL))
    assert "smile" in known["gaussians-plane KL"].named
    assert "smile" not in known["gaussians-plane PEARSON"].named


def test_infinite_divergences_are_left_out():
    task = dataclasses.replace(
        tasks.suite("divergence")[0],
        exact=lambda divergence: math.inf if divergence == KL else 0.5,
    )
    names = [quantity.name for quantity in quantities(task)]
    assert names
    assert not any(name.endswith(" KL") for name in names)
