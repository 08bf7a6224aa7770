"""Settings that must come before any JAX backend exists, and shared fixtures."""

import gc
import os
from pathlib import Path

import chex
import jax
import jaxlib
import numpy as np
import pytest

from jaxinfo.cli import processor_name

# Programs here are tiny and many: compiling them well takes longer than running them.
_flags = "--xla_backend_optimization_level=0"
if jaxlib.version.__version_info__ < (0, 11):  # Later ones abort at a flag unknown.
    _flags += " --xla_cpu_use_fusion_emitters=false"
    # One module for each program: splitting it costs more than it spreads.
    _flags += " --xla_cpu_parallel_codegen_split_count=1"
os.environ.setdefault("XLA_FLAGS", _flags)

# Two host devices, so that what is laid over a mesh is laid over more than one.
jax.config.update("jax_num_cpu_devices", 2)

# Compiling is most of the tests' time; the second run finds its programs here.
_cache = Path(__file__).parent.parent / ".cache" / "jax" / processor_name()
jax.config.update("jax_compilation_cache_dir", str(_cache))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)

# Nobody reads where in a program an operation came from.
jax.config.update("jax_traceback_in_locations_limit", 0)

# Figures are drawn to files, whatever screen there is.
os.environ.setdefault("MPLBACKEND", "Agg")


def pytest_collection_modifyitems(items):
    """What compiles most is slow: examples of estimators, and calls without `jit`."""
    tests = Path(__file__).parent
    slow = (tests / "examples", tests.parent / "jaxinfo" / "estimation")
    for item in items:
        is_example = any(folder in item.path.parents for folder in slow)
        if is_example or item.name.endswith("__without_jit"):
            item.add_marker(pytest.mark.slow)


def pytest_collection_finish():
    """What is imported by now stays: the collector need not look it over again."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture(autouse=True)
def _clear_trace_counter():
    """Each test counts its own traces (`chex.assert_max_traces`)."""
    chex.clear_trace_counter()


@pytest.fixture(autouse=True)
def _restart_generator(request):
    """A test draws the same numbers alone, in any order and in any process."""
    if hasattr(request.module, "RNG"):
        fresh = np.random.default_rng(1).bit_generator.state
        request.module.RNG.bit_generator.state = fresh
