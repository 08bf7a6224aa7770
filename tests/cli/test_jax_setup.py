"""Devices and the compilation cache, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jaxinfo.cli import processor_name

ROOT = Path(__file__).parent.parent.parent
SHOW = """
import jax
from jaxinfo.cli import prepare_jax
before = jax.config.jax_compilation_cache_dir
prepare_jax()
print(before, jax.device_count(), jax.config.jax_compilation_cache_dir)
"""


def _run(**environment):
    keep = {k: v for k, v in os.environ.items() if not k.startswith(("JAX", "XLA"))}
    done = subprocess.run(
        [sys.executable, "-c", SHOW],
        cwd=ROOT,
        env=keep | environment | {"JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout.split()


@pytest.mark.slow
def test_one_device_for_each_core_and_a_cache_folder(tmp_path):
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    before, devices, cache = _run(XDG_CACHE_HOME=str(tmp_path))
    assert before == "None"  # Importing the library sets nothing.
    assert int(devices) == (cores or os.cpu_count())
    assert Path(cache) == tmp_path / "jaxinfo" / "xla" / processor_name()


@pytest.mark.slow
def test_environment_variables_take_precedence(tmp_path):
    shown = _run(JAX_COMPILATION_CACHE_DIR=str(tmp_path), JAX_NUM_CPU_DEVICES="3")
    assert shown == [str(tmp_path), "3", str(tmp_path)]
