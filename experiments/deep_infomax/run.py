"""Deep InfoMax and its baselines, judged by what probes read from three taps."""

import dataclasses
import functools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, cast

from experiments.deep_infomax.config import (
    DATASETS,
    PRESETS,
    Config,
    Preset,
    preset_of,
)
from experiments.deep_infomax.show import plot_results
from experiments.folder import block_of, cell, refuse, run_settings
from jaxinfo.cli import prepare_jax

__all__ = ["Config", "main"]

# Parts of a training: after each the codes are probed and a checkpoint is written.
NUM_PARTS = 5
# Test images whose codes are drawn.
NUM_DRAWN = 1_000
# Images encoded in one call.
CHUNK = 500
TAPS = ("conv", "fc", "y")
# What a smoke run judges where nothing is named.
SMOKED = ("local_jsd", "raw_pixels")


class _Data(NamedTuple):
    """Pixels from 0 to 255, [N, H, W, C], and classes, [N]."""

    train: Any
    train_labels: Any
    test: Any
    test_labels: Any


def _load(config: Config, preset: Preset) -> _Data:
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
    return _Data(
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


# One method ------------------------------------------------------------------------


class _Study:
    """A method on data: pure programs of one seed, laid out over all."""

    def __init__(self, name: str, config: Config, preset: Preset, data: _Data):
        import jax

        from experiments.deep_infomax.methods import METHODS, Parts

        self.config, self.preset, self.data = config, preset, data
        self.num_classes = int(data.train_labels.max()) + 1
        self.parts = Parts(
            preset, data.train.shape[1:], self.num_classes, config.normalization
        )
        self.method = METHODS[name](self.parts)
        self.keys = jax.random.split(jax.random.key(0), config.num_seeds)
        self.cadence = block_of(preset.num_steps, NUM_PARTS)

    def over_seeds(self, run: Callable[..., Any], *data: Any, **of_seeds: Any) -> Any:
        """`run(key, *data, **of_seed)` for every seed, in one program."""
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
        """The state after one part more."""
        data = self.data
        return self.over_seeds(self._train, data.train, data.train_labels, state=state)

    def _train(self, key: Any, images: Any, labels: Any, *, state: Any) -> Any:
        import jax

        from jaxinfo.training import sample_rows, train_in_blocks

        def draw(key: jax.Array) -> tuple[jax.Array, jax.Array]:
            rows = sample_rows(key, len(images), self.preset.batch_size)
            return images[rows], labels[rows]

        assert self.method.step is not None
        for_steps, for_looks = jax.random.split(jax.random.fold_in(key, 1))
        return train_in_blocks(
            for_steps,
            for_looks,
            state,
            draw=draw,
            step=self.method.step,
            num_steps=self.cadence,
            cadence=self.cadence,
        ).state

    def encode(self, state: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Features of training and of test images by tap, of all seeds: [S, N, ...]."""
        import jax
        import jax.numpy as jnp

        # Together: one program for both.
        images = jnp.concatenate([self.data.train, self.data.test])
        found, cut = (
            self.over_seeds(self._encode, images, state=state),
            len(self.data.train),
        )
        train = jax.tree.map(lambda x: x[:, :cut], found)
        return train, jax.tree.map(lambda x: x[:, cut:], found)

    def _encode(self, key: Any, images: Any, *, state: Any) -> dict[str, Any]:
        import jax

        del key

        def one(image: jax.Array) -> dict[str, jax.Array]:
            return jax.tree.map(lambda x: x[0], self.method.encode(state, image[None]))

        return jax.lax.map(one, images, batch_size=CHUNK)

    def probe(self, train: Any, test: Any, num_steps: int) -> Any:
        """The accuracy of a probe of features [S, N, ...], percent, [S]."""
        run = _probe(
            self.num_classes,
            num_steps,
            self.preset.batch_size,
            self.preset.probe_rate,
        )
        labels = self.data.train_labels, self.data.test_labels
        return self.over_seeds(run, *labels, train=train, test=test)


class _Chosen:
    """A run that takes its own key among those of all seeds: equal for equal runs."""

    def __init__(self, run: Callable[..., Any]):
        self.run = run

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Chosen) and self.run == other.run

    def __hash__(self) -> int:
        return hash(self.run)

    def __call__(self, _: Any, keys: Any, *data: Any, seed: Any, **of_seed: Any) -> Any:
        return self.run(keys[seed], *data, **of_seed)


# The same object for equal arguments, so that nothing is traced anew.
@functools.lru_cache(maxsize=8)
def _probe(
    num_classes: int, num_steps: int, batch_size: int, learning_rate: float
) -> Callable[..., Any]:
    import jax
    import optax

    from jaxinfo import networks
    from jaxinfo.infomax import Labelled, probe_accuracy

    # The paper divides the rate by ten twice, and averages over what comes after.
    schedule = optax.piecewise_constant_schedule(
        learning_rate, {num_steps // 4: 0.1, num_steps // 2: 0.1}
    )

    def run(
        key: jax.Array, labels: Any, test_labels: Any, *, train: Any, test: Any
    ) -> jax.Array:
        return probe_accuracy(
            jax.random.fold_in(key, 2),
            networks.probe_classifier(num_classes),
            Labelled(train, labels),
            Labelled(test, test_labels),
            optimizer=optax.adam(schedule),
            num_steps=num_steps,
            batch_size=min(batch_size, len(labels)),
        )

    return run


def _run_method(
    name: str, config: Config, preset: Preset, data: _Data
) -> tuple[dict[str, Any], Any]:
    """Records of all seeds, and the first one's codes of test images."""
    import jax
    import numpy as np

    from jaxinfo.results import mean_and_sd

    started = time.perf_counter()
    study = _Study(name, config, preset, data)
    state, curve, seconds = _train_in_parts(study, config.out / "checkpoints" / name)
    train, test = study.encode(state)
    accuracy = {
        tap: np.asarray(
            study.probe(train[tap], test[tap], preset.probe_steps), float
        ).tolist()
        for tap in TAPS
        if tap in train
    }
    metrics = {f"{tap}_accuracy": found for tap, found in accuracy.items()}
    if config.further:
        metrics |= _judge_further(study, train["y"], test["y"])
    records = [
        {
            "setting": name,
            "seed": seed,
            **{metric: found[seed] for metric, found in metrics.items()},
            "curve": [part[seed] for part in curve],
        }
        for seed in range(config.num_seeds)
    ]
    told = {
        "records": records,
        "summary": {metric: mean_and_sd(found) for metric, found in metrics.items()},
        "seconds": time.perf_counter() - started,
        "images_per_second": seconds and _num_images(config, preset) / seconds,
    }
    return told, jax.device_get(test["y"][0, :NUM_DRAWN])


def _judge_further(study: _Study, train: Any, test: Any) -> dict[str, list[float]]:
    """What the other probes find in codes [S, N, D], seed by seed."""
    import jax

    from experiments.deep_infomax.probes import FURTHER, judge_further

    decoder = study.parts.decoder()
    found = [
        judge_further(jax.random.fold_in(key, 3), seen, unseen, study.data, decoder)
        for key, seen, unseen in zip(study.keys, train, test, strict=True)
    ]
    return {name: [one[name] for one in found] for name in FURTHER}


def _num_images(config: Config, preset: Preset) -> int:
    """That all seeds see in the parts after the first, which compiles."""
    share = (NUM_PARTS - 1) / NUM_PARTS
    return round(share * preset.num_steps * preset.batch_size * config.num_seeds)


def _train_in_parts(
    study: _Study, folder: Path
) -> tuple[Any, list[list[float]], float | None]:
    """The last state, accuracies of the code before and after each part, seconds.

    The seconds are of the parts after the first; None where it went on from a
    checkpoint, or nothing was trained.
    """
    import jax
    import numpy as np

    from jaxinfo.training import read_info, restore_checkpoint, save_checkpoint

    def look(state: Any) -> list[float]:
        train, test = study.encode(state)
        accuracy = study.probe(train["y"], test["y"], study.preset.look_steps)
        return np.asarray(accuracy, float).tolist()

    state = study.start()
    if study.method.step is None:
        return state, [], None
    curve, seconds, first = [], [], 0
    if folder.exists():
        state, curve = restore_checkpoint(folder, state), read_info(folder)["curve"]
        first = len(curve) - 1
    else:
        curve = [look(state)]
    for part in range(first, NUM_PARTS):
        started = time.perf_counter()
        state = jax.block_until_ready(study.train(state))
        seconds.append(time.perf_counter() - started)
        curve.append(look(state))
        save_checkpoint(
            folder,
            state,
            step=(part + 1) * study.cadence,
            info={"curve": curve},
            num_kept=1,
        )
    return state, curve, sum(seconds[1:]) if first == 0 else None


def _lines(done: dict[str, Any]) -> list[list[str]]:
    from experiments.deep_infomax.probes import FURTHER

    summaries = [told["summary"] for told in done.values()]
    further = [name for name in FURTHER if name in summaries[0]]
    headings = ["setting", "conv, %", "fc, %", "Y, %", "images a second", "s"]
    lines = [headings + [f"{name} {FURTHER[name]}".strip() for name in further]]
    for name, told in done.items():
        summary, rate = told["summary"], told["images_per_second"]
        cells = [
            cell(summary[f"{tap}_accuracy"], 2) if f"{tap}_accuracy" in summary else ""
            for tap in TAPS
        ]
        speed = "" if rate is None else f"{rate:,.0f}"
        lines.append([name, *cells, speed, f"{told['seconds']:.0f}"])
        lines[-1] += [cell(summary[metric], 3) for metric in further]
    return lines


def main() -> None:
    """Trains by every method, one after the other, and prints the table."""
    import tyro

    config = tyro.cli(Config, description="Deep InfoMax, judged by probes.")
    if config.smoke:
        config = dataclasses.replace(config, num_seeds=min(config.num_seeds, 2))
    prepare_jax()
    from experiments.deep_infomax.methods import METHODS
    from jaxinfo.core.checks import check_one_of, check_positive
    from jaxinfo.results import check_new_folder

    known = SMOKED if config.smoke else METHODS
    methods = config.settings.split(",") if config.settings else list(known)
    try:
        check_one_of(DATASETS, dataset=config.dataset)
        check_one_of(PRESETS, setting=config.setting)
        check_positive(num_seeds=config.num_seeds)
        for name in methods:
            check_one_of(METHODS, settings=name)
        preset = preset_of(config)
        block_of(preset.num_steps, NUM_PARTS)
        check_new_folder(config.out)
        data = _load(config, preset)
        _Study(methods[0], config, preset, data)
    except ValueError as error:
        refuse(error)
    told = dataclasses.asdict(config) | {
        "num_steps": preset.num_steps,
        "num_train": len(data.train),
        "num_test": len(data.test),
        "num_probe_steps": preset.probe_steps,
    }
    for name in ("out", "settings", "data_dir", "layout"):
        del told[name]
    run_settings(
        config.out,
        "deep_infomax",
        told,
        methods,
        lambda name: _run_method(name, config, preset, data),
        _lines,
        functools.partial(
            plot_results, data.test[:NUM_DRAWN], data.test_labels[:NUM_DRAWN]
        ),
    )
