"""Experiments of the game end to end on their smallest setting, as users start them."""

import dataclasses
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from jaxinfo.data import find_images, load_heco

# What the smallest setting of each must tell, by the names that its README gives.
METRICS = {
    "fgan_gaussian": {"KL": {"mu", "sigma", "bound", "exact"}},
    "gan_modes": {
        f"{law}.non_saturating.alternating": {"modes", "good_share", "reverse_kl"}
        for law in ("ring", "grid")
    },
    "gan_mnist": {"non_saturating": {"parzen", "frechet", "coverage"}},
    "gan_stacked_mnist": {
        setting: {"modes", "reverse_kl"} for setting in ("data", "relativistic")
    },
    "deep_infomax": {
        "local_jsd": {"conv_accuracy", "fc_accuracy", "y_accuracy"},
        "vae": {"conv_accuracy", "fc_accuracy", "y_accuracy"},
        "raw_pixels": {"y_accuracy"},
    },
    "dgi": {setting: {"macro_f1_20", "auc_60"} for setting in ("raw_features", "nwj")},
    "heco": {
        setting: {"macro_f1_20", "micro_f1_40", "auc_60", "nmi", "ari"}
        for setting in ("acm", "acm.no_view_mask", "acm.dgi.PAP")
    },
}
OF_IMAGES = {"gan_mnist", "gan_stacked_mnist"}
OF_GRAPHS = {"dgi", "heco"}


def _run(experiment, out, *options):
    command = [sys.executable, "-m", f"experiments.{experiment}", "--smoke"]
    subprocess.run(
        [*command, "--out", str(out), *map(str, options)], check=True, env=os.environ
    )
    return json.loads((out / "results.json").read_text())


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    try:
        find_images("mnist")
    except ValueError as error:
        pytest.skip(f"MNIST is not at hand: {error}")
    folder = tmp_path_factory.mktemp("classifier")
    content = _run("mnist_classifier", folder)
    # The most frequent digit alone makes 11.35 %.
    assert content["summary"]["mnist"]["accuracy"]["mean"] > 15
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("experiment", METRICS)
def test_it_tells_what_its_readme_says(experiment, tmp_path, request):
    options = ()
    if experiment in OF_IMAGES:
        options = ("--classifier", request.getfixturevalue("classifier"))
    if experiment == "deep_infomax":
        settings = ",".join(METRICS[experiment])
        options = ("--dataset", "digits", "--settings", settings)
    if experiment in OF_GRAPHS:
        try:
            load_heco("acm")
        except ValueError as error:
            pytest.skip(f"ACM is not at hand: {error}")
    if experiment == "heco":
        options = ("--ablations",)
    content = _run(experiment, tmp_path, *options)
    assert content["experiment"] == experiment
    assert content["device"]
    for setting, metrics in METRICS[experiment].items():
        told = content["summary"][setting]
        assert metrics <= set(told)
        assert all(told[metric]["num_seeds"] == 2 for metric in metrics)
        assert {"setting", "seed"} <= set(content["records"][0])
    assert list(tmp_path.glob("*.png"))


@pytest.mark.slow
def test_members_of_the_family_find_their_best_gaussians(tmp_path):
    members = ("KL", "REVERSE_KL", "JENSEN_SHANNON", "JEFFREYS", "PEARSON")
    command = [sys.executable, "-m", "experiments.fgan_gaussian"]
    options = ["--members", ",".join(members), "--out", str(tmp_path)]
    subprocess.run([*command, *options], check=True, env=os.environ)
    content = json.loads((tmp_path / "results.json").read_text())
    for member in members:
        told, best = content["summary"][member], content["best"][member]
        assert told["mu"]["mean"] == pytest.approx(best["mean"], abs=0.05)
        assert told["sigma"]["mean"] == pytest.approx(best["sd"], abs=0.05)
        assert told["bound"]["mean"] == pytest.approx(best["divergence"], abs=0.03)
        least = min(row[member] for row in content["matrix"].values())
        assert content["matrix"][member][member] <= least + 0.002


@pytest.mark.slow
def test_a_training_that_was_cut_off_goes_on_exactly(tmp_path):
    import jax

    from experiments.deep_infomax.config import Config, preset_of
    from experiments.deep_infomax.run import train_in_parts
    from experiments.deep_infomax.study import Study, load

    config = Config(dataset="digits", smoke=True, num_seeds=2)
    preset = preset_of(config)
    study = Study("local_jsd", config, preset, load(config, preset))
    whole, curve, _ = train_in_parts(study, tmp_path / "whole")
    train, calls = study.train, iter(range(100))

    def fail_later(state):
        if next(calls) == 2:
            raise KeyboardInterrupt
        return train(state)

    study.train = fail_later
    with pytest.raises(KeyboardInterrupt):
        train_in_parts(study, tmp_path / "cut")
    state, again, seconds = train_in_parts(study, tmp_path / "cut")
    assert again == curve
    assert seconds is None
    for one, other in zip(*map(jax.tree.leaves, (whole, state)), strict=True):
        np.testing.assert_array_equal(one, other)
    other = dataclasses.replace(config, num_steps=40)
    changed = Study("local_jsd", other, preset_of(other), study.data)
    with pytest.raises(SystemExit):
        train_in_parts(changed, tmp_path / "cut")


def test_a_rule_of_when_to_stop_is_not_run_twice():
    from experiments.heco.config import Config, settings_of

    rules = {
        name: {
            setting.partition(".")[2]
            for setting in settings_of(Config(dataset=name, ablations=True))
        }
        & {"paper_stop", "as_published", "mean_stop"}
        for name in ("acm", "dblp")
    }
    # ACM's preset ends by the mean of losses, the others' by the loss itself.
    assert rules == {"acm": {"paper_stop", "as_published"}, "dblp": {"mean_stop"}}
    # Asked for by its name, it is run.
    named = settings_of(Config(dataset="dblp", variants="paper_stop"))
    assert named == ["dblp.paper_stop"]
