"""Files in, arrays in memory out."""

from jaxinfo.data.images import Images, find_images, load_images
from jaxinfo.data.tables import read_columns

__all__ = ["Images", "find_images", "load_images", "read_columns"]
