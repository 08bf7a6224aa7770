"""Marks of test cases."""

from typing import Any

import pytest


def slowly(*values: Any) -> Any:
    """A case that another of the same test stands for in the fast set."""
    return pytest.param(*values, marks=pytest.mark.slow)
