"""GANs: min-max games of a generator and a discriminator that bounds a divergence."""

from jaxinfo.adversarial.checkpoint import restore_gan, save_gan
from jaxinfo.adversarial.distances import (
    Neighborhoods,
    compare_neighborhoods,
    frechet_distance,
    kernel_distance,
)
from jaxinfo.adversarial.metrics import (
    LabelCounts,
    ModeReport,
    choose_bandwidth,
    count_labels,
    count_modes,
    parzen_log_likelihood,
)
from jaxinfo.adversarial.objectives import OBJECTIVES, Objective, f_gan
from jaxinfo.adversarial.penalties import Penalty, dragan, gradient_penalty, r1, r2
from jaxinfo.adversarial.solvers import (
    SOLVERS,
    Game,
    Players,
    Solver,
    SolverState,
    alternating,
    consensus,
    extragradient,
    lookahead,
    past_extragradient,
    simultaneous,
    symplectic_gradient_adjustment,
)
from jaxinfo.adversarial.state import GanInfo, GanState
from jaxinfo.adversarial.step import Gan, make_gan
from jaxinfo.adversarial.train import train_gan

__all__ = [
    "OBJECTIVES",
    "SOLVERS",
    "Game",
    "Gan",
    "GanInfo",
    "GanState",
    "LabelCounts",
    "ModeReport",
    "Neighborhoods",
    "Objective",
    "Penalty",
    "Players",
    "Solver",
    "SolverState",
    "alternating",
    "choose_bandwidth",
    "compare_neighborhoods",
    "consensus",
    "count_labels",
    "count_modes",
    "dragan",
    "extragradient",
    "f_gan",
    "frechet_distance",
    "gradient_penalty",
    "kernel_distance",
    "lookahead",
    "make_gan",
    "parzen_log_likelihood",
    "past_extragradient",
    "r1",
    "r2",
    "restore_gan",
    "save_gan",
    "simultaneous",
    "symplectic_gradient_adjustment",
    "train_gan",
]
