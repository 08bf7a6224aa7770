"""How every module reads: the import order, signatures, docstrings, files."""

import ast
import importlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LIBRARY = ROOT / "jaxinfo"

# A module imports its own package and the packages before it (the list in BUILD.md).
PACKAGES = [
    "core",
    "divergences",
    "networks",
    "training",
    "data",
    "information",
    "tasks",
    "adversarial",
    "estimation",
    "infomax",
    "benchmark",
    "reporting",
    "cli",
]
# `Estimate.plot` draws, so it imports the package of figures when it is called.
MAY_IMPORT_LATER = {("jaxinfo.estimation.estimate", "reporting")}
CORE_MAY_IMPORT = {"jax", "jaxtyping", "chex", "numpy", "jaxinfo"}
NETWORKS_IMPORTERS = {"networks", "estimation", "cli", "__init__"}
OPTIONAL = {"matplotlib", "rich", "tyro", "pandas", "sklearn", "tensorflow_datasets"}
OPTIONAL |= {"PIL", "orbax", "torch"}
# Packages that need the extra `cli`.
USES_CLI_EXTRA = {"cli", "reporting"}
# Positional although they have defaults: they belong to the data beside them.
DATA_DEFAULTS = {"where", "where_p", "where_q", "axis"}


# What there is -------------------------------------------------------------------


def _modules(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*.py") if "__pycache__" not in p.parts)


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_name(path): path for path in _modules(LIBRARY)}
TREES = {name: ast.parse(path.read_text()) for name, path in MODULES.items()}
each_module = pytest.mark.parametrize("name", MODULES)


def _package(name: str) -> str:
    """The package of a module; "__init__" for the top level."""
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def _imports(name: str, *, module_level: bool = False) -> Iterator[str]:
    """Dotted names that a module imports, `from a import b` read as a.b."""
    package = name.split(".")
    if MODULES[name].name != "__init__.py":
        package = package[:-1]
    nodes = list(ast.walk(TREES[name]))
    if module_level:
        inner = {
            id(node)
            for function in nodes
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
            for node in ast.walk(function)
        }
        nodes = [node for node in nodes if id(node) not in inner]
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = [*base, *([node.module] if node.module else [])]
            yield from (".".join([*base, alias.name]) for alias in node.names)


def _packages_imported(name: str) -> set[str]:
    """Packages of jaxinfo that a module imports; "__init__" is the top level."""
    packages = set()
    for target in _imports(name):
        parts = target.split(".")
        if parts[0] == "jaxinfo":
            known = len(parts) > 1 and any(
                _package(module) == parts[1] for module in TREES
            )
            packages.add(parts[1] if known else "__init__")
    return packages


def _all(name: str) -> list[str] | None:
    """The literal `__all__` of a module; None where it, or the module, is missing."""
    for node in TREES[name].body if name in TREES else []:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if any(isinstance(t, ast.Name) and t.id == "__all__" for t in targets):
            return ast.literal_eval(node.value)
    return None


def _is_exported(name: str, entry: str) -> bool:
    """Whether the package of a module exports this name."""
    return entry in (_all(f"jaxinfo.{_package(name)}") or [])


def _listed(kind: type, *, exported: bool = False) -> list:
    """Definitions in their modules' `__all__`, or only what the packages export."""
    return [
        pytest.param(name, node, id=f"{name}.{node.name}")
        for name, tree in TREES.items()
        for node in tree.body
        if isinstance(node, kind)
        and node.name in (_all(name) or [])
        and (_is_exported(name, node.name) or not exported)
    ]


def _functions() -> list:
    """Every function of the library, private and nested ones included."""
    return [
        pytest.param(node, id=f"{name}.{node.name}:{node.lineno}")
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    ]


each_listed = pytest.mark.parametrize(
    ("name", "definition"), _listed(ast.FunctionDef) + _listed(ast.ClassDef)
)
each_listed_function = pytest.mark.parametrize(
    ("name", "function"), _listed(ast.FunctionDef)
)
each_public_function = pytest.mark.parametrize(
    ("name", "function"), _listed(ast.FunctionDef, exported=True)
)
each_public_class = pytest.mark.parametrize(
    ("name", "class_"), _listed(ast.ClassDef, exported=True)
)


def _arguments(function: ast.FunctionDef) -> list[ast.arg]:
    spec = function.args
    named = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs]
    return [*named, *(arg for arg in (spec.vararg, spec.kwarg) if arg)]


