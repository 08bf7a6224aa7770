"""The command `jaxinfo`, and the JAX settings that it shares with the experiments."""

from jaxinfo.cli.command import main
from jaxinfo.cli.jax_setup import prepare_jax, processor_name

__all__ = ["main", "prepare_jax", "processor_name"]
