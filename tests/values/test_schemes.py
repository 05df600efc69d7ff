"""Key schemes: templates and functions, whose result is validated and always keeps a unique part."""

from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast import FileObject, storages
from holdfast.backends.obstore import ObstoreBackend
from holdfast.errors import ConfigurationError, InvalidKeyError
from holdfast.keys import id_time, new_id
from holdfast.schemes import KeyContext, check_scheme, make_key

FILE = SimpleNamespace(filename="../Plan B.pdf")


def context(**fields: object) -> KeyContext:
    """Return what a scheme may use."""
    at = datetime(2025, 2, 3, 4, tzinfo=UTC)
    row = SimpleNamespace(tenant="acme", made=date(2025, 2, 3), at=at, nothing=None, d={"k": "v"})
    return KeyContext(
        **{"identifier": new_id(0), "file": FILE, "row": row, "model": "document", "column": "file"} | fields
    )


@pytest.mark.parametrize(
    ("scheme", "key"),
    [
        (None, "1970/01/01/ID-Plan-B.pdf"),
        ("{id}", "ID"),
        ("{id}-{name}", "ID-Plan-B.pdf"),
        ("{model}/{column}/{row.tenant}/{id}.{ext}", "document/file/acme/ID.pdf"),
        ("{date:%Y-%m}/{stem}", "1970-01/ID-Plan-B"),
        ("{date}/x", "1970/01/01/ID-x"),
        ("{row.made:%Y/%m}/{id}", "2025-02/ID"),
        ("{row.at:%Y/%m}/{id}", "2025/02/ID"),
        ("{row.d[k]}/{id}", "v/ID"),
        ("plans", "ID-plans"),
        ("plans/", "plans/ID-"),
        (lambda row, file: f"{row.tenant}/{file.filename[3:7]}", "acme/ID-Plan"),
    ],
)
def test_what_schemes_yield(scheme: object, key: str) -> None:
    """Fields are filled in, and a scheme without the id gets it in front of the last segment."""
    where = context()
    assert make_key(scheme, where) == key.replace("ID", where.identifier)


@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_a_hostile_tenant_stays_in_its_folder(tenant: str) -> None:
    """A value of the row is one clean part of one segment, whatever a client put into it."""
    where = context(row=SimpleNamespace(tenant=tenant))
    folder, part, last = make_key("t/{row.tenant}/{id}", where).split("/")
    assert (folder, last) == ("t", where.identifier)
    assert part not in {"", ".", ".."}
    assert part.isascii()


@pytest.mark.parametrize(
    "scheme", [7, b"{id}", "{", "{id", "}", "{nope}", "{}", "{0}", "{row}", "{date:{id}}", ["{id}"]]
)
def test_a_scheme_that_cannot_work(scheme: object) -> None:
    """It is refused when it is declared, on a storage as on a column."""
    with pytest.raises(ConfigurationError):
        check_scheme(scheme)
    with pytest.raises(ConfigurationError):
        ObstoreBackend("docs", "memory://", key_scheme=scheme)


@pytest.mark.parametrize("scheme", ["{row.nothing}/{id}", "{row.nope}/{id}", "{row.d[x]}/{id}", "{row.tenant.nope}"])
def test_what_the_row_does_not_have(scheme: str) -> None:
    """What is unset or does not exist is a ConfigurationError that names the field."""
    with pytest.raises(ConfigurationError, match=r"\{row\."):
        make_key(scheme, context())


@pytest.mark.parametrize("result", ["../x", "/etc/passwd", "a/../../b", "a b", "ü", "a" * 2000, "a\0", "a//b"])
def test_s2_the_result_of_a_function_is_validated(result: str) -> None:
    """A function may be careless with what clients send; its key is held to the rules of the library's own."""
    with pytest.raises(InvalidKeyError):
        make_key(lambda row, file: result, context())


@pytest.mark.parametrize("result", [None, 7, b"a"])
def test_a_function_that_returns_no_text(result: object) -> None:
    """The error shows what it returned."""
    with pytest.raises(ConfigurationError, match=type(result).__name__):
        make_key(lambda row, file: result, context())


def test_the_unique_part_cannot_be_faked() -> None:
    """A key that holds some other id, such as one of another file, gets its own all the same."""
    where = context()
    key = make_key(lambda row, file: f"a/{new_id()}", where)
    assert where.identifier in key


def test_a_storage_with_a_scheme() -> None:
    """Files saved by hand follow the storage's scheme; one that needs a row says so."""
    storages.register_backend(ObstoreBackend("schemed", "memory://", key_scheme="in/{date:%Y}/{id}"))
    try:
        file = FileObject(backend="schemed", filename="a.txt", content=b"x").save()
        assert file.path.startswith("in/20")
        assert id_time(file.path.rpartition("/")[2]) == pytest.approx(file.last_modified, abs=60)
        storages.register_backend(ObstoreBackend("schemed", "memory://", key_scheme="{row.tenant}/{id}"))
        with pytest.raises(ConfigurationError, match="saved without a row"):
            file.save(b"y")
        with pytest.raises(ConfigurationError, match="saved without a row"):
            file.copy_to("schemed")
        assert list(storages.get("schemed").list()) == []
    finally:
        storages.unregister("schemed")