def _defaults(function: ast.FunctionDef) -> dict[str, tuple[ast.expr, int]]:
    """Default and position (-1: keyword-only) of each argument that has a default."""
    spec = function.args
    positional = [*spec.posonlyargs, *spec.args]
    first = len(positional) - len(spec.defaults)
    found = {
        positional[first + i].arg: (default, first + i)
        for i, default in enumerate(spec.defaults)
    }
    for arg, default in zip(spec.kwonlyargs, spec.kw_defaults, strict=True):
        if default is not None:
            found[arg.arg] = (default, -1)
    return found


def _docstring_of(name: str, function: str) -> str:
    """Docstring of a function in this module; empty where there is none."""
    bodies = (node for node in TREES[name].body if isinstance(node, ast.FunctionDef))
    return next((ast.get_docstring(f) or "" for f in bodies if f.name == function), "")


def _documented(docstring: str, section: str) -> set[str]:
    """Names that a section of a Google-style docstring explains."""
    lines = docstring.splitlines()
    starts = [i for i, line in enumerate(lines) if line.strip() == f"{section}:"]
    if not starts:
        return set()
    outer = len(lines[starts[0]]) - len(lines[starts[0]].lstrip())
    names, depth = set(), None
    for line in lines[starts[0] + 1 :]:
        indent = len(line) - len(line.lstrip())
        if line.strip() and indent <= outer:
            break
        depth = indent if depth is None and line.strip() else depth
        match = re.match(r"([*\w, ]+?)(?: \([^)]*\))?:", line.strip())
        if match and indent == depth:
            names |= {part.strip(" *") for part in match[1].split(",")}
    return names


# The import order ----------------------------------------------------------------


def test_every_package_has_its_place():
    packages = {p.parent.name for p in LIBRARY.glob("*/*.py")}
    assert packages == set(PACKAGES), "list the package here and in BUILD.md"
    assert {f"jaxinfo.{package}" for package in packages} <= set(MODULES)
    assert {p.name for p in LIBRARY.glob("*.py")} == {"__init__.py"}


@each_module
def test_imports_go_down_the_list_only(name):
    package = _package(name)
    if package not in PACKAGES:
        return
    before = set(PACKAGES[: PACKAGES.index(package) + 1])
    later = _packages_imported(name) - before
    later -= {other for module, other in MAY_IMPORT_LATER if module == name}
    assert not later, f"{package} must not import {later}"


@each_module
def test_networks_alone_knows_flax(name):
    packages = {target.split(".")[0] for target in _imports(name)}
    assert "flax" not in packages or _package(name) == "networks"
    if _package(name) == "core":
        standard = set(sys.stdlib_module_names)
        assert packages <= CORE_MAY_IMPORT | standard


@each_module
def test_few_packages_know_networks(name):
    assert (
        "networks" not in _packages_imported(name)
        or _package(name) in NETWORKS_IMPORTERS
    )


@each_module
def test_optional_packages_are_imported_where_they_are_used(name):
    packages = {t.split(".")[0] for t in _imports(name, module_level=True)}
    assert not packages & OPTIONAL or _package(name) in USES_CLI_EXTRA


# Public lists --------------------------------------------------------------------


@each_module
def test_all_resolves(name):
    listed = _all(name)
    if listed is None:
        statements = TREES[name].body
        only_a_docstring = len(statements) == 1 and ast.get_docstring(TREES[name])
        assert only_a_docstring or name.endswith("__main__"), "no __all__"
        return
    module = importlib.import_module(name)
    assert len(set(listed)) == len(listed)
    assert [entry for entry in listed if not hasattr(module, entry)] == []
    private = [entry for entry in listed if entry.startswith("_")]
    assert not set(private) - {"__version__"}


@each_module
def test_module_says_what_it_holds(name):
    assert ast.get_docstring(TREES[name])


def test_public_list():
    daily = {"estimate_mutual_information", "estimate_divergence", "Estimate"}
    listed = set(importlib.import_module("jaxinfo").__all__)
    assert listed >= daily | (set(PACKAGES) - {"cli"}) | {"__version__"}
    for package in set(PACKAGES) - {"cli"}:
        assert _all(f"jaxinfo.{package}"), f"{package}/__init__.py exports nothing"


# Signatures and docstrings -------------------------------------------------------


@each_listed
def test_docstring(name, definition):
    docstring = ast.get_docstring(definition)
    assert docstring, "no docstring"
    first, *rest = docstring.splitlines()
    assert first.endswith("."), "the first line is one whole sentence"
    assert not rest or not rest[0], "a blank line after the first"


