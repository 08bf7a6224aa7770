"""The min-max game: a generator against a discriminator that tells a divergence."""

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
from jaxinfo.adversarial.step import Gan, GanInfo, GanState, make_gan
from jaxinfo.adversarial.train import GanRun, train_gan

__all__ = [
    "OBJECTIVES",
    "SOLVERS",
    "Game",
    "Gan",
    "GanInfo",
    "GanRun",
    "GanState",
    "Objective",
    "Penalty",
    "Players",
    "Solver",
    "SolverState",
    "alternating",
    "consensus",
    "dragan",
    "extragradient",
    "f_gan",
    "gradient_penalty",
    "lookahead",
    "make_gan",
    "past_extragradient",
    "r1",
    "r2",
    "simultaneous",
    "symplectic_gradient_adjustment",
    "train_gan",
]
