"""The tests mirror the library: the tests of a module are where one looks for them."""

from pathlib import Path

TESTS = Path(__file__).parent
LIBRARY = TESTS.parent / "jaxinfo"

# Modules without a test file of their own, and where they are tested instead.
TESTED_ELSEWHERE = {
    "adversarial/state.py": "two NamedTuples, made by every step: test_step.py",
    "cli/demo/digit_representations.py": "the whole demo, slow: demo/test_stages.py",
    "cli/terminal.py": "the output of every command: test_estimate.py",
    "divergences/f_divergence.py": "every member of the table: test_family.py",
    "divergences/parametric.py": "members of the table: test_family.py",
    "divergences/scores.py": "the arguments of every bound: test_bounds.py",
    "estimation/cross_fitted/arrays.py": "used by every map: test_marginals.py",
    "estimation/cross_fitted/config.py": "fields of the estimator: test_estimator.py",
    "estimation/cross_fitted/critics.py": "a fitted estimator: test_estimator.py",
    "estimation/cross_fitted/cross_fit.py": "two joint fits: ../test_conditional.py",
    "estimation/keywords.py": "settings of both functions: test_divergence.py",
    "estimation/significance/residuals.py": "the conditional test: test_p_values.py",
    "estimation/significance/statistics.py": "every test: test_p_values.py",
    "estimation/significance/surrogates.py": "every test: test_p_values.py",
    "estimation/variational/bound.py": "every bound of the table: test_registry.py",
    "estimation/variational/fit.py": "both kinds of runs: test_run.py",
    "estimation/variational/scores.py": "every form of bound: test_run.py",
    "information/local_information.py": "every classical estimate: test_classical.py",
    "information/score_matrices.py": "the arguments of every bound: test_bounds.py",
    "reporting/style.py": "constants of the figures: test_estimate_figure.py",
}
# Test files of no single module.
OF_SEVERAL_MODULES = {
    "test_variants.py": "all pure functions of a package, with and without jit",
    "adversarial/test_strict.py": "whole trainings under JAX's strict settings",
    "estimation/test_learning.py": "every bound learns a known value; slow",
    "information/test_classical.py": "laws of all classical estimators",
    "information/test_exact_critic.py": "means of all bounds at the exact critic",
    "networks/test_networks.py": "properties of all bundled networks",
}


def _files(folder, pattern):
    paths = (path.relative_to(folder) for path in folder.rglob(pattern))
    return {path for path in paths if not path.name.startswith("__")}


def _mirror(module):
    return module.with_name(f"test_{module.name}")


def test_every_module_has_a_test_file():
    missing = {
        str(module)
        for module in _files(LIBRARY, "*.py")
        if not (TESTS / _mirror(module)).exists()
    }
    assert missing == set(TESTED_ELSEWHERE)


def test_every_test_file_is_that_of_a_module():
    mirrors = {_mirror(module) for module in _files(LIBRARY, "*.py")}
    packages = {path.name for path in LIBRARY.iterdir() if path.is_dir()}
    others = {
        path
        for path in _files(TESTS, "test_*.py") - mirrors
        if path.parts[0] in packages
    }
    known = {str(p) for p in others} & set(OF_SEVERAL_MODULES)
    known |= {p.name for p in others} & set(OF_SEVERAL_MODULES)
    unknown = {p for p in others if not {str(p), p.name} & known}
    assert not unknown
    assert known == set(OF_SEVERAL_MODULES)


def test_the_named_test_files_exist():
    for module, reason in TESTED_ELSEWHERE.items():
        folder = (TESTS / module).parent
        name = reason.split(": ")[-1]
        found = [folder / name, folder.parent / name]
        assert any(path.exists() for path in found), f"{module}: no {name}"
