"""The command line: what it writes, and what it does with what it cannot use."""

import ast
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from jaxinfo import cli, estimation, plots
from tests.fakes import make_estimate

DESIGNED = {
    "value",
    "standard_error",
    "lower",
    "upper",
    "kind",
    "ceiling",
    "saturated",
    "converged",
    "num_nonfinite",
    "per_seed",
    "num_seeds",
    "num_samples",
    "bound",
    "seconds",
    "compile_seconds",
    "p_value",
}
ROOT = Path(__file__).parent.parent
QUICK = ["--bound", "mine", "--seeds", "2", "--num-steps", "20"]


@pytest.fixture
def table(tmp_path):
    """A .csv of two dependent columns, a row number and a name."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    y = x + rng.normal(size=300)
    lines = [f"{a},{b},{i},name{i}" for i, (a, b) in enumerate(zip(x, y, strict=True))]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["a,b,row,name", *lines]) + "\n")
    return path


@pytest.fixture
def quick_estimator(monkeypatch):
    """The estimator replaced; its calls are kept."""
    calls = []

    def estimate(key, x, y, **settings):
        calls.append((key, x, y, settings))
        return make_estimate(per_seed=np.array([1.0, np.nan, 0.9]))

    monkeypatch.setattr(estimation, "estimate_mutual_information", estimate)
    return calls


def _main(*argv):
    return cli.main([str(argument) for argument in argv])


# What it writes -------------------------------------------------------------------


def test_estimate_end_to_end(table, tmp_path, capsys):
    out, figure = tmp_path / "out.json", tmp_path / "curve.png"
    code = _main(
        *("estimate", table, "--x", "a", "--y", "b", *QUICK),
        *("--json", out, "--plot", figure),
    )
    captured = capsys.readouterr()
    assert code == 0, captured.err
    content = json.loads(out.read_text())
    assert content.keys() >= DESIGNED
    assert content["num_seeds"] == len(content["per_seed"]) == 2
    assert content["num_samples"] == 300
    assert content["ceiling"] is None
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert captured.err == ""
    for word in ("table.csv", "±", "95 %", "lower bound", "ceiling", "300", "seconds"):
        assert word in captured.out
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "curve.png",
        "out.json",
        "table.csv",
    ]


@pytest.mark.slow
def test_without_a_bound_the_estimate_is_cross_fitted(table, tmp_path, capsys):
    out = tmp_path / "out.json"
    arguments = ("--x", "a", "--y", "b", "--num-steps", 20, "--json", out)
    assert _main("estimate", table, *arguments) == 0, capsys.readouterr().err
    content = json.loads(out.read_text())
    assert (content["bound"], content["kind"]) == ("cross_fitted", "neither")
    assert 0 < content["p_value"] <= 1
    assert "p of independence" in capsys.readouterr().out
    assert content["lower"] < content["value"] < content["upper"]


def test_equal_keys_give_equal_numbers(table, tmp_path):
    values = []
    for key in (0, 0, 1):
        out = tmp_path / "out.json"
        arguments = ("--x", "a", "--y", "b", *QUICK, "--key", key, "--json", out)
        assert _main("estimate", table, *arguments) == 0
        values.append(json.loads(out.read_text())["per_seed"])
    assert values[0] == values[1] != values[2]


def test_options_reach_the_estimator(table, quick_estimator):
    options = ("--bound", "smile", "--seeds", 3, "--num-steps", 7, "--batch-size", 9)
    assert _main("estimate", table, "--x", "b,a", "--y", "row", *options) == 0
    [(_, x, y, settings)] = quick_estimator
    assert x.shape == (300, 2)
    np.testing.assert_array_equal(y[:, 0], np.arange(300))
    assert settings == {
        "bound": "smile",
        "num_seeds": 3,
        "num_steps": 7,
        "batch_size": 9,
    }


def test_a_third_variable_is_given(table, monkeypatch, capsys):
    def estimate(key, x, y, z, *, num_seeds, num_steps, batch_size):
        np.testing.assert_array_equal(z[:, 0], np.arange(300))
        return make_estimate(0.5, quantity=f"of {x.shape} and {y.shape}")

    name = "estimate_conditional_mutual_information"
    monkeypatch.setattr(estimation, name, estimate)
    arguments = ("estimate", table, "--x", "a", "--y", "b,a", "--z", "row")
    assert _main(*arguments) == 0
    assert "of (300, 1) and (300, 2)" in capsys.readouterr().out
    for more in (("--bound", "mine"), ("--check",)):
        assert _main(*arguments, *more) == 2
        assert "--z goes with neither --bound nor" in capsys.readouterr().err


def test_defaults_are_the_library_s():
    known = inspect.signature(estimation.estimate_mutual_information).parameters
    command = cli.Estimate(Path("any.csv"))
    assert command.bound == known["bound"].default
    assert command.seeds == known["num_seeds"].default
    assert command.num_steps == known["num_steps"].default
    assert command.batch_size == known["batch_size"].default


def test_checks_are_printed_written_and_decide_the_exit_code(
    table, tmp_path, capsys, monkeypatch, quick_estimator
):
    out = tmp_path / "out.json"
    arguments = ("estimate", table, "--x", "a", "--y", "b", "--check", "--json", out)
    assert _main(*arguments, "--bound", "mine") == 1
    assert "FAILED independence: y shuffled: 1.000 nats" in capsys.readouterr().out
    content = json.loads(out.read_text(), parse_constant=pytest.fail)
    assert content["value"] == 1.0
    assert [check["passed"] for check in content["checks"]].count(False) == 2
    assert len(quick_estimator) == 5
    assert {settings["bound"] for *_, settings in quick_estimator} == {"mine"}

    def right(key, x, y, **settings):
        return estimation.estimate_classical(x, y, method="gaussian")

    monkeypatch.setattr(estimation, "estimate_mutual_information", right)
    assert _main(*arguments) == 0
    assert "passed additivity" in capsys.readouterr().out


def test_json_holds_null_for_inf_and_nan(table, tmp_path, quick_estimator):
    out = tmp_path / "out.json"
    assert _main("estimate", table, "--x", "a", "--y", "b", "--json", out) == 0
    content = json.loads(out.read_text(), parse_constant=pytest.fail)
    assert content["ceiling"] is None
    assert content["per_seed"] == [1.0, None, 0.9]


def test_doubts_are_plain_lines(table, capsys):
    assert _main("estimate", table, "--x", "a", "--y", "row", *QUICK) == 0
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("warning: y holds int64")


# What it cannot use ---------------------------------------------------------------


def _bad(tmp_path):
    """Arguments that are wrong, and what the one line must say."""
    table = tmp_path / "table.csv"
    columns = ("--x", "a", "--y", "b")
    nan = tmp_path / "nan.npz"
    np.savez(nan, x=[1.0, np.nan] * 50, y=np.ones(100))
    objects = tmp_path / "objects.npz"
    np.savez(objects, x=np.array([{}, {}]), y=np.ones(2))
    short = tmp_path / "short.csv"
    short.write_text("a,b\n" + "1.5,2.5\n" * 12)
    return {
        "missing file": ([tmp_path / "none.csv"], "no such file"),
        "missing column": ([table, "--x", "zeta", "--y", "b"], "a, b, row, name"),
        "text": ([table, "--x", "name", "--y", "b"], "labels must repeat"),
        "unnamed": ([table], "name the columns"),
        "nan": ([nan], "50 values that are NaN"),
        "objects": ([objects], "pickle"),
        "few rows": ([short, *columns], "rows"),
        "bound": ([table, *columns, "--bound", "zeta"], "donsker_varadhan"),
        "seeds": ([table, *columns, "--seeds", 0], "num_seeds"),
        "steps": ([table, *columns, "--num-steps", -1], "num_steps"),
        "batch": ([table, *columns, "--batch-size", 5_000], "batch_size"),
        "folder": ([table, *columns, "--json", tmp_path / "no/out.json"], "--json"),
        "a folder": ([table, *columns, "--json", tmp_path], "is a folder"),
        "plot": ([table, *columns, "--plot", tmp_path / "curve.txt"], ".png"),
        "one file": (
            [
                table,
                *columns,
                "--json",
                tmp_path / "o.png",
                "--plot",
                tmp_path / "o.png",
            ],
            "same file",
        ),
    }


CASES = [
    *("missing file", "missing column", "text", "unnamed", "nan", "objects"),
    *("few rows", "bound", "seeds", "steps", "batch"),
    *("folder", "a folder", "plot", "one file"),
]


@pytest.mark.parametrize("case", CASES)
def test_bad_input(case, table, tmp_path, capsys):
    cases = _bad(tmp_path)
    assert list(cases) == CASES
    arguments, said = cases[case]
    before = sorted(tmp_path.iterdir())
    if "--json" not in arguments:
        arguments = [*arguments, "--json", tmp_path / "out.json"]
    assert _main("estimate", *arguments) == 2
    captured = capsys.readouterr()
    [line] = captured.err.splitlines()
    assert line.startswith("jaxinfo: ")
    assert said in line
    assert captured.out == ""
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    "arguments", [["--json", "no/out.json"], ["--plot", "curve.txt"]]
)
def test_bad_places_are_refused_before_the_run(table, arguments, quick_estimator):
    assert _main("estimate", table, "--x", "a", "--y", "b", *arguments) == 2
    assert quick_estimator == []


def test_a_failure_while_writing_leaves_what_was_there(
    table, tmp_path, capsys, monkeypatch, quick_estimator
):
    def half_a_figure(estimate, path):
        path.write_bytes(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(plots, "plot_estimate", half_a_figure)
    out, figure = tmp_path / "out.json", tmp_path / "curve.png"
    out.write_text("old")
    before = sorted(tmp_path.iterdir())
    arguments = ("--x", "a", "--y", "b", "--json", out, "--plot", figure)
    assert _main("estimate", table, *arguments) == 2
    assert capsys.readouterr().err == "jaxinfo: no space left\n"
    assert sorted(tmp_path.iterdir()) == before
    assert out.read_text() == "old"


def test_interrupted(table, monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(estimation, "estimate_mutual_information", interrupt)
    assert _main("estimate", table, "--x", "a", "--y", "b") == 130
    assert "interrupted" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 2),
        (["estimate"], 2),
        (["zeta"], 2),
        (["estimate", "f.csv", "--seeds", "many"], 2),
        (["estimate", "f.csv", "--zeta"], 2),
        (["--help"], 0),
        (["estimate", "--help"], 0),
        (["demo", "--help"], 0),
    ],
)
def test_usage(arguments, code, capsys):
    assert _main(*arguments) == code
    captured = capsys.readouterr()
    assert bool(captured.err) == (code == 2)
    assert bool(captured.out) == (code == 0)


# Without the extra, and before any backend exists ---------------------------------


def test_module_imports_the_standard_library_alone():
    tree = ast.parse(Path(cli.__file__).read_text())
    names = [
        alias.name for n in tree.body if isinstance(n, ast.Import) for alias in n.names
    ]
    names += [n.module for n in tree.body if isinstance(n, ast.ImportFrom)]
    assert names
    assert {name.split(".")[0] for name in names} <= set(sys.stdlib_module_names)


@pytest.mark.parametrize("name", cli.NEEDED)
def test_without_the_extra(name, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, name, None)
    assert _main("estimate", "any.csv") == 2
    [line] = capsys.readouterr().err.splitlines()
    assert name in line
    assert "pip install 'jaxinfo[cli]'" in line


def _python(*arguments, **environment):
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("JAX", "XLA"))}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT,
        env=keep | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


SHOW = """
import jax
from jaxinfo import cli
before = jax.config.jax_compilation_cache_dir
cli.prepare_jax()
print(before, jax.device_count(), jax.config.jax_compilation_cache_dir)
"""


def test_devices_and_cache(tmp_path):
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    shown = _python("-c", SHOW, XDG_CACHE_HOME=str(tmp_path), JAX_PLATFORMS="cpu")
    before, devices, cache = shown.stdout.split()
    assert before == "None"  # Importing the library sets nothing.
    assert int(devices) == (cores or os.cpu_count())
    assert Path(cache).is_relative_to(tmp_path / "jaxinfo")


def test_the_environment_comes_first(tmp_path):
    shown = _python(
        "-c",
        SHOW,
        JAX_COMPILATION_CACHE_DIR=str(tmp_path),
        JAX_NUM_CPU_DEVICES="3",
        JAX_PLATFORMS="cpu",
    )
    assert shown.stdout.split() == [str(tmp_path), "3", str(tmp_path)]


def test_as_a_process(tmp_path):
    done = _python("-m", "jaxinfo.cli", "estimate", tmp_path / "none.csv")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "no such file" in done.stderr