@each_listed_function
def test_annotations(name, function):
    bare = [arg.arg for arg in _arguments(function) if arg.annotation is None]
    assert not bare, f"no annotation on {bare}"
    assert function.returns is not None, "no annotation on what is returned"


@each_public_function
def test_arguments_are_explained(name, function):
    wanted = {arg.arg for arg in _arguments(function)}
    docstring = ast.get_docstring(function) or ""
    # One of a family may point at its sibling: "as `other`, with its arguments".
    sibling = re.search(r"as `(\w+)`,\s+with\s+its\s+arguments", docstring)
    known = _documented(docstring, "Args")
    if sibling:
        known |= _documented(_docstring_of(name, sibling[1]), "Args") & wanted
    assert wanted <= known, f"Args: lacks {sorted(wanted - known)}"
    assert known <= wanted, f"Args: {sorted(known - wanted)} are no arguments"


@each_public_class
def test_attributes_are_explained(name, class_):
    fields = {
        node.target.id
        for node in class_.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    public = {field for field in fields if not field.startswith("_")}
    known = _documented(ast.get_docstring(class_) or "", "Attributes")
    assert public <= known, f"Attributes: lacks {sorted(public - known)}"


@each_public_function
def test_settings_are_keyword_only(name, function):
    # A maker may be told its structure first and has a usual one: joint_critic().
    loose = {
        arg
        for arg, (_, position) in _defaults(function).items()
        if position > 0 and arg not in DATA_DEFAULTS
    }
    assert not loose, f"{sorted(loose)} have defaults and may be given by position"


@each_public_function
def test_key_comes_first_in_public(name, function):
    positional = [arg.arg for arg in [*function.args.posonlyargs, *function.args.args]]
    if "key" in [arg.arg for arg in _arguments(function)]:
        assert positional[:1] == ["key"]
    if function.name.startswith("exact_"):
        assert "key" not in positional, "a closed form has no randomness"


@pytest.mark.parametrize("function", _functions())
def test_randomness_is_given(function):
    default = _defaults(function).get("key")
    assert default is None, "a key has no default: the caller owns the randomness"
    if function.name.startswith("sample_"):
        arguments = [arg.arg for arg in _arguments(function) if arg.arg != "self"]
        assert arguments[:1] == ["key"]


@each_public_function
def test_bounds_name_their_source(name, function):
    if _package(name) in ("divergences", "information") and function.name.endswith(
        "_bound"
    ):
        docstring = ast.get_docstring(function) or ""
        assert "Source:" in docstring
        assert "nats" in docstring


# Files ---------------------------------------------------------------------------


def _tracked() -> list[Path]:
    """Files that git tracks or would track; without git, those beside the code."""
    if shutil.which("git") and (ROOT / ".git").exists():
        listing = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        paths = [ROOT / entry for entry in listing.split("\0") if entry]
    else:
        folders = [LIBRARY, ROOT / "tests", ROOT / "experiments"]
        paths = [p for folder in folders for p in _modules(folder)]
        paths += [*ROOT.glob("*.md"), *ROOT.glob("*.toml"), *ROOT.glob("*.txt")]
    return [path for path in paths if path.is_file()]


# Written so that no pattern matches itself.
MACHINE_BOUND = {
    "a path of one machine": r"(?<![\w.~])/(?:root|work|Users|home/\w+|opt/\w+)/",
    "a package index": r"https?://[^\s\"'`)]*/simple\b|pypi\.(?:org)/simple",
    "a package index option": r"--(?:extra-)?(?:index)-url|--(?:find)-links",
}


def test_files_are_bound_to_no_machine():
    found = []
    for path in _tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        for what, pattern in MACHINE_BOUND.items():
            found += [
                f"{path.relative_to(ROOT)}: {what}: {match[0]}"
                for match in re.finditer(pattern, text)
            ]
    assert not found


def test_constraints_are_names_and_versions():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    pin = r"[\w.-]+==[\w.]+( ; python_version (<|>=) \"3\.\d+\")?"
    assert [line for line in pins if not re.fullmatch(pin, line)] == []
    assert not any(line.startswith("torch") for line in pins)


DOCUMENTS = [p for p in (ROOT / "README.md", ROOT / "BUILD.md") if p.exists()]
each_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: p.name)


