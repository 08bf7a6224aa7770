"""Sets of images as arrays: through TensorFlow Datasets, or folders of pictures.

TensorFlow is not needed. A set of TensorFlow Datasets must be prepared already, in a
format that reads at random (`array_record`): nothing is downloaded.
"""

import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int, UInt8

__all__ = ["Images", "find_images", "load_image_folder", "load_images"]

# Records that are decoded in one call.
CHUNK = 1_000
PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp"}


class Images(NamedTuple):
    """A split of a set of images.

    Attributes:
        images: pixels from 0 to 255, [N, H, W, C].
        labels: classes, [N]; -1 of images that have none.
    """

    images: UInt8[np.ndarray, "n h w c"]
    labels: Int[np.ndarray, " n"]


def find_images(name: str, *, data_dir: str | os.PathLike[str] | None = None) -> Path:
    """The folder that holds a prepared set.

    Args:
        name: as TensorFlow Datasets spells it, such as "mnist".
        data_dir: where to look first: a folder of sets, or one with `tfds/` in it. Then
            `JAXINFO_DATA_DIR`, then `TFDS_DATA_DIR`, then ~/tensorflow_datasets.

    Returns:
        The folder of sets that has it.

    Raises:
        ValueError: where none has it; it says where it looked.
    """
    given = [data_dir, os.environ.get("JAXINFO_DATA_DIR")]
    places = [
        path for place in given if place for path in (Path(place) / "tfds", Path(place))
    ]
    if os.environ.get("TFDS_DATA_DIR"):
        places.append(Path(os.environ["TFDS_DATA_DIR"]))
    places.append(Path.home() / "tensorflow_datasets")
    for place in places:
        if any((place / name).glob("*/dataset_info.json")):
            return place
    raise ValueError(
        f"there is no prepared set {name!r} in {', '.join(map(str, places))}; name its "
        "folder by data_dir or JAXINFO_DATA_DIR"
    )


def load_images(
    name: str, split: str, *, data_dir: str | os.PathLike[str] | None = None
) -> Images:
    """Reads a split of a prepared set into memory.

    Args:
        name: as TensorFlow Datasets spells it, such as "mnist" or "cifar10".
        split: such as "train", "test" or STL-10's "unlabeled".
        data_dir: where to look first, see `find_images`.

    Returns:
        The `Images`, in the order of the set.

    Raises:
        ValueError: where the set or its split is not there, or its examples have no
            image and label.
    """
    folder = find_images(name, data_dir=data_dir)
    import tensorflow_datasets

    tfds: Any = tensorflow_datasets

    versions = (path.parent for path in (folder / name).glob("*/dataset_info.json"))
    version = max(versions, key=lambda path: tfds.core.Version(path.name))
    builder = tfds.builder_from_directory(version)
    if split not in builder.info.splits:
        raise ValueError(
            f"set {name!r} has no split {split!r}; it has "
            f"{', '.join(builder.info.splits)}"
        )
    source: Any = builder.as_data_source(split)
    size = len(source)
    records = [
        record
        for start in range(0, size, CHUNK)
        for record in source.__getitems__(range(start, min(start + CHUNK, size)))
    ]
    if not records or not {"image", "label"} <= set(records[0]):
        raise ValueError(
            f"set {name!r} must hold examples with an image and a label; they hold "
            f"{', '.join(records[0]) if records else 'nothing'}"
        )
    return Images(
        np.stack([record["image"] for record in records]),
        np.array([record["label"] for record in records], int),
    )


def load_image_folder(
    folder: str | os.PathLike[str], split: str, *, size: int | None = None
) -> Images:
    """Reads pictures that lie in a folder for each class, as Tiny ImageNet's do.

    Args:
        folder: holds a folder for each split, that a folder for each class, and that
            the pictures, at any depth. The classes are numbered in the order of their
            names, those of all splits together.
        split: a folder's name, such as "train" or "val".
        size: height and width to scale pictures to; None where they have the same.

    Returns:
        The `Images`, in three colors, in the order of their paths.

    Raises:
        ValueError: where the folder or split is not there or holds no pictures, or
            they differ in size.
    """
    from PIL import Image

    root = Path(folder)
    if not (root / split).is_dir():
        splits = sorted(path.name for path in root.iterdir()) if root.is_dir() else []
        raise ValueError(
            f"folder {root} has no split {split!r}; it has "
            f"{', '.join(splits) or 'nothing'}"
        )
    names = sorted({path.name for path in root.glob("*/*") if path.is_dir()})
    number = {name: index for index, name in enumerate(names)}
    images, labels = [], []
    for path in sorted((root / split).glob("*/**/*")):
        if path.suffix.lower() not in PICTURES:
            continue
        with Image.open(path) as picture:
            picture = picture.convert("RGB")
            if size is not None:
                picture = picture.resize((size, size))
            images.append(np.asarray(picture))
        labels.append(number[path.relative_to(root).parts[1]])
        if images[-1].shape != images[0].shape:
            raise ValueError(
                f"pictures must be of one size, got {images[0].shape[:2]} and, of "
                f"{path.name}, {images[-1].shape[:2]}; name a size"
            )
    if not images:
        raise ValueError(f"folder {root / split} holds no pictures in folders")
    return Images(np.stack(images), np.array(labels, int))
