"""A small image classifier, whose labels and embedding evaluate generated images."""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from experiments.folder import refuse
from jaxinfo.cli import prepare_jax

__all__ = ["Classification", "Config", "load_classifier", "main"]

BATCH_SIZE, LEARNING_RATE = 128, 1e-3
# Images that are classified in one call.
CHUNK = 500


@dataclasses.dataclass(frozen=True)
class Config:
    """Settings of the experiment.

    Attributes:
        out: folder for results.json and the checkpoint.
        dataset: a labeled image data set, by its name in TensorFlow Datasets.
        data_dir: folder that is searched for it first.
        num_steps: number of updates.
        width: channels of the first layer.
        smoke: run the whole experiment with few steps.
    """

    out: Path = Path("results/mnist_classifier")
    dataset: str = "mnist"
    data_dir: Path | None = None
    num_steps: int = 2_000
    width: int = 32
    smoke: bool = False


class Classification(NamedTuple):
    """Output of the classifier.

    Attributes:
        labels: the most likely class, [N].
        embedding: the last hidden layer, [N, D].
    """

    labels: Any
    embedding: Any


def _train(config: Config, images: Any, labels: Any, network: Any) -> Any:
    """Parameters after training on images in [0, 1]."""
    import jax
    import jax.numpy as jnp
    import optax

    from jaxinfo.training import make_gradient_descent, sample_rows, train

    optimizer = optax.adam(optax.cosine_decay_schedule(LEARNING_RATE, config.num_steps))

    def init_params(key: jax.Array, images: jax.Array) -> dict[str, Any]:
        return {"classifier": network.init(key, images)}

    @jax.jit
    def run(key: jax.Array, images: jax.Array, labels: jax.Array) -> Any:
        def loss(_: None, params: Any, rows: jax.Array) -> tuple[jax.Array, Any]:
            logits, _ = network.apply(params["classifier"], images[rows])
            losses = optax.softmax_cross_entropy_with_integer_labels(
                logits, labels[rows]
            )
            return jnp.mean(losses), {}

        init_key, steps_key = jax.random.split(key)
        descent = make_gradient_descent(init_params, loss, optimizer)
        result = train(
            steps_key,
            descent.init(init_key, images[:1]),
            sample_batch=lambda key: (None, sample_rows(key, len(images), BATCH_SIZE)),
            step=descent.step,
            num_steps=config.num_steps,
        )
        return result.state.params["classifier"]

    return run(jax.random.key(0), images, labels)


def load_classifier(
    folder: Path, image_shape: tuple[int, ...]
) -> Callable[[Any], Classification]:
    """The trained classifier, as a function of images in [0, 1].

    Raises:
        ValueError: if the folder holds no checkpoint, or one for images of another
            shape.
    """
    import jax
    import jax.numpy as jnp

    from jaxinfo import networks
    from jaxinfo.training import read_info, restore_checkpoint

    try:
        info = read_info(folder)
    except ValueError as error:
        raise ValueError(
            f"{error}: run `python -m experiments.mnist_classifier --out {folder}`"
        ) from error
    if tuple(info["image_shape"]) != image_shape:
        raise ValueError(
            f"the classifier in {folder} expects images of shape "
            f"{tuple(info['image_shape'])}, got {image_shape}"
        )
    network = networks.convolutional_classifier(
        info["num_classes"], width=info["width"]
    )
    image = jnp.zeros((1, *image_shape))
    shapes = jax.eval_shape(lambda: network.init(jax.random.key(0), image))
    params = restore_checkpoint(folder, shapes)

    def classify(image: jax.Array) -> Classification:
        logits, embedding = network.apply(params, image[None])
        return Classification(jnp.argmax(logits[0]), embedding[0])

    return lambda images: jax.lax.map(classify, images, batch_size=CHUNK)


def main() -> None:
    """Trains the classifier, writes its checkpoint, and prints its accuracy."""
    import tyro

    config = tyro.cli(Config, description="A small image classifier.")
    if config.smoke:
        config = dataclasses.replace(config, num_steps=20, width=4)
    prepare_jax()
    import jax.numpy as jnp

    from jaxinfo import networks
    from jaxinfo.data import load_images
    from jaxinfo.reporting import check_new_folder, device_name, write_json
    from jaxinfo.training import save_checkpoint

    started = time.perf_counter()
    try:
        check_new_folder(config.out)
        if config.out.exists() and any(config.out.iterdir()):
            raise ValueError(f"--out {config.out} must be a new or an empty folder")
        train, test = (
            load_images(config.dataset, split, data_dir=config.data_dir)
            for split in ("train", "test")
        )
        num_classes = int(train.labels.max()) + 1
        network = networks.convolutional_classifier(num_classes, width=config.width)
        scaled = jnp.asarray(train.images / 255, float)
        params = _train(config, scaled, jnp.asarray(train.labels), network)
        info = {
            "num_classes": num_classes,
            "width": config.width,
            "image_shape": list(train.images.shape[1:]),
        }
        save_checkpoint(config.out, params, step=config.num_steps, info=info)
    except ValueError as error:
        refuse(error)
    classify = load_classifier(config.out, test.images.shape[1:])
    labels = classify(jnp.asarray(test.images / 255, float)).labels
    accuracy = 100 * float(jnp.mean(labels == test.labels))
    settings = dataclasses.asdict(config)
    for name in ("out", "data_dir"):
        del settings[name]
    content = {
        "experiment": "mnist_classifier",
        "config": settings,
        "device": device_name(),
        "seconds": time.perf_counter() - started,
        "records": [{"setting": config.dataset, "seed": 0, "accuracy": accuracy}],
        "summary": {
            config.dataset: {"accuracy": {"mean": accuracy, "sd": None, "num_seeds": 1}}
        },
    }
    write_json(config.out / "results.json", content)
    print(f"{accuracy:.2f} % of {len(labels)} test images; written to {config.out}")
