"""Imports of the optional dependencies that jaxinfo's extras install."""

import importlib
from typing import Any

__all__ = ["import_extra"]


def import_extra(module: str, extra: str) -> Any:
    """Imports a module of an optional dependency.

    Args:
        module: name of the module, such as "pandas".
        extra: the extra of jaxinfo that installs it, such as "cli".

    Returns:
        The module.

    Raises:
        ImportError: if the module is not installed. The message names the extra.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if _package(error.name or "") != _package(module):
            raise  # The package is installed; one of its own dependencies is not.
        raise ImportError(
            f'{_package(module)} is not installed: pip install "jaxinfo[{extra}]"',
            name=error.name,
        ) from error


def _package(module: str) -> str:
    return module.partition(".")[0]
