"""Images through TensorFlow Datasets: a set prepared here, and MNIST where it is."""

import io
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from jaxinfo.data import find_images, load_images

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
    with pytest.raises(ValueError, match="unknown split 'half'"):
        load_images("patches", "half", data_dir=sets)


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
