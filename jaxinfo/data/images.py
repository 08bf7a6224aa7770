"""Image datasets of TensorFlow Datasets (TFDS) as arrays.

TensorFlow is not needed. The dataset must already be prepared, in a format with random
access (`array_record`): nothing is downloaded.
"""

import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int, UInt8

from jaxinfo.core.extras import import_extra

__all__ = ["Images", "find_images", "load_images"]

# Examples that are decoded in one call.
CHUNK = 1_000


class Images(NamedTuple):
    """One split of an image dataset.

    Attributes:
        images: pixels from 0 to 255, [N, H, W, C].
        labels: classes, [N]; -1 for images without a label.
    """

    images: UInt8[np.ndarray, "n h w c"]
    labels: Int[np.ndarray, " n"]


def find_images(name: str, *, data_dir: str | os.PathLike[str] | None = None) -> Path:
    """Finds the TFDS data directory that holds a prepared dataset.

    Args:
        name: name of the dataset in TFDS, such as "mnist".
        data_dir: a TFDS data directory, or a folder with one in `tfds/`. The folders
            that the environment variables `JAXINFO_DATA_DIR` and `TFDS_DATA_DIR` name
            are searched next, then `~/tensorflow_datasets`.

    Returns:
        The first such directory that holds the dataset.

    Raises:
        ValueError: if none holds it. The message lists them.
    """
    roots = [data_dir, os.environ.get("JAXINFO_DATA_DIR")]
    folders = [
        folder for root in roots if root for folder in (Path(root) / "tfds", Path(root))
    ]
    if os.environ.get("TFDS_DATA_DIR"):
        folders.append(Path(os.environ["TFDS_DATA_DIR"]))
    folders.append(Path.home() / "tensorflow_datasets")
    for folder in folders:
        if any((folder / name).glob("*/dataset_info.json")):
            return folder
    raise ValueError(
        f"no prepared dataset {name!r} in {', '.join(map(str, folders))}: set data_dir "
        "or JAXINFO_DATA_DIR to its folder"
    )


def load_images(
    name: str, split: str, *, data_dir: str | os.PathLike[str] | None = None
) -> Images:
    """Loads one split of a prepared image dataset into memory.

    Args:
        name: name of the dataset in TFDS, such as "mnist" or "cifar10".
        split: name of the split, such as "train", "test" or STL-10's "unlabeled".
        data_dir: the folder to search first, see `find_images`.

    Returns:
        The `Images`, in the order of the dataset.

    Raises:
        ValueError: if the dataset or the split does not exist, or its examples have no
            image and label.
        ImportError: if the extra "data" is not installed.
    """
    tfds: Any = import_extra("tensorflow_datasets", "data")
    import_extra("PIL", "data")  # TFDS decodes images with it.
    folder = find_images(name, data_dir=data_dir)
    versions = (path.parent for path in (folder / name).glob("*/dataset_info.json"))
    version = max(versions, key=lambda path: tfds.core.Version(path.name))
    builder = tfds.builder_from_directory(version)
    if split not in builder.info.splits:
        raise ValueError(
            f"dataset {name!r} has no split {split!r}; it has "
            f"{', '.join(builder.info.splits)}"
        )
    source: Any = builder.as_data_source(split)
    size = len(source)
    examples = [
        example
        for start in range(0, size, CHUNK)
        for example in source.__getitems__(range(start, min(start + CHUNK, size)))
    ]
    if not examples or not {"image", "label"} <= set(examples[0]):
        raise ValueError(
            f"the examples of dataset {name!r} must have an image and a label, got "
            f"{', '.join(examples[0]) if examples else 'no examples'}"
        )
    return Images(
        np.stack([example["image"] for example in examples]),
        np.array([example["label"] for example in examples], int),
    )
