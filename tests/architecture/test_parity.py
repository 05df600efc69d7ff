"""Whatever does I/O comes twice, as `x` and as `x_async`, with one signature."""

import ast
import importlib
import inspect
from collections.abc import Callable
from typing import Any

import pytest

import tests.companions  # noqa: F401  # what the modules import must not warn for the first time there
from tests.architecture.source_tree import modules

SUFFIX = "_async"

NO_IO = "it does no I/O"
SYNC_BY_NATURE = "it returns a file object"

# In these classes every public method has a twin, except the ones named here with the reason.
COMPLETE = {
    "holdfast.file.FileObject": {
        "describe": NO_IO,
        "describing": NO_IO,
        "from_row": NO_IO,
        "link": NO_IO,
        "open": SYNC_BY_NATURE,
        "to_dict": NO_IO,
        "update_metadata": NO_IO,
    },
    "holdfast.backends.base.StorageBackend": {
        "check_alter": NO_IO,
        "is_own": NO_IO,
        "link": NO_IO,
        "open": SYNC_BY_NATURE,
        "plain_path": NO_IO,
        "public_url_of": NO_IO,
        "read_cached": "it never waits",
        "taken": NO_IO,
        "signed_plainly": NO_IO,
    },
    "holdfast.drivers.protocol.AsyncDriver": {
        "classify": NO_IO,
    },
}

# The twins of these are bound when the object is made, where reading the class does not find them.
BOUND_LATE = {
    "holdfast.drivers.threaded.ThreadedDriver": "the sync half is the wrapped driver's own methods",
}


def public_owners() -> dict[str, Any]:
    """Return every module of holdfast and every public class defined in one, by dotted name."""
    owners: dict[str, Any] = {}
    for name in modules():
        module = importlib.import_module(name)
        owners[name] = module
        for kind in vars(module).values():
            if inspect.isclass(kind) and kind.__module__ == name and not kind.__name__.startswith("_"):
                owners[f"{name}.{kind.__qualname__}"] = kind
    return owners


def public_functions(owner: Any) -> dict[str, Callable[..., Any]]:
    """Return a class's public methods, inherited ones too, or the public functions that a module defines."""
    found = inspect.getmembers(owner, inspect.isroutine)
    if inspect.ismodule(owner):
        found = [(name, value) for name, value in found if getattr(value, "__module__", None) == owner.__name__]
    return {name: value for name, value in found if not name.startswith("_")}


def differences(owner: Any) -> list[str]:
    """Return a sentence for each `x_async` that has no `x`, or another signature."""
    functions = public_functions(owner)
    found = []
    for name, twin in functions.items():
        if name.endswith(SUFFIX):
            function = functions.get(name.removesuffix(SUFFIX))
            if function is None:
                found.append(f"{name} has no {name.removesuffix(SUFFIX)}")
            elif shape(function) != shape(twin):
                found.append(f"{name}{inspect.signature(twin)}, but {inspect.signature(function)} without")
            elif is_async(function) or not is_async(twin):
                found.append(f"{name} is to be async, and {function.__name__} is not")
    return found


def twinless(owner: Any, reasons: dict[str, str]) -> list[str]:
    """Return the public methods that have no twin and no reason, and the reasons that have no method."""
    functions = public_functions(owner)
    alone = {name for name in functions if not name.endswith(SUFFIX) and name + SUFFIX not in functions}
    return sorted(alone ^ reasons.keys())


def shape(function: Callable[..., Any]) -> list[tuple[Any, ...]]:
    """Return a signature in a form that is equal for twins."""
    signature = inspect.signature(function)
    arguments = [(each.name, each.kind, each.default, plain(each.annotation)) for each in signature.parameters.values()]
    return [*arguments, (plain(signature.return_annotation),)]


def plain(annotation: Any) -> str:
    """Return an annotation as text without what async adds: AsyncIterator, AsyncSession, Awaitable."""
    return ast.unparse(Plain().visit(ast.parse(text(annotation), mode="eval")))


def text(annotation: Any) -> str:
    """Return an annotation as it is written."""
    written = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    return ast.unparse(ast.parse(written, mode="eval"))


class Plain(ast.NodeTransformer):
    """Takes what async adds out of an annotation."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Turn AsyncIterator into Iterator."""
        return ast.Name(node.id.removeprefix("Async"))

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """Turn Awaitable[int] and Coroutine[Any, Any, int] into int."""
        if isinstance(node.value, ast.Name) and node.value.id in {"Awaitable", "Coroutine"}:
            return self.visit(node.slice.elts[-1] if isinstance(node.slice, ast.Tuple) else node.slice)
        return self.generic_visit(node)


def is_async(function: Callable[..., Any]) -> bool:
    """Return whether a call gives something to await or to iterate over with ``async for``."""
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        return True
    result = inspect.signature(function).return_annotation
    return plain(result) != text(result)


OWNERS = public_owners()


@pytest.mark.parametrize("name", sorted(OWNERS.keys() - BOUND_LATE.keys()))
def test_twins_have_one_signature(name: str) -> None:
    """Each `x_async` has an `x` that takes and returns the same."""
    assert differences(OWNERS[name]) == []


@pytest.mark.parametrize("name", sorted(COMPLETE))
def test_what_does_io_has_a_twin(name: str) -> None:
    """The classes that users and driver authors hold are complete in both worlds."""
    assert twinless(OWNERS[name], COMPLETE[name]) == [], f"add the twin, or the reason to COMPLETE, in {__file__}"


PUT = "def put(self, data: bytes, *, size: int = 1) -> Iterator[bytes]"
PUT_ASYNC = "async def put_async(self, data: bytes, *, size: int = 1) -> AsyncIterator[bytes]"


def made(*methods: str) -> type:
    """Return a class with these methods."""
    namespace: dict[str, Any] = {}
    lines = ["from __future__ import annotations", *(f"{method}: ..." for method in methods)]
    exec("\n".join(lines), namespace)
    return type("Made", (), namespace)


@pytest.mark.parametrize(
    "methods",
    [
        (PUT, PUT_ASYNC),
        (PUT, PUT_ASYNC.removeprefix("async ")),
        (PUT, "def copy(self)"),
        ("def stat(self) -> int", "def stat_async(self) -> Awaitable[int]"),
    ],
)
def test_twins_that_agree_pass(methods: tuple[str, ...]) -> None:
    """What async adds to a signature is no difference."""
    assert differences(made(*methods)) == []


@pytest.mark.parametrize(
    "methods",
    [
        (PUT, PUT_ASYNC.replace("data", "content")),
        (PUT, PUT_ASYNC.replace("*, ", "")),
        (PUT, PUT_ASYNC.replace("= 1", "= 2")),
        (PUT, PUT_ASYNC.replace("data: bytes", "data: str")),
        (PUT, PUT_ASYNC.replace("Iterator[bytes]", "Iterator[str]")),
        (PUT, "def put_async(self, data: bytes, *, size: int = 1) -> Iterator[bytes]"),
        (PUT_ASYNC,),
    ],
)
def test_a_difference_is_caught(methods: tuple[str, ...]) -> None:
    """A twin that drifts in one respect is found."""
    assert len(differences(made(*methods))) == 1


def test_a_missing_twin_is_caught() -> None:
    """A method without twin and without reason is found, and so is a reason without method."""
    lacking = made(PUT, PUT_ASYNC, "def copy(self)")
    assert twinless(lacking, {}) == ["copy"]
    assert twinless(lacking, {"copy": "a reason"}) == []
    assert twinless(lacking, {"copy": "a reason", "move": "a reason"}) == ["move"]
