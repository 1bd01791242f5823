from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

import activitysmith_jupyter

PACKAGE = "activitysmith_jupyter"
FOLDER = Path(activitysmith_jupyter.__file__).parent

# Imports point one way: each layer may use itself and those above it in this table. A name stands
# for the module, or for the package with all that is in it.
LAYERS = {
    "core": """
        _base_url _durations _fields _links _operations _option_values _outcome _pacing _parts
        _payloads _progress _requests _secret _shares _sheet _smalltext _state_args _states _streams
        _templates exceptions
    """,
    "transport": """
        _courier _delivery _feed _http _key_store _keyring _keywords _line _notices _place
        _private_files _results _roles _say _settings _watchdog _watchdog_child client
    """,
    "feature": """
        _barcard _bargroup _cellcard _claims _fastloop _legs _notify _opencard _preview _relay
        _runtime _wishes activity bar card frames mirroring runners
    """,
    "notebook": """
        _account_commands _card_commands _commands _completion _doctor _embedded _form_commands
        _handcard _magic_args
        _moments _session _static_picture _traits _watching cells cli composer demo magics phone
    """,
}
LAYER_OF = {name: layer for layer, names in LAYERS.items() for name in names.split()}
ORDER = list(LAYERS)

# Surfaces that do not know each other.
APART = [("frames", {"bar", "_barcard", "_fastloop", "mirroring", "_notify", "_cellcard"})]

# What a module may import from elsewhere when it is imported itself; inside a function a feature
# or notebook module may import what it needs there.
THIRD_PARTY = {
    "core": {"attrs"},
    "transport": {"attrs"},
    "feature": {"attrs", "tqdm"},
    "notebook": {"attrs", "IPython", "traitlets", "ipywidgets", "numpy"},
    "emulator": {"attrs", "werkzeug"},
}
ALSO = {
    "_http": {"httpx"},
    "frames": {"narwhals", "platformdirs", "babel"},
    "runners": {"nbclient", "papermill"},
}

# The one way back: a payload that a front end asks for its picture calls the renderer then.
PICTURES = {"_parts": {"card"}}

# What a pure module has no use for: files, clocks, threads, the environment, chance.
IMPURE = {
    *("asyncio", "io", "logging", "os", "queue", "random", "secrets", "shutil", "socket"),
    *("subprocess", "sys", "tempfile", "threading", "time", "uuid", "warnings"),
}


class Import(NamedTuple):
    """One imported module."""

    module: str  # full name of what is imported
    when: str  # "import", "call" or "typing"


