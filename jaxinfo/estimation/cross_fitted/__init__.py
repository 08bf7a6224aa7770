"""The default estimator of mutual information, `CrossFitted`.

Each module is one stage; the stages follow each other in this order:

1. `folds`: the rows are split into folds. Every row is held out exactly once.
2. `marginals`, `labels`: each variable alone gives normal scores and one-hot labels.
3. `canonical`, `expansion`: linear maps pair up coordinates that are correlated.
4. `base_densities`, `selection`: a closed-form log density ratio is fitted to each fold.
5. `fold_maps`: every row becomes features and the base density's sufficient statistics.
6. `critics`: networks correct the base density; all of them train in one compiled sweep.
7. `combination`: validation rows weight the critics of a fold and clip their scores.
8. `correction`: held-out and training bounds give the value, its bias and its interval.

`cross_fit` runs the stages for one pair of variables, `estimator` turns the result into
an `Estimate` and `density_ratio` into a function of new rows. Every number that the
stages use is a field of the frozen `CrossFittedConfig`, from which `CrossFitted`
derives. The p-value is computed in `jaxinfo.estimation.significance`.
"""

from jaxinfo.estimation.cross_fitted.config import CriticKind, CrossFittedConfig
from jaxinfo.estimation.cross_fitted.density_ratio import CrossFittedDensityRatio
from jaxinfo.estimation.cross_fitted.estimator import CrossFitted, estimate_difference

__all__ = [
    "CriticKind",
    "CrossFitted",
    "CrossFittedConfig",
    "CrossFittedDensityRatio",
    "estimate_difference",
]
