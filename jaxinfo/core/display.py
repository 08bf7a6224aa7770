"""Short representations of values that hold functions."""

import dataclasses
import inspect
from typing import Any

__all__ = ["short_repr"]


def short_repr(self: Any) -> str:
    """Formats a dataclass or a NamedTuple: functions by name, defaults left out.

    Use it as the `__repr__` of a class.

    Example:
        >>> @dataclasses.dataclass
        ... class Setting:
        ...     function: object
        ...     size: int = 3
        ...     __repr__ = short_repr
        >>> Setting(len), Setting(len, 4)
        (Setting(function=len), Setting(function=len, size=4))
    """
    shown = [
        f"{name}={_text(getattr(self, name))}"
        for name, default in _defaults(self).items()
        if not _is_same(getattr(self, name), default)
    ]
    return f"{type(self).__name__.lstrip('_')}({', '.join(shown)})"


_NO_DEFAULT = object()


def _defaults(value: Any) -> dict[str, Any]:
    """The default of every field that is shown."""
    if dataclasses.is_dataclass(value):
        return {
            field.name: _NO_DEFAULT
            if field.default is dataclasses.MISSING
            else field.default
            for field in dataclasses.fields(value)
            if field.repr
        }
    return {
        name: value._field_defaults.get(name, _NO_DEFAULT) for name in value._fields
    }


def _is_same(value: Any, default: Any) -> bool:
    if value is default:
        return True
    return isinstance(value, type(default)) and value == default


def _text(value: Any) -> str:
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        inner = ", ".join(map(_text, value))
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if inspect.isroutine(value):
        return value.__name__
    text = repr(value)
    if " at 0x" not in text and "\n" not in text:
        return text
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return short_repr(value)
    return getattr(value, "__name__", type(value).__name__)
