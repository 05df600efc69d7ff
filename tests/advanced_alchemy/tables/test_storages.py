"""The arguments that register a storage there reach the same bytes here, by either driver."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from sqlalchemy.orm import Session

from holdfast import FileObject
from holdfast.testing.s3 import S3Bucket
from tests.advanced_alchemy.tables.conftest import Paper, Table, Theirs, register
from tests.orm.conftest import Database, contents

NAME = "a folder/Übersicht (1) 100% #2.txt"


def _at_s3(bucket: S3Bucket, **options: Any) -> dict[str, Any]:
    # That library hands its arguments to obstore, which knows no aws_allow_http.
    client = {"client_options": {"allow_http": True}}
    given = bucket.options | options
    return {name: value for name, value in given.items() if name != "aws_allow_http"} | client


def _arguments(name: str, folder: Path, bucket: S3Bucket | None) -> dict[str, Any]:
    """Return how a storage is registered."""
    if bucket is not None:
        s3fs = {"protocol": "s3", **bucket.s3fs}
        return {
            "obstore s3": _at_s3(bucket, driver="obstore", fs=bucket.url),
            "obstore s3 prefix": _at_s3(bucket, driver="obstore", fs=f"s3://{bucket.name}/in/here"),
            "obstore s3 prefix/": _at_s3(bucket, driver="obstore", fs=f"s3://{bucket.name}/in/here/"),
            "fsspec s3": {"driver": "fsspec", "fs": s3fs, "prefix": bucket.name},
            "fsspec s3 prefix": {"driver": "fsspec", "fs": s3fs, "prefix": f"{bucket.name}/in/here/"},
        }[name]
    return {
        "obstore file": {"driver": "obstore", "fs": f"file://{folder}"},
        "obstore file/": {"driver": "obstore", "fs": f"file://{folder}/"},
        "fsspec file": {"driver": "fsspec", "fs": "file", "prefix": str(folder), "auto_mkdir": True},
        "fsspec file/": {"driver": "fsspec", "fs": "file", "prefix": f"{folder}/", "auto_mkdir": True},
        "fsspec object": {
            "driver": "fsspec",
            "fs": {"protocol": "file", "auto_mkdir": True},
            "prefix": str(folder / "docs"),
        },
        "fsspec local": {"driver": "fsspec", "fs": "local", "prefix": str(folder), "auto_mkdir": True},
    }[name]


LOCAL = ["obstore file", "obstore file/", "fsspec file", "fsspec file/", "fsspec object", "fsspec local"]
S3 = [
    *("obstore s3", "obstore s3 prefix", "obstore s3 prefix/"),
    *("fsspec s3", "fsspec s3 prefix"),
]


@pytest.fixture(params=[*LOCAL, *(pytest.param(name, marks=pytest.mark.s3) for name in S3)])
async def registered(request: pytest.FixtureRequest, tmp_path: Path, theirs: Theirs) -> Any:
    """The table over a storage that both have registered with the same arguments."""
    bucket = request.getfixturevalue("s3_bucket") if request.param in S3 else None
    (tmp_path / "files").mkdir()
    arguments = {"key": "docs"} | _arguments(request.param, tmp_path / "files", bucket)
    theirs("register", **arguments)
    url = f"sqlite:///{tmp_path}/papers.db"
    theirs("create", url=url)
    database = Database(url, is_async=False)
    yield Table(theirs, database, url, register(**arguments), is_remote=bucket is not None)
    await database.dispose()


async def test_the_same_bytes(registered: Table) -> None:
    """Read, replaced and deleted here; and what is written here is read, signed and deleted there."""
    row = registered.add("theirs", file={"filename": NAME, "content": "theirs"})
    registered.add("other", file={"filename": "other.txt", "content": "other"})

    def replace(session: Session) -> None:
        paper = session.get_one(Paper, row)
        assert (paper.file.path, paper.file.get_content()) == (NAME, b"theirs")
        assert contents(registered.docs) == {NAME: b"theirs", "other.txt": b"other"}
        paper.file = FileObject(filename=NAME, content=b"ours")
        session.commit()

    await registered.run(replace)
    assert sorted(contents(registered.docs).values()) == [b"other", b"ours"]
    file = registered.theirs("read", row=str(row))["file"]
    assert registered.library("content", file=file) == "ours"
    if registered.is_remote:
        with urlopen(registered.library("sign", file=file)) as answer:
            assert answer.read() == b"ours"
    registered.library("delete", file=file)
    assert contents(registered.docs) == {"other.txt": b"other"}


async def test_names_of_all_kinds(registered: Table) -> None:
    """What that library could store under a name is read here."""
    names = [
        "ü ñ.txt",
        "100%.txt",
        "50%25.txt",
        "a#b?.txt",
        "s*[x]~{y}.txt",
        "c:d|<e>.txt",
        "e\u0301.txt",
        ".h",
        "x" * 200,
    ]
    rows = {name: registered.add(name, file={"filename": name, "content": name}) for name in names}

    def work(session: Session) -> None:
        for name, row in rows.items():
            assert session.get_one(Paper, row).file.get_content() == name.encode()

    await registered.run(work)
    assert sorted(contents(registered.docs)) == sorted(names)
