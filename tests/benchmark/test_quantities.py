"""Which quantities of a task are known, and which estimators apply to them."""

import dataclasses
import functools
import math

import pytest

from jaxinfo import estimation, tasks
from jaxinfo.benchmark import choose_estimators, known_quantities, with_training
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
    mixed = [GAUSSIAN, *tasks.suite("divergence")]
    assert _names(choose_estimators(mixed)) == ["default"]


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
        ([GAUSSIAN], [3], "names or callables, got 3"),
        ([GAUSSIAN], [_Named], r"got the class: give _Named\(\)"),
        ("bmi40", None, r"tasks must be .* give jaxinfo.tasks.suite\('bmi40'\)"),
        (GAUSSIAN, None, r"got one task: give \[task\]"),
        ([3], None, "tasks must be a list of tasks, got 3 in it"),
        ([GAUSSIAN], ["ksg1", _Named("ksg1")], "two estimators are named 'ksg1'"),
        (tasks.suite("divergence"), ["ksg1"], "ksg1.*f_divergence"),
        (tasks.suite("cmi"), ["f_divergence"], "f_divergence.*default"),
    ],
)
def test_unusable_estimators_are_refused(suite, estimators, message):
    with pytest.raises(ValueError, match=message):
        choose_estimators(suite, estimators=estimators)


def test_equal_objects_are_run_once():
    given = [_Named("a"), _Named("a"), _Named("b")]
    assert _names(choose_estimators([GAUSSIAN], estimators=given)) == ["a", "b"]


def test_training_of_an_estimator_is_replaced():
    mine = estimation.find_estimator("mine")
    changed = with_training(mine, num_seeds=3, num_steps=7)
    assert (changed.train.num_seeds, changed.train.num_steps) == (3, 7)
    assert with_training(changed, **dataclasses.asdict(mine.train)) == mine
    ksg = estimation.find_estimator("ksg1")
    assert with_training(ksg, num_seeds=3) is ksg
    with pytest.raises(ValueError, match="num_seeds"):
        with_training(mine, num_seeds=0)


def test_divergences_of_a_task_are_those_with_a_closed_form():
    plane = next(t for t in tasks.suite("divergence") if t.name == "gaussians-plane")
    known = {quantity.name: quantity for quantity in known_quantities(plane)}
    assert {f"gaussians-plane {name}" for name in ("KL", "PEARSON")} <= set(known)
    assert "gaussians-plane TOTAL_VARIATION" not in known
    assert known["gaussians-plane KL"].truth == pytest.approx(plane.exact(KL))
    assert known["gaussians-plane KL"].prepare("smile") is not None
    assert known["gaussians-plane PEARSON"].prepare("smile") is None
    assert known["gaussians-plane PEARSON"].prepare("f_divergence") is not None


def test_infinite_divergences_are_left_out():
    task = dataclasses.replace(
        tasks.suite("divergence")[0],
        exact=lambda divergence: math.inf if divergence == KL else 0.5,
    )
    names = [quantity.name for quantity in known_quantities(task)]
    assert names
    assert not any(name.endswith(" KL") for name in names)
