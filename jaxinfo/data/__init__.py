"""Files in, arrays in memory out; and random changes of images."""

from jaxinfo.data.augmentation import occlude, random_crop, random_flip
from jaxinfo.data.images import (
    Images,
    find_images,
    load_image_folder,
    load_images,
)
from jaxinfo.data.tables import read_columns

__all__ = [
    "Images",
    "find_images",
    "load_image_folder",
    "load_images",
    "occlude",
    "random_crop",
    "random_flip",
    "read_columns",
]
