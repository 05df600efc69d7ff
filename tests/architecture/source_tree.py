"""Reads which modules a package has and what each of them imports, without running any of it.

Imports inside functions and under ``TYPE_CHECKING`` are read like all others: a module that needs the types
of another one knows of it, and a late import is only a late dependency.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "holdfast"


def modules(root: Path = SOURCE) -> dict[str, Path]:
    """Return the modules of the package at `root` by dotted name; a package goes by its own name."""
    found = {}
    for path in sorted(root.rglob("*.py")):
        parts = (root.name, *path.relative_to(root).with_suffix("").parts)
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(module: str, known: dict[str, Path]) -> set[str]:
    """Return the dotted names of what `module` imports: modules of `known`, not the names inside them."""
    found = set()
    for node in ast.walk(ast.parse(known[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(module, node, known)
            found.update(name if (name := f"{base}.{alias.name}") in known else base for alias in node.names)
        elif isinstance(node, ast.Call):
            found.update(_imported_by_call(node))
    return found


def _base(module: str, node: ast.ImportFrom, known: dict[str, Path]) -> str:
    if not node.level:
        return str(node.module)
    parts = module.split(".")
    package = parts if known[module].name == "__init__.py" else parts[:-1]
    above = package[: len(package) - node.level + 1]
    return ".".join([*above, node.module] if node.module else above)


def _imported_by_call(node: ast.Call) -> Iterator[str]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", None)
    if name in {"import_module", "__import__"} and node.args and isinstance(node.args[0], ast.Constant):
        yield str(node.args[0].value)
