"""`Variational` and `VariationalDivergence`, estimators by a named bound."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxinfo.core.checks import check_host_key, check_positive
from jaxinfo.core.display import short_repr
from jaxinfo.core.numerics import log_mean_exp
from jaxinfo.core.types import Array, Float, Key, Network, PyTree, as_critic, shown
from jaxinfo.data.containers import Table
from jaxinfo.divergences import FDivergence
from jaxinfo.estimation.density_ratio import DensityRatio
from jaxinfo.estimation.estimate import Estimate
from jaxinfo.estimation.exact_scales import warnings_of_tails
from jaxinfo.estimation.pair_estimator import PairEstimator
from jaxinfo.estimation.preprocessing import (
    is_traced,
    split_rows,
    warn,
)
from jaxinfo.estimation.samples import (
    RowFormat,
    Samples,
    read_rows_of,
    read_two_samples,
    warnings_of_table,
)
from jaxinfo.estimation.train_config import TrainConfig, check_train_config
from jaxinfo.estimation.variational.bound import Bound
from jaxinfo.estimation.variational.divergence_run import (
    DivergenceRun,
    make_divergence_run,
)
from jaxinfo.estimation.variational.encoding import Encoding, warnings_of_levels
from jaxinfo.estimation.variational.fit import (
    Optimizer,
    adam,
    as_network,
    resolve_batch_size,
)
from jaxinfo.estimation.variational.registry import divergence_bound, information_bound
from jaxinfo.estimation.variational.run import InformationRun, make_run
from jaxinfo.estimation.variational.scores import Scorer, as_auxiliary
from jaxinfo.estimation.variational.seeds import Parts, estimate_over_seeds
from jaxinfo.information.scoring import make_blocks, pairwise_scores
from jaxinfo.networks import discriminator as default_discriminator

__all__ = ["Variational", "VariationalDivergence"]

Settings = tuple[tuple[str, float], ...]


def _warnings_of_columns(name: str, table: Table) -> list[str]:
    return [
        *warnings_of_tails(name, table.flat, table.names),
        *warnings_of_levels(name, table),
    ]


def _as_settings(settings: Mapping[str, float] | Settings) -> Settings:
    """Converts settings to a sorted tuple, which is hashable."""
    try:
        pairs = dict(settings)
    except (TypeError, ValueError):
        raise ValueError(
            'settings must be a dict of numbers, such as {"learning_rate": 1e-4}, got '
            f"{shown(settings)}"
        ) from None
    for name, value in pairs.items():
        if callable(value):
            raise ValueError(
                f"settings[{name!r}] must be one number, got function; give a "
                "schedule inside an optimizer, as optimizer=optax.adam(schedule)"
            )
        if isinstance(value, bool) or is_traced(value) or not _is_number(value):
            raise ValueError(
                f"settings[{name!r}] must be one number, got {type(value).__name__} of "
                f"shape {np.shape(value)}; several values are a sweep: "
                "jaxinfo.training.sweep(make_run(...), keys, *parts, settings=...)"
            )
    return tuple(sorted((name, float(value)) for name, value in pairs.items()))


def _is_number(value: Any) -> bool:
    """Whether a value is a number, or an array of one without axes."""
    kind = getattr(value, "dtype", None)
    return isinstance(value, int | float) or (
        kind is not None and np.shape(value) == () and np.issubdtype(kind, np.number)
    )


@dataclasses.dataclass(frozen=True)
class Variational(PairEstimator):
    """Mutual information by a variational bound; a frozen, hashable estimator.

    For several seeds in one compiled call, critics are trained on one part of the rows,
    selected on a second part and reported on a third. Columns of labels with several
    levels enter the critic as one coordinate for each level, because codes have no
    order.

    Source: Belghazi et al., "Mutual information neural estimation", ICML 2018; Poole
        et al., "On variational bounds of mutual information", ICML 2019.

    Attributes:
        bound: a name of `jaxinfo.estimation.BOUNDS`, a member of the f-family, or a
            `Bound`.
        critic: a `Critic`, a `Network` of two inputs or a pair (init, apply); None for
            the bound's default.
        auxiliary: the auxiliary network of a bound that has one; None for its default.
        optimizer: a function such as `optax.adam`, whose keywords are settings, or an
            optax optimizer, which is compiled again for each new object.
        settings: numeric settings of the bound or the optimizer, such as
            `{"clip": 1.0, "learning_rate": 1e-4}`; new values do not compile again.
            `information_bound(name).settings` lists those of a bound.
        negative_sampling: how negatives are sampled in training, see `make_run`.
        num_negatives: negatives of each row in training.
        split: shares of training, validation and test rows.
        train: number of seeds, steps, batch size, patience and layout.

    Notes:
        The interval is for the value that these critics reach. A lower bound is below
        the information if the critic is too small or the rows are too few.

    Example:
        >>> x, e = jax.random.normal(jax.random.key(0), (2, 400, 1))
        >>> estimator = Variational("nwj", train=TrainConfig(num_steps=300))
        >>> estimate = estimator(jax.random.key(1), x, x + e)
        >>> bool(abs(estimate.value - 0.5 * np.log(2)) < 0.2)
        True
    """

    bound: str | FDivergence | Bound = "mine"
    critic: Any = None
    auxiliary: Any = None
    optimizer: Optimizer = adam
    settings: Mapping[str, float] | Settings = ()
    negative_sampling: str | None = None
    num_negatives: int = 4
    split: tuple[float, float, float] = (0.6, 0.2, 0.2)
    train: TrainConfig = TrainConfig()

    __repr__ = short_repr

    def __post_init__(self) -> None:
        object.__setattr__(self, "settings", _as_settings(self.settings))
        object.__setattr__(self, "split", tuple(self.split))
        check_positive(num_negatives=self.num_negatives)
        check_train_config(self.train)
        bound = information_bound(self.bound)
        bound.check_settings(dict(self.settings))
        if self.critic is not None:
            as_critic(self.critic)
        if self.auxiliary is not None:
            as_auxiliary(bound, self.auxiliary)

    @property
    def name(self) -> str:
        """Name of the bound."""
        return information_bound(self.bound).name

    def make_run(self) -> InformationRun:
        """Returns the pure run behind this estimator, for `jit`, `vmap` and sweeps."""
        bound = information_bound(self.bound)
        return make_run(
            bound.critic() if self.critic is None else self.critic,
            bound=bound,
            auxiliary=self.auxiliary,
            optimizer=self.optimizer,
            num_steps=self.train.num_steps,
            batch_size=self.train.batch_size,
            negative_sampling=self.negative_sampling,
            num_negatives=self.num_negatives,
            eval_every=self.train.eval_every,
            patience=self.train.patience,
            report_progress=self.train.shows_progress,
        )

    def estimate(self, key: Key[Array, ""], samples: Samples) -> Estimate:
        """Estimates the mutual information of two variables that were read, nats.

        Returns:
            An `Estimate`; its `density_ratio(x, y)` is the pointwise information.
        """
        (rows_x, rows_y), clusters = samples.rows, samples.clusters
        run, settings = self.make_run(), dict(self.settings)
        split_key, sweep_key = jax.random.split(key)
        parts = split_rows(split_key, len(rows_x), self.split, clusters)
        of_x, of_y = (
            Encoding.fit(table, parts[0]) for table in samples.tables.values()
        )
        train, validation, test = (
            (of_x.apply(rows_x[part]), of_y.apply(rows_y[part])) for part in parts
        )
        block_size = resolve_batch_size(self.train.batch_size, len(parts[0]))
        reference = test[0][:block_size], test[1][:block_size]
        scorer = Scorer(run.bound, as_critic(run.critic), run.auxiliary)
        formats = tuple(RowFormat.of(*item) for item in samples.tables.items())

        def make_density_ratio(params: PyTree, normalizers: Array) -> DensityRatio:
            return InformationDensityRatio(
                params, normalizers, (of_x, of_y), reference, scorer, formats
            )

        num_candidates = make_blocks(len(parts[2]), block_size).rows.shape[1]
        return estimate_over_seeds(
            sweep_key,
            run,
            Parts(train, validation, test),
            settings,
            self.train,
            make_density_ratio=make_density_ratio,
            ceiling=run.bound.ceiling(
                num_candidates, **run.bound.own_settings(settings)
            ),
            quantity="mutual information",
            num_samples=len(rows_x),
            clusters=None if clusters is None else [clusters[parts[2]]],
            warnings=[
                *samples.warnings,
                *(
                    message
                    for name, table in samples.tables.items()
                    for message in _warnings_of_columns(name, table)
                ),
            ],
        )


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["params", "log_normalizers", "scales", "reference"],
    meta_fields=["scorer", "formats"],
)
@dataclasses.dataclass(frozen=True, eq=False)
class InformationDensityRatio(DensityRatio):
    """log p(x, y) / (p(x) p(y)) in nats, averaged over the critics of all seeds.

    Attributes:
        params: parameters of every seed, leading axis [S].
        log_normalizers: log normalizer of every seed, nats, [S].
        scales: encodings of x and of y.
        reference: standardized rows, to normalize critics that are identifiable only up
            to a function of x or y.
        scorer: bound and networks.
        formats: formats of x and y.
    """

    params: PyTree
    log_normalizers: Array
    scales: tuple[Encoding, Encoding]
    reference: tuple[Array, Array]
    scorer: Scorer
    formats: tuple[RowFormat, ...]

    def log_ratio(self, x: Any, y: Any) -> Float[Array, " n"]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Evaluates the pointwise mutual information of each pair of rows, nats.

        Args:
            x: rows of x, [N, ...].
            y: rows of y, [N, ...].

        Returns:
            log p(x, y) / (p(x) p(y)), nats, [N].

        Raises:
            ValueError: if the rows do not have the shapes of the fitted ones.
        """
        x, y = read_rows_of(self.formats, x, y)
        return _information_ratio(
            self, self.scales[0].apply(x), self.scales[1].apply(y)
        )


