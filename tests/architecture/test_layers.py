"""Imports point down only, over the layers of `docs/design.md`."""

from pathlib import Path

import pytest

from tests.architecture.source_tree import SOURCE, imports, modules

# Lowest first. A line is a layer; its names are modules and packages directly below holdfast. Several strings
# in a layer are siblings, which do not know each other.
LAYERS = (
    (
        "values",
        (
            (
                "errors names keys sources contents peeking checksums objects object_settings schemes disposition "
                "inspection rules signed_urls tokens multipart_forms tracked rowvalue late_patterns"
            ),
        ),
    ),
    ("drivers", ("drivers",)),
    ("storage", ("backends",)),
    ("files", ("admission file file_forms file_schema file_signing file_value registry saving config claim",)),
    ("features", ("orm", "serving", "uploads", "derivatives")),
    ("maintenance", ("maintenance",)),
    ("edges", ("holdfast cli contrib testing",)),  # `holdfast` is its __init__.py
)

# module -> (height, sibling, name of the layer)
PLACES = {
    module: (height, siblings, layer)
    for height, (layer, groups) in enumerate(LAYERS)
    for siblings in groups
    for module in siblings.split()
}


def place(module: str) -> tuple[int, str, str]:
    """Return where a module stands."""
    name = [*module.split("."), module][1]
    assert name in PLACES, f"place {name} in LAYERS, in {__file__}"
    return PLACES[name]


def unplaced(root: Path = SOURCE) -> list[str]:
    """Return the modules that the table does not know."""
    names = {[*module.split("."), module][1] for module in modules(root)}
    return sorted(names - PLACES.keys())


def violations(root: Path = SOURCE) -> list[str]:
    """Return a sentence for each import that points up or sideways."""
    known = modules(root)
    found = []
    for module in known:
        height, siblings, layer = place(module)
        for target in sorted(imports(module, known)):
            if target.partition(".")[0] == root.name and target != module:
                other_height, other_siblings, other_layer = place(target)
                if other_height > height or (other_height == height and other_siblings != siblings):
                    found.append(f"{module} ({layer}) imports {target} ({other_layer})")
    return found


def users_of_sqlalchemy(root: Path = SOURCE) -> list[str]:
    """Return the modules below the ORM's layer that import SQLAlchemy."""
    known = modules(root)
    return [
        module
        for module in known
        if place(module)[0] < PLACES["orm"][0]
        and any(target.partition(".")[0] == "sqlalchemy" for target in imports(module, known))
    ]


def test_every_module_has_a_place() -> None:
    """A new module or package is put into a layer by whoever adds it."""
    assert not unplaced(), f"place {unplaced()} in LAYERS, in {__file__}"


def test_imports_point_down() -> None:
    """No module knows one of a higher layer, and siblings do not know each other."""
    assert violations() == []


def test_sqlalchemy_starts_at_the_orm() -> None:
    """Values, drivers, storages and files are usable, and testable, without a database."""
    assert users_of_sqlalchemy() == []


def write_tree(folder: Path, files: dict[str, str]) -> Path:
    """Write a small package named holdfast and return its root."""
    root = folder / "holdfast"
    for name, text in {"__init__.py": "", **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


DOWNWARD = {
    "errors.py": "",
    "drivers/__init__.py": "",
    "drivers/local.py": "from holdfast.errors import X\nfrom . import protocol\nfrom ..errors import X",
    "drivers/protocol.py": "import holdfast.errors",
    "orm/__init__.py": "from sqlalchemy.orm import Session\nfrom holdfast import drivers, errors",
    "serving.py": "",
}


@pytest.mark.parametrize(
    ("module", "text", "complaint"),
    [
        ("errors.py", "from holdfast.orm import X", "errors (values) imports holdfast.orm (features)"),
        ("errors.py", "from holdfast import orm", "errors (values) imports holdfast.orm (features)"),
        ("errors.py", "import holdfast.orm as o", "errors (values) imports holdfast.orm (features)"),
        ("errors.py", "def f():\n    from . import orm", "errors (values) imports holdfast.orm (features)"),
        ("errors.py", "if TYPE_CHECKING:\n    import holdfast", "errors (values) imports holdfast (edges)"),
        ("errors.py", "import_module('holdfast.orm')", "errors (values) imports holdfast.orm (features)"),
        ("drivers/local.py", "from .. import orm", "drivers.local (drivers) imports holdfast.orm (features)"),
        ("orm/__init__.py", "import holdfast.serving", "orm (features) imports holdfast.serving (features)"),
        ("orm/__init__.py", "from holdfast import FileObject", "orm (features) imports holdfast (edges)"),
    ],
)
def test_an_upward_import_is_caught(tmp_path: Path, module: str, text: str, complaint: str) -> None:
    """However it is written, and wherever it stands."""
    assert violations(write_tree(tmp_path / "good", DOWNWARD)) == []
    assert violations(write_tree(tmp_path / "bad", DOWNWARD | {module: text})) == [f"holdfast.{complaint}"]


def test_sqlalchemy_in_a_low_layer_is_caught(tmp_path: Path) -> None:
    """The ORM may import it, a driver may not."""
    assert users_of_sqlalchemy(write_tree(tmp_path / "good", DOWNWARD)) == []
    bad = write_tree(tmp_path / "bad", DOWNWARD | {"drivers/local.py": "import sqlalchemy.orm"})
    assert users_of_sqlalchemy(bad) == ["holdfast.drivers.local"]


def test_an_unknown_module_is_caught(tmp_path: Path) -> None:
    """A module without a place is named."""
    assert unplaced(write_tree(tmp_path, {"errors.py": "", "helpers/__init__.py": ""})) == ["helpers"]
