"""Files in, arrays in memory out."""

from jaxinfo.data.tables import read_columns

__all__ = ["read_columns"]