@jax.jit
def _information_ratio(ratio: InformationDensityRatio, x: Array, y: Array) -> Array:
    scorer, reference = ratio.scorer, ratio.reference

    def of_seed(params: PyTree, constant: Array) -> Array:
        own = scorer.critic_params(params)
        scores = scorer.bound.log_ratio(*scorer.on_joint(params, x, y))
        if scorer.bound.identifiable_up_to == "x":
            others = pairwise_scores(scorer.critic, own, x, reference[1])
            return scores - log_mean_exp(others, axis=1)
        if scorer.bound.identifiable_up_to == "y":  # Such as q(y) = mean_j q(y | x_j).
            others = pairwise_scores(scorer.critic, own, reference[0], y)
            return scores - log_mean_exp(others, axis=0)
        return scores - constant

    return jnp.mean(jax.vmap(of_seed)(ratio.params, ratio.log_normalizers), axis=0)


@dataclasses.dataclass(frozen=True)
class VariationalDivergence:
    """A divergence of two samples by a variational bound; a frozen estimator.

    For several seeds in one compiled call, discriminators are trained on one part of
    the rows of both samples, selected on a second part and reported on a third.

    Source: Nguyen, Wainwright, Jordan, "Estimating divergence functionals", IEEE Trans.
        Information Theory 2010; Nowozin et al., "f-GAN", NeurIPS 2016.

    Attributes:
        bound: None for the tightest bound of the divergence; a name or a `Bound`, see
            `jaxinfo.estimation.divergence_bound`.
        discriminator: a `Network` of one input or a pair (init, apply); None for the
            default MLP.
        optimizer: a function such as `optax.adam`, whose keywords are settings, or an
            optax optimizer.
        settings: numeric settings of the bound or the optimizer.
        split: shares of training, validation and test rows.
        train: number of seeds, steps, batch size, patience and layout.

    Notes:
        The interval is for the bound that these discriminators reach.
    """

    bound: str | Bound | None = None
    discriminator: Any = None
    optimizer: Optimizer = adam
    settings: Mapping[str, float] | Settings = ()
    split: tuple[float, float, float] = (0.6, 0.2, 0.2)
    train: TrainConfig = TrainConfig()

    __repr__ = short_repr

    def __post_init__(self) -> None:
        object.__setattr__(self, "settings", _as_settings(self.settings))
        object.__setattr__(self, "split", tuple(self.split))
        check_train_config(self.train)
        if self.discriminator is not None:
            as_network(self.discriminator)

    def make_run(self, divergence: str | FDivergence = "KL") -> DivergenceRun:
        """Returns the pure run behind this estimator, for `jit`, `vmap` and sweeps."""
        network = self.discriminator
        return make_divergence_run(
            as_network(default_discriminator() if network is None else network),
            divergence=divergence,
            bound=self.bound,
            optimizer=self.optimizer,
            num_steps=self.train.num_steps,
            batch_size=self.train.batch_size,
            eval_every=self.train.eval_every,
            patience=self.train.patience,
            report_progress=self.train.shows_progress,
        )

    def __call__(
        self,
        key: Key[Array, ""],
        samples_p: Any,
        samples_q: Any,
        divergence: str | FDivergence = "KL",
    ) -> Estimate:
        """Estimates D_f(P || Q) = E_q[f(p / q)] in nats.

        Args:
            key: random key.
            samples_p: rows from P, [N, ...] of any trailing shape.
            samples_q: rows from Q, [M, ...] of the same trailing shape.
            divergence: a member of the f-family or its name.

        Returns:
            An `Estimate`; its `density_ratio(samples)` is log p / q.

        Raises:
            ValueError: if an argument does not fit; the message names it.
            TypeError: inside jit or vmap; use `make_divergence_run` there.
        """
        check_host_key(key)
        tables = read_two_samples(samples_p=samples_p, samples_q=samples_q)
        rows_p, rows_q = (table.values for table in tables.values())
        if rows_p.shape[1:] != rows_q.shape[1:]:
            raise ValueError(
                "samples_p and samples_q must have rows of the same shape, got "
                f"{rows_p.shape[1:]} and {rows_q.shape[1:]}"
            )
        quantity, _ = divergence_bound(divergence, self.bound)
        run = self.make_run(divergence)
        key_p, key_q, sweep_key = jax.random.split(key, 3)
        parts_p = split_rows(key_p, len(rows_p), self.split)
        parts_q = split_rows(key_q, len(rows_q), self.split)
        # The same scale for both samples leaves their divergence unchanged.
        both = dataclasses.replace(
            tables["samples_p"], values=np.concatenate([rows_p, rows_q])
        )
        train_rows = np.concatenate([parts_p[0], len(rows_p) + parts_q[0]])
        scale = Encoding.fit(both, train_rows)
        parts = [
            (scale.apply(rows_p[part_p]), scale.apply(rows_q[part_q]))
            for part_p, part_q in zip(parts_p, parts_q, strict=True)
        ]

        row_format = RowFormat.of("samples", tables["samples_p"])

        def make_density_ratio(params: PyTree, normalizers: Array) -> DensityRatio:
            return DivergenceDensityRatio(
                params, normalizers, scale, run.bound, run.discriminator, row_format
            )

        estimate = estimate_over_seeds(
            sweep_key,
            run,
            Parts(*parts),
            dict(self.settings),
            self.train,
            make_density_ratio=make_density_ratio,
            ceiling=float("inf"),
            quantity=quantity,
            num_samples=len(rows_p) + len(rows_q),
            warnings=[
                message
                for name, table in tables.items()
                for message in (
                    *warnings_of_table(name, table),
                    *_warnings_of_columns(name, table),
                )
            ],
        )
        warn(list(estimate.diagnostics.warnings))
        return estimate


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["params", "log_normalizers", "scale"],
    meta_fields=["bound", "discriminator", "format"],
)
@dataclasses.dataclass(frozen=True, eq=False)
class DivergenceDensityRatio(DensityRatio):
    """log p(x) / q(x) in nats, averaged over the discriminators of all seeds.

    Attributes:
        params: parameters of every seed, leading axis [S].
        log_normalizers: log normalizer of every seed, nats, [S].
        scale: encoding of the samples.
        bound: the bound.
        discriminator: the network.
        format: format of the samples.
    """

    params: PyTree
    log_normalizers: Array
    scale: Encoding
    bound: Bound
    discriminator: Network
    format: RowFormat

    def log_ratio(self, samples: Any) -> Float[Array, " n"]:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Evaluates log p(x) / q(x) of each sample, nats.

        Args:
            samples: rows, [N, ...].

        Returns:
            The log density ratio, nats, [N].

        Raises:
            ValueError: if the rows do not have the shape of the fitted ones.
        """
        rows = self.scale.apply(self.format.read(samples))
        return _divergence_ratio(self, rows)


@jax.jit
def _divergence_ratio(ratio: DivergenceDensityRatio, samples: Array) -> Array:
    scores = jax.vmap(ratio.discriminator.apply, (0, None))(ratio.params, samples)
    constants = ratio.log_normalizers[:, None]
    return jnp.mean(ratio.bound.log_ratio(scores) - constants, axis=0)
