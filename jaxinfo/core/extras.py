"""Imports of optional packages."""

import importlib
from types import ModuleType

__all__ = ["import_extra"]


def import_extra(module: str, extra: str) -> ModuleType:
    """Imports a module of an optional package.

    Args:
        module: dotted name of the module, such as "matplotlib.figure".
        extra: the extra of jaxinfo that installs its package, such as "cli".

    Returns:
        The module.

    Raises:
        ImportError: if the package is not installed. The message names the command
            that installs it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name is not None and error.name.partition(".")[0] != package:
            raise  # The package is there, and something that it needs is not.
        raise ImportError(
            f'{package} is not installed: pip install "jaxinfo[{extra}]"'
        ) from error
