"""Images of TensorFlow Datasets: a small prepared dataset, and MNIST if available."""

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
def data_dir(tmp_path_factory):
    """A data directory with the dataset "patches" of the images PIXELS."""
    import tensorflow_datasets as tfds

    class Patches(tfds.core.GeneratorBasedBuilder):
        """Random patches."""

        # A builder of a package would need a package that is not installed.
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
                # TFDS would need TensorFlow to encode an array.
                png = io.BytesIO()
                Image.fromarray(image).save(png, "PNG")
                png.seek(0)
                yield row, {"image": png, "label": int(label)}

    folder = tmp_path_factory.mktemp("data")
    Patches(data_dir=folder, file_format="array_record").download_and_prepare()
    return folder


def test_a_split_is_loaded_as_a_whole(data_dir):
    images, labels = load_images("patches", "train", data_dir=data_dir)
    assert images.dtype == np.uint8
    assert images.shape == (30, 4, 5, 3)
    assert sorted(map(bytes, images)) == sorted(map(bytes, PIXELS))
    known = {
        image.tobytes(): label for image, label in zip(PIXELS, LABELS, strict=True)
    }
    assert [known[image.tobytes()] for image in images] == labels.tolist()


@pytest.mark.parametrize("variable", ["JAXINFO_DATA_DIR", "TFDS_DATA_DIR"])
def test_datasets_are_found_by_the_environment(data_dir, variable, monkeypatch):
    monkeypatch.delenv("JAXINFO_DATA_DIR", raising=False)
    monkeypatch.delenv("TFDS_DATA_DIR", raising=False)
    monkeypatch.setenv(variable, str(data_dir))
    assert find_images("patches") == data_dir


def test_datasets_are_found_in_the_folder_tfds(data_dir, tmp_path):
    (tmp_path / "tfds").symlink_to(data_dir)
    assert find_images("patches", data_dir=tmp_path) == tmp_path / "tfds"


def test_a_missing_dataset_or_split_is_refused(data_dir, tmp_path, monkeypatch):
    monkeypatch.delenv("JAXINFO_DATA_DIR", raising=False)
    monkeypatch.delenv("TFDS_DATA_DIR", raising=False)
    with pytest.raises(
        ValueError, match=rf"no prepared dataset 'nothing' in {tmp_path}"
    ):
        find_images("nothing", data_dir=tmp_path)
    with pytest.raises(ValueError, match="has no split 'test'; it has train"):
        load_images("patches", "test", data_dir=data_dir)


@pytest.mark.parametrize("package", ["tensorflow_datasets", "PIL"])
def test_a_missing_package_names_the_extra(package, data_dir, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    message = rf'{package} is not installed: pip install "jaxinfo\[data\]"'
    with pytest.raises(ImportError, match=message):
        load_images("patches", "train", data_dir=data_dir)


# TensorFlow and MNIST --------------------------------------------------------------


@pytest.mark.slow
def test_tensorflow_is_not_imported(data_dir):
    code = (
        "import sys; from jaxinfo.data import load_images; "
        f"load_images('patches', 'train', data_dir={str(data_dir)!r}); "
        "assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ)


def test_mnist():
    try:
        find_images("mnist")
    except ValueError as error:
        pytest.skip(f"MNIST is not available: {error}")
    images, labels = load_images("mnist", "test")
    assert images.shape == (10_000, 28, 28, 1)
    assert np.bincount(labels).tolist() == [
        *(980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)
    ]
