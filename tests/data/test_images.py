"""Images through TensorFlow Datasets: a set prepared here, and MNIST where it is."""

import io
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from jaxinfo.data import find_images, load_image_folder, load_images

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (30, 4, 5, 3), dtype=np.uint8)
LABELS = np.arange(30) % 3


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """A folder with the set "patches", its images those of PIXELS."""
    import tensorflow_datasets as tfds

    class Patches(tfds.core.GeneratorBasedBuilder):
        """Random patches."""

        # Of a package it would ask for one that is not installed.
        __module__ = "__main__"
        VERSION = tfds.core.Version("1.0.0")

        def _info(self):
            features = tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(4, 5, 3)),
                    "label": tfds.features.ClassLabel(num_classes=3),
                }
            )
            return tfds.core.DatasetInfo(builder=self, features=features)

        def _split_generators(self, _):
            return {"train": self._generate_examples()}

        def _generate_examples(self):
            for row, (image, label) in enumerate(zip(PIXELS, LABELS, strict=True)):
                # An array would be encoded by TensorFlow.
                png = io.BytesIO()
                Image.fromarray(image).save(png, "PNG")
                png.seek(0)
                yield row, {"image": png, "label": int(label)}

    folder = tmp_path_factory.mktemp("sets")
    Patches(data_dir=folder, file_format="array_record").download_and_prepare()
    return folder


def test_a_prepared_set_is_read_whole(sets):
    images, labels = load_images("patches", "train", data_dir=sets)
    assert images.dtype == np.uint8
    assert images.shape == (30, 4, 5, 3)
    assert sorted(map(bytes, images)) == sorted(map(bytes, PIXELS))
    known = {
        image.tobytes(): label for image, label in zip(PIXELS, LABELS, strict=True)
    }
    assert [known[image.tobytes()] for image in images] == labels.tolist()


@pytest.mark.parametrize("variable", ["JAXINFO_DATA_DIR", "TFDS_DATA_DIR"])
def test_sets_are_found_by_the_environment(sets, variable, monkeypatch):
    monkeypatch.delenv("JAXINFO_DATA_DIR", raising=False)
    monkeypatch.delenv("TFDS_DATA_DIR", raising=False)
    monkeypatch.setenv(variable, str(sets))
    assert find_images("patches") == sets


def test_a_folder_of_sets_may_lie_in_tfds(sets, tmp_path):
    (tmp_path / "tfds").symlink_to(sets)
    assert find_images("patches", data_dir=tmp_path) == tmp_path / "tfds"


def test_what_is_missing_is_named(sets, tmp_path, monkeypatch):
    monkeypatch.delenv("JAXINFO_DATA_DIR", raising=False)
    monkeypatch.delenv("TFDS_DATA_DIR", raising=False)
    with pytest.raises(ValueError, match=rf"no prepared set 'nothing' in {tmp_path}"):
        find_images("nothing", data_dir=tmp_path)
    with pytest.raises(ValueError, match="has no split 'test'; it has train"):
        load_images("patches", "test", data_dir=sets)


# Folders of pictures ---------------------------------------------------------------


@pytest.fixture
def pictures(tmp_path):
    """As Tiny ImageNet's: train/CLASS/images/NAME, and one gray picture."""
    for split, index, name in [
        ("train", 0, "n1/images/b.png"),
        ("train", 1, "n1/images/a.png"),
        ("train", 2, "n3/images/a.PNG"),
        ("val", 3, "n2/a.png"),
    ]:
        path = tmp_path / split / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(PIXELS[index]).save(path, "PNG")
    Image.fromarray(PIXELS[4, ..., 0]).save(tmp_path / "train/n3/images/gray.png")
    (tmp_path / "train" / "n1" / "boxes.txt").write_text("not a picture")
    return tmp_path


def test_a_folder_for_each_class_is_read(pictures):
    images, labels = load_image_folder(pictures, "train")
    gray = np.repeat(PIXELS[4, ..., :1], 3, axis=-1)
    np.testing.assert_array_equal(images, [*PIXELS[[1, 0, 2]], gray])
    # Classes of all splits are numbered together.
    np.testing.assert_array_equal(labels, [0, 0, 2, 2])
    np.testing.assert_array_equal(load_image_folder(pictures, "val").labels, [1])
    scaled = load_image_folder(pictures, "train", size=8).images
    assert scaled.shape == (4, 8, 8, 3)


def test_a_folder_that_does_not_fit_is_named(pictures, tmp_path):
    with pytest.raises(ValueError, match="has no split 'test'; it has train, val"):
        load_image_folder(pictures, "test")
    with pytest.raises(ValueError, match="it has nothing"):
        load_image_folder(tmp_path / "nowhere", "test")
    (pictures / "test" / "n1").mkdir(parents=True)
    with pytest.raises(ValueError, match="holds no pictures in folders"):
        load_image_folder(pictures, "test")
    Image.fromarray(PIXELS[0][:2]).save(pictures / "train" / "n3" / "z.png")
    with pytest.raises(ValueError, match=r"one size, got \(4, 5\) and, of z"):
        load_image_folder(pictures, "train")


# Sets at hand ------------------------------------------------------------------------


def test_tensorflow_is_not_imported(sets):
    code = (
        "import sys; from jaxinfo.data import load_images; "
        f"load_images('patches', 'train', data_dir={str(sets)!r}); "
        "assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)


def test_mnist():
    try:
        find_images("mnist")
    except ValueError as error:
        pytest.skip(f"MNIST is not at hand: {error}")
    images, labels = load_images("mnist", "test")
    assert images.shape == (10_000, 28, 28, 1)
    assert np.bincount(labels).tolist() == [
        *(980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)
    ]
