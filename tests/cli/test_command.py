"""The command `jaxinfo`: usage, exit codes, and missing packages."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from jaxinfo import cli
from jaxinfo.cli.command import NEEDED

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Expected one of {estimate, benchmark, demo}"),
        (["estimate"], "Missing from jaxinfo estimate: FILE"),
        (["zeta"], "zeta"),
        (["estimate", "f.csv", "--seeds", "many"], "--seeds.*'many'"),
        (["estimate", "f.csv", "--zeta"], "--zeta"),
        (["demo", "--out"], "--out"),
    ],
)
def test_bad_usage_is_one_line(arguments, message, capsys):
    assert cli.main(arguments) == 2
    captured = capsys.readouterr()
    [line] = captured.err.splitlines()
    assert line.startswith("jaxinfo: ")
    assert "see jaxinfo --help" in line
    assert not set("│╭─╰") & set(line)
    assert re.search(message, line)
    assert captured.out == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["estimate", "f.csv", "--bound", "mine"],
            "--bound was renamed to --estimator",
        ),
        (["estimate", "f.csv", "--bound=mine"], "--bound was renamed to --estimator"),
        (["benchmark", "--bounds", "mine"], "--bounds was renamed to --estimators"),
        (["benchmark", "--method", "mine"], "--method was renamed to --estimators"),
    ],
)
def test_renamed_options_name_the_new_option(arguments, message, capsys):
    assert cli.main(arguments) == 2
    assert capsys.readouterr().err == f"jaxinfo: {message}\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--help"], ["estimate", "benchmark", "demo"]),
        (["estimate", "--help"], ["FILE", "--estimator", "--json", "mutual"]),
        (["benchmark", "--help"], ["--suite", "--estimators", "bmi40"]),
        (["demo", "--help"], ["--out", "--seeds"]),
    ],
)
def test_help_is_printed(arguments, words, capsys):
    assert cli.main(arguments) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    for word in words:
        assert word in captured.out


@pytest.mark.parametrize("package", NEEDED)
def test_missing_package_names_the_extra(package, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, package, None)
    assert cli.main(["estimate", "any.csv"]) == 2
    assert capsys.readouterr().err == (
        f'jaxinfo: {package} is not installed: pip install "jaxinfo[cli]"\n'
    )


def _python(*arguments):
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=120,
    )


BLOCKED = """
import sys
for name in ("matplotlib", "pandas", "sklearn", "tyro"):
    sys.modules[name] = None
import jaxinfo.benchmark, jaxinfo.cli, jaxinfo.reporting
from jax._src import xla_bridge
assert not xla_bridge.backends_are_initialized()
"""


def test_packages_import_without_the_extra_and_start_no_backend():
    done = _python("-c", BLOCKED)
    assert done.returncode == 0, done.stderr


def test_bad_input_as_a_process(tmp_path):
    done = _python("-m", "jaxinfo.cli", "estimate", tmp_path / "none.csv")
    assert done.returncode == 2
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert "no such file" in line