def modules() -> dict[str, Path]:
    """Return the package's modules by their name below the package; itself is empty."""
    found = {}
    for path in sorted(FOLDER.rglob("*.py")):
        parts = path.relative_to(FOLDER).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports_of(name: str) -> list[Import]:
    """Return what a module imports, and when."""
    path = MODULES[name]
    package = [PACKAGE, *name.split(".")] if name else [PACKAGE]
    if path.name != "__init__.py":
        package.pop()
    found: list[Import] = []

    def visit(node: ast.AST, when: str) -> None:
        if isinstance(node, ast.Import):
            found.extend(Import(alias.name, when) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{source}.{alias.name}"
                is_module = inner.removeprefix(f"{PACKAGE}.") in MODULES
                found.append(Import(inner if is_module else source, when))
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for child in node.body:
                visit(child, "typing")
            for child in node.orelse:
                visit(child, when)
        else:
            inner_when = "call" if isinstance(node, ast.FunctionDef | ast.Lambda) else when
            for child in ast.iter_child_nodes(node):
                visit(child, inner_when if when != "typing" else when)

    visit(ast.parse(path.read_text(encoding="utf-8")), "import")
    return found


def place_of(name: str) -> str:
    """Return the layer of a module, by its own name or its package's."""
    top = name.partition(".")[0]
    return "emulator" if top == "emulator" else LAYER_OF.get(top, "nowhere")


def ours(name: str) -> list[str]:
    """Return the package's modules that a module imports, whenever it does."""
    found = []
    for each in imports_of(name):
        if each.module.partition(".")[0] == PACKAGE:
            inner = each.module.removeprefix(PACKAGE).removeprefix(".")
            if inner:  # the package itself is a name and a version
                found.append(inner)
    return found


NAMED = [name for name in MODULES if name]


def test_table_has_a_place_for_every_module_and_no_other():
    """A new module is given its layer before it is merged, and a name in the table exists."""
    tops = {name.partition(".")[0] for name in NAMED} - {"emulator"}
    assert sorted(tops - set(LAYER_OF)) == [], "modules without a place in the table"
    assert sorted(set(LAYER_OF) - tops) == [], "places without a module"


@pytest.mark.parametrize("name", [name for name in NAMED if place_of(name) in LAYERS])
def test_module_imports_only_its_own_layer_and_those_above(name):
    """Core knows nobody, transport the core, a feature both, the notebook all."""
    layer = place_of(name)
    allowed = ORDER[: ORDER.index(layer) + 1] + (["emulator"] if layer == "notebook" else [])
    wrong = [other for other in ours(name) if place_of(other) not in allowed]
    late = {each.module for each in imports_of(name) if each.when == "call"}
    pictures = {other for other in PICTURES.get(name, set()) if f"{PACKAGE}.{other}" in late}
    assert set(wrong) == pictures, f"{name} is {layer}"


@pytest.mark.parametrize("name", [name for name in NAMED if place_of(name) == "emulator"])
def test_emulator_shares_no_code_with_the_client(name):
    """A mistake made twice cannot cancel out: only its phone page uses the renderer of cards."""
    foreign = {other.partition(".")[0] for other in ours(name)} - {"emulator"}
    assert foreign <= ({"card"} if name == "emulator._phone" else set())


@pytest.mark.parametrize("name", [name for name in NAMED if place_of(name) != "nowhere"])
def test_module_imports_only_the_libraries_of_its_layer(name):
    """Importing a module loads nothing heavy that its layer has no use for."""
    top = name.partition(".")[0]
    allowed = THIRD_PARTY[place_of(name)] | ALSO.get(top, set())
    loaded = {
        each.module.partition(".")[0]
        for each in imports_of(name)
        if each.when == "import" or (each.when == "call" and place_of(name) == "core")
    }
    assert loaded - sys.stdlib_module_names - {PACKAGE} <= allowed


def test_httpx_is_imported_in_one_place():
    """One seam to the network; all others know it by type annotations alone."""
    importers = {
        name
        for name in NAMED
        for each in imports_of(name)
        if each.module.partition(".")[0] == "httpx" and each.when != "typing"
    }
    assert importers == {"_http"}


@pytest.mark.parametrize(("feature", "others"), APART, ids=[each[0] for each in APART])
def test_surfaces_that_stay_apart_do_not_import_each_other(feature, others):
    """Frames know no bars and bars no frames."""
    for name in NAMED:
        top = name.partition(".")[0]
        used = {other.partition(".")[0] for other in ours(name)}
        if top == feature:
            assert used & others == set(), name
        if top in others:
            assert feature not in used, name


@pytest.mark.parametrize("name", [name for name in NAMED if place_of(name) == "core"])
def test_core_module_is_pure(name):
    """No file, no clock, no environment, no thread: the arguments decide."""
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    assert {each.module.partition(".")[0] for each in imports_of(name)} & IMPURE == set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "pathlib":
            assert all(alias.name.startswith("Pure") for alias in node.names)
        if isinstance(node, ast.Attribute):
            assert node.attr not in {"now", "utcnow", "today"}, ast.unparse(node)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"open", "print", "input"}, ast.unparse(node)


def test_front_imports_at_once_only_what_waits_for_pandas():
    """The front door loads a name's module when the name is first used."""
    at_once = [each.module for each in imports_of("") if each.when == "import"]
    assert [name for name in at_once if "." in name] == ["activitysmith_jupyter.frames._accessors"]
