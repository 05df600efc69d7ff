"""Primary keys of every kind name the row to the drain."""

import datetime as dt
import decimal
import uuid
from typing import Any

import pytest
from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    DateTime,
    Engine,
    LargeBinary,
    MetaData,
    Numeric,
    String,
    Table,
    Uuid,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import mysql

from holdfast import FileObject, Outbox, StorageBackend, StoredObject
from holdfast.orm import rowkeys
from tests.orm.conftest import stored

from .rows import drain, outbox_table

BINARY = LargeBinary(16).with_variant(mysql.VARBINARY(16), "mariadb", "mysql")
KEYS: dict[str, tuple[list[Any], tuple[Any, ...], tuple[Any, ...]]] = {
    "integer": ([BigInteger], (-(2**62),), (2**62,)),
    "text": ([String(50)], ('it\'s "q" \\ é ✓ %s :x',), ("[]",)),
    "uuid": ([Uuid], (uuid.UUID(int=5),), (uuid.uuid4(),)),
    "binary": ([BINARY], (b"\x00\xff\\'",), (b"",)),
    "datetime": (
        [DateTime().with_variant(mysql.DATETIME(fsp=6), "mariadb", "mysql")],
        (dt.datetime(2025, 1, 2, 3, 4, 5, 678),),  # noqa: DTZ001  # the column has no zone
        (dt.datetime(2025, 2, 1),),  # noqa: DTZ001  # as above
    ),
    "date": ([Date], (dt.date(2025, 1, 2),), (dt.date(2025, 2, 1),)),
    "decimal": ([Numeric(10, 2)], (decimal.Decimal("1.50"),), (decimal.Decimal("-2.00"),)),
    "several": (
        [BigInteger, String(20), BINARY],
        (1, "a,b", b"\xfe"),
        (1, "a", b",b"),
    ),
}


def make_table(metadata: MetaData, types: list[Any]) -> Table:
    """Return a table with a primary key of some types; its columns go by other names in Python."""
    keys = [
        Column(f"Key {number}", kind, key=f"k{number}", primary_key=True, autoincrement=False)
        for number, kind in enumerate(types)
    ]
    return Table("document", metadata, *keys, Column("title", String(9)), Column("cover", StoredObject("docs")))


def row(identity: tuple[Any, ...]) -> dict[str, Any]:
    """Return the values of the key's columns."""
    return {f"k{number}": part for number, part in enumerate(identity)}


def is_row(table: Table, identity: tuple[Any, ...]) -> list[Any]:
    """Return the conditions that find a row."""
    return [table.c[f"k{number}"] == part for number, part in enumerate(identity)]


@pytest.mark.filterwarnings("ignore:Dialect sqlite.*Decimal objects natively")
@pytest.mark.parametrize("name", KEYS)
def test_a_key(engine: Engine, docs: StorageBackend, name: str) -> None:
    """It finds its row, as one that the unit of work wrote does: a file that moved there stays, others go."""
    types, one, two = KEYS[name]
    metadata = MetaData()
    table = make_table(metadata, types)
    Outbox(metadata, triggers=True)
    metadata.create_all(engine)
    files = [FileObject(backend="docs", filename="a", content=content) for content in (b"a", b"b")]
    for file in files:
        file.save()
    with engine.begin() as connection:
        for identity, file in zip((one, two), files, strict=True):
            connection.execute(insert(table).values(cover=file, **row(identity)))
        written = connection.scalars(select(outbox_table(metadata).c.owner_key)).all()
        for encoded in (written, [rowkeys.encode(table, each, engine.dialect) for each in (one, two)]):
            found = connection.scalars(select(table.c.cover).where(rowkeys.matching(table, encoded, engine.dialect)))
            assert {file.path for file in found} == {file.path for file in files}
    drain(engine, metadata)
    with engine.begin() as connection:
        # The one row gets the other's file, whose own is gone.
        connection.execute(update(table).where(*is_row(table, one)).values(cover=files[1]))
        connection.execute(update(table).where(*is_row(table, two)).values(cover=None))
    drain(engine, metadata)
    assert stored(docs) == [b"b"]
