"""A small classifier of images: labels and an embedding for the GANs' experiments."""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from experiments.folder import refuse
from jaxinfo.cli import prepare_jax

__all__ = ["Config", "Seen", "load_classifier", "main"]

BATCH_SIZE, LEARNING_RATE = 128, 1e-3
# Images that are classified in one call.
CHUNK = 500


@dataclasses.dataclass(frozen=True)
class Config:
    """What to run.

    Attributes:
        out: folder for results.json and the checkpoint.
        dataset: a set of images with labels, as TensorFlow Datasets spells it.
        data_dir: where to look for it first.
        num_steps: updates.
        width: channels of the first layer.
        smoke: the same path end to end with few steps.
    """

    out: Path = Path("results/mnist_classifier")
    dataset: str = "mnist"
    data_dir: Path | None = None
    num_steps: int = 2_000
    width: int = 32
    smoke: bool = False


class Seen(NamedTuple):
    """What the classifier makes of images.

    Attributes:
        labels: the likeliest class, [N].
        embedding: its last hidden layer, [N, D].
    """

    labels: Any
    embedding: Any


def _train(config: Config, images: Any, labels: Any, network: Any) -> Any:
    """Parameters after training, on images in [0, 1]."""
    import jax
    import jax.numpy as jnp
    import optax

    from jaxinfo.training import sample_rows

    optimizer = optax.adam(optax.cosine_decay_schedule(LEARNING_RATE, config.num_steps))

    @jax.jit
    def train(key: jax.Array, images: jax.Array, labels: jax.Array) -> Any:
        def loss(params: Any, rows: jax.Array) -> jax.Array:
            logits, _ = network.apply(params, images[rows])
            losses = optax.softmax_cross_entropy_with_integer_labels(
                logits, labels[rows]
            )
            return jnp.mean(losses)

        def step(carry: tuple[Any, Any], key: jax.Array):
            params, state = carry
            rows = sample_rows(key, len(images), BATCH_SIZE)
            updates, state = optimizer.update(jax.grad(loss)(params, rows), state)
            return (optax.apply_updates(params, updates), state), None

        for_init, for_steps = jax.random.split(key)
        params = network.init(for_init, images[:1])
        keys = jax.random.split(for_steps, config.num_steps)
        return jax.lax.scan(step, (params, optimizer.init(params)), keys)[0][0]

    return train(jax.random.key(0), images, labels)


def load_classifier(
    folder: Path, image_shape: tuple[int, ...]
) -> Callable[[Any], Seen]:
    """What `main` left: a function from images in [0, 1] to labels and embedding.

    Raises:
        ValueError: where there is no checkpoint, or one for images of another shape.
    """
    import jax
    import jax.numpy as jnp

    from jaxinfo import networks
    from jaxinfo.training import read_info, restore_checkpoint

    try:
        info = read_info(folder)
    except ValueError as error:
        raise ValueError(
            f"{error}: `python -m experiments.mnist_classifier --out {folder}` does"
        ) from error
    if tuple(info["image_shape"]) != image_shape:
        raise ValueError(
            f"the classifier of {folder} is for images of shape "
            f"{tuple(info['image_shape'])}, got {image_shape}"
        )
    network = networks.convolutional_classifier(
        info["num_classes"], width=info["width"]
    )
    image = jnp.zeros((1, *image_shape))
    shapes = jax.eval_shape(lambda: network.init(jax.random.key(0), image))
    params = restore_checkpoint(folder, shapes)

    def see(image: jax.Array) -> Seen:
        logits, embedding = network.apply(params, image[None])
        return Seen(jnp.argmax(logits[0]), embedding[0])

    return lambda images: jax.lax.map(see, images, batch_size=CHUNK)


def main() -> None:
    """Trains the classifier, writes its checkpoint, and prints its accuracy."""
    import tyro

    config = tyro.cli(Config, description="A small classifier of images.")
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
    see = load_classifier(config.out, test.images.shape[1:])
    found = see(jnp.asarray(test.images / 255, float)).labels
    accuracy = 100 * float(jnp.mean(found == test.labels))
    told = dataclasses.asdict(config)
    for name in ("out", "data_dir"):
        del told[name]
    content = {
        "experiment": "mnist_classifier",
        "config": told,
        "device": device_name(),
        "seconds": time.perf_counter() - started,
        "records": [{"setting": config.dataset, "seed": 0, "accuracy": accuracy}],
        "summary": {
            config.dataset: {"accuracy": {"mean": accuracy, "sd": None, "num_seeds": 1}}
        },
    }
    write_json(config.out / "results.json", content)
    print(f"{accuracy:.2f} % of {len(found)} test images; written to {config.out}")