def _code(text: str) -> str:
    """What a document sets in code, prose left out."""
    fenced = re.findall(r"```.*?```", text, flags=re.DOTALL)
    return "\n".join([*fenced, *re.findall(r"`[^`\n]+`", text)])


@each_document
def test_documents_name_what_exists(path):
    code = _code(path.read_text())
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))
    named = set(re.findall(r"\bmake ((?:[a-z]+-)*[a-z]+)\b", code))
    assert named <= targets, f"no target {sorted(named - targets)}"
    for experiment in re.findall(r"-m experiments\.(\w+)", code):
        module = ROOT / "experiments" / experiment
        assert module.is_dir() or module.with_suffix(".py").is_file(), experiment


def test_build_lists_every_package_in_order():
    text = (ROOT / "BUILD.md").read_text()
    drawn = re.findall(r"^  (\w+)/ .*$", text, flags=re.MULTILINE)
    assert drawn == PACKAGES


# Names in docstrings -------------------------------------------------------------

# Names of other libraries and words that docstrings set in backticks.
OTHERS = {"jit", "vmap", "grad", "shard_map", "scan", "map", "print", "True", "pip"}


def _docstrings(tree: ast.Module) -> Iterator[str]:
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    for node in ast.walk(tree):
        if isinstance(node, kinds) and (docstring := ast.get_docstring(node)):
            yield docstring


def _identifiers(tree: ast.Module) -> set[str]:
    """Every name, argument, attribute, keyword and string of a module."""
    found = set()
    for node in ast.walk(tree):
        for field in ("id", "arg", "attr", "name"):
            value = getattr(node, field, None)
            if isinstance(value, str):
                found.add(value)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
        if isinstance(node, ast.alias):
            found |= {node.name.split(".")[-1], node.asname or ""}
    return found


MODULE_NAMES = {name.split(".")[-1] for name in MODULES}
KNOWN = set().union(OTHERS, MODULE_NAMES, *map(_identifiers, TREES.values()))


def _resolves(dotted: str) -> bool:
    parts = dotted.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:end]))
        except ImportError:
            continue
        for part in parts[end:]:
            if part in getattr(found, "__dataclass_fields__", {}):
                return True
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


@each_module
def test_names_in_docstrings_exist(name):
    """`jaxinfo.a.b` must resolve; a plain name must occur in the library."""
    missing = set()
    for docstring in _docstrings(TREES[name]):
        prose = re.sub(r"^ *(>>>|\.\.\.).*$", "", docstring, flags=re.MULTILINE)
        for quoted in re.findall(r"(?<!`)`([A-Za-z_][\w.]*)(?:\([^`]*\))?`", prose):
            if quoted.split(".")[-1] in KNOWN and not quoted.startswith("jaxinfo."):
                continue
            if not _resolves(quoted):
                missing.add(quoted)
    assert not missing


# Words ---------------------------------------------------------------------------

# Words of an earlier vocabulary, and the field's own.
OLD_WORDS = {
    r"laws?(?! of large numbers)": "distribution",
    r"recipes?": "default estimator",
    r"rooms?|roof": "package or module",
    r"cadence": "eval_every",
    r"told": "metrics",
    r"slopes?": "gradient",
    r"companions?": "auxiliary network or baseline",
    r"pairings?|product pairs?": "negatives, negative sampling",
    r"free_up_to": "identifiable_up_to",
    r"admits?|admitted": "validate or check",
    r"doubts?": "warnings",
    r"second opinion": "nearest-neighbor correction",
    r"waves?": "Fourier features",
    r"lift(s|ed)?": "feature expansion",
    r"perceptrons?": "MLP",
    r"has_offsets": "use_bias",
    r"average_decay": "ema_decay",
    r"zero_start": "zero_init",
    r"Labelled": "LabeledData",
    r"probe_support_vectors": "linear_svm_probe",
    r"normalisers?|optimisers?|neighbours?": "American spelling",
}
WRITTEN = [*_modules(LIBRARY), *_modules(ROOT / "experiments")]
WRITTEN += [ROOT / "README.md", ROOT / "BUILD.md"]


@pytest.mark.parametrize("path", WRITTEN, ids=lambda p: str(p.relative_to(ROOT)))
def test_words_are_the_fields(path):
    text = path.read_text()
    found = {
        match[0]: word
        for old, word in OLD_WORDS.items()
        for match in re.finditer(rf"\b(?:{old})\b", text, flags=re.IGNORECASE)
    }
    assert not found, "old word -> the field's"
