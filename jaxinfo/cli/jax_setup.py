"""Settings of JAX that must be made before it starts a backend."""

import contextlib
import hashlib
import os
import platform
from pathlib import Path
from typing import Any

import jax

__all__ = ["prepare_jax", "processor_name"]


def prepare_jax() -> None:
    """Sets one CPU device for each core, and a folder for compiled programs.

    Compiled programs are kept under $XDG_CACHE_HOME/jaxinfo (else ~/.cache/jaxinfo), in
    a folder for each type of processor. JAX's own environment variables take
    precedence. If a backend has started already, its devices stay as they are.
    """
    config: Any = jax.config
    flags = os.environ.get("XLA_FLAGS", "")
    if config.jax_num_cpu_devices < 0 and "host_platform_device_count" not in flags:
        with contextlib.suppress(RuntimeError):  # A backend has started already.
            config.update("jax_num_cpu_devices", _num_cores())
    if config.jax_compilation_cache_dir is None:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        folder = Path(home) / "jaxinfo" / "xla" / processor_name()
        config.update("jax_compilation_cache_dir", str(folder))
        config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        config.update("jax_persistent_cache_min_entry_size_bytes", 0)


def _num_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor_name() -> str:
    """A hash of the processor's features, because compiled programs depend on them."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    flags = next((line for line in lines if line.startswith(("flags", "Features"))), "")
    text = platform.machine() + platform.processor() + flags
    return hashlib.sha256(text.encode()).hexdigest()[:12]
