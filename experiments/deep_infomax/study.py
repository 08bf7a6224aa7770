"""A method on data: pure programs of one seed, swept over all seeds."""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple, cast

from experiments.deep_infomax.config import Config, Preset
from experiments.folder import block_of

__all__ = ["NUM_PARTS", "Data", "Study", "load"]

# Parts of a training; after each, representations are probed and a checkpoint is
# written.
NUM_PARTS = 5
# Number of images encoded in one call.
CHUNK = 500


class Data(NamedTuple):
    """Pixels from 0 to 255, [N, H, W, C], and classes, [N]."""

    train: Any
    train_labels: Any
    test: Any
    test_labels: Any


def load(config: Config, preset: Preset) -> Data:
    import jax.numpy as jnp

    from jaxinfo.data import load_images

    if config.dataset == "digits":
        splits = _digits()
    else:
        splits = [
            load_images(config.dataset, split, data_dir=config.data_dir)
            for split in ("train", "test")
        ]
    (train, train_labels), (test, test_labels) = splits
    cut = slice(preset.num_train), slice(preset.num_test)
    return Data(
        jnp.asarray(train[cut[0]]),
        jnp.asarray(train_labels[cut[0]]),
        jnp.asarray(test[cut[1]]),
        jnp.asarray(test_labels[cut[1]]),
    )


def _digits() -> list[tuple[Any, Any]]:
    """Scikit-learn's 1,797 digits of 8 x 8 pixels, the last 500 for the test."""
    import numpy as np
    from sklearn.datasets import load_digits

    digits: Any = load_digits()
    pixels = (digits.images[..., None] * (255 / 16)).astype(np.uint8)
    order = np.random.default_rng(0).permutation(len(pixels))
    pixels, labels = pixels[order], digits.target[order]
    return [(pixels[:-500], labels[:-500]), (pixels[-500:], labels[-500:])]


class Study:
    """A method on data: pure programs of one seed, swept over all seeds."""

    def __init__(self, name: str, config: Config, preset: Preset, data: Data):
        import jax

        from experiments.deep_infomax.methods import METHODS, Parts

        self.config, self.preset, self.data = config, preset, data
        self.num_classes = int(data.train_labels.max()) + 1
        self.parts = Parts(
            preset, data.train.shape[1:], self.num_classes, config.normalization
        )
        self.method = METHODS[name](self.parts)
        self.run_config = run_config_of(config, preset, data)
        self.keys = jax.random.split(jax.random.key(0), config.num_seeds)
        self.eval_every = block_of(preset.num_steps, NUM_PARTS)

    def over_seeds(self, run: Callable[..., Any], *data: Any, **of_seeds: Any) -> Any:
        """Calls `run(key, *data, **of_seed)` for every seed, in one program."""
        import jax
        import jax.numpy as jnp

        from jaxinfo.training import sweep

        found = sweep(
            _Chosen(run),
            self.keys[:1],
            self.keys,
            *data,
            settings={"seed": jnp.arange(self.config.num_seeds), **of_seeds},
            layout=cast(Any, self.config.layout),
        )
        return jax.tree.map(lambda x: x[:, 0], found)

    def start(self) -> Any:
        return self.over_seeds(self._start, self.data.train)

    def _start(self, key: Any, images: Any) -> Any:
        import jax

        return self.method.start(jax.random.fold_in(key, 0), images)

    def train(self, state: Any) -> Any:
        """The state after one more part."""
        data = self.data
        return self.over_seeds(self._train, data.train, data.train_labels, state=state)

    def _train(self, key: Any, images: Any, labels: Any, *, state: Any) -> Any:
        import jax

        from jaxinfo.training import make_row_sampler, train

        def step(key: jax.Array, state: Any, rows: jax.Array) -> tuple[Any, Any]:
            assert self.method.step is not None
            return self.method.step(key, state, (images[rows], labels[rows]))

        steps_key, _ = jax.random.split(jax.random.fold_in(key, 1))
        return train(
            steps_key,
            state,
            sample_batch=make_row_sampler(len(images), self.preset.batch_size),
            step=step,
            num_steps=self.eval_every,
            eval_every=self.eval_every,
            first_step=state.step,
        ).state

    def encode(self, state: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Features of training and test images by layer, of all seeds, [S, N, ...]."""
        import jax
        import jax.numpy as jnp

        # One program for both sets.
        images = jnp.concatenate([self.data.train, self.data.test])
        found = self.over_seeds(self._encode, images, state=state)
        cut = len(self.data.train)
        train = jax.tree.map(lambda x: x[:, :cut], found)
        return train, jax.tree.map(lambda x: x[:, cut:], found)

    def _encode(self, key: Any, images: Any, *, state: Any) -> dict[str, Any]:
        import jax

        del key

        def one(image: jax.Array) -> dict[str, jax.Array]:
            return jax.tree.map(lambda x: x[0], self.method.encode(state, image[None]))

        return jax.lax.map(one, images, batch_size=CHUNK)

    def probe(self, train: Any, test: Any, num_steps: int) -> Any:
        """Test accuracy of a probe of features [S, N, ...], percent, [S]."""
        run = _Probe(
            self.num_classes,
            num_steps,
            self.preset.batch_size,
            self.preset.probe_rate,
        )
        labels = self.data.train_labels, self.data.test_labels
        return self.over_seeds(run, *labels, train=train, test=test)


def run_config_of(config: Config, preset: Preset, data: Data) -> dict[str, Any]:
    """The options that all results in a folder have in common."""
    shared = dataclasses.asdict(config) | {
        "num_steps": preset.num_steps,
        "num_train": len(data.train),
        "num_test": len(data.test),
        "num_probe_steps": preset.probe_steps,
    }
    for name in ("out", "settings", "data_dir", "layout"):
        del shared[name]
    return shared


class _Chosen:
    """A run that selects its key among those of all seeds; equal for equal runs."""

    def __init__(self, run: Callable[..., Any]):
        self.run = run

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Chosen) and self.run == other.run

    def __hash__(self) -> int:
        return hash(self.run)

    def __call__(self, _: Any, keys: Any, *data: Any, seed: Any, **of_seed: Any) -> Any:
        return self.run(keys[seed], *data, **of_seed)


@dataclasses.dataclass(frozen=True)
class _Probe:
    """`probe_accuracy` of one seed; equal settings share one compiled program."""

    num_classes: int
    num_steps: int
    batch_size: int
    learning_rate: float

    def __call__(
        self, key: Any, labels: Any, test_labels: Any, *, train: Any, test: Any
    ) -> Any:
        import jax
        import optax

        from jaxinfo import networks
        from jaxinfo.infomax import LabeledData, probe_accuracy

        # The paper divides the rate by ten twice, and averages the accuracy after that.
        schedule = optax.piecewise_constant_schedule(
            self.learning_rate, {self.num_steps // 4: 0.1, self.num_steps // 2: 0.1}
        )
        return probe_accuracy(
            jax.random.fold_in(key, 2),
            networks.probe_classifier(self.num_classes),
            LabeledData(train, labels),
            LabeledData(test, test_labels),
            optimizer=optax.adam(schedule),
            num_steps=self.num_steps,
            batch_size=min(self.batch_size, len(labels)),
        )
