"""The documents' script that migrates files from a folder to S3, over a table of advanced-alchemy."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from holdfast import storages
from holdfast.backends.obstore import ObstoreBackend
from holdfast.maintenance import sweep, verify
from holdfast.testing.s3 import S3Bucket
from tests.advanced_alchemy.tables.conftest import Paper, Table, Theirs, register
from tests.orm.conftest import Database, contents

PROGRAM = Path(__file__).with_name("migration_program.py")
FILES = {"one": "1.txt", "two": "a folder/Übersicht 2.txt", "three": "shared.txt", "four": "shared.txt"}
KILLED = 9


class Script:
    """The table, and the script that goes through it."""

    def __init__(self, table: Table, url: str, folder: Path, bucket: S3Bucket) -> None:
        self.table, self.url, self.folder, self.bucket = table, url, folder, bucket

    def __call__(self, names: str = "replaced", *, expire: bool = True, die: tuple[str, int] | None = None) -> Any:
        """Run it, and return the ended process."""
        s3 = {"fs": self.bucket.url, **self.bucket.options}
        arguments = {
            "names": names,
            "url": self.url,
            "folder": str(self.folder),
            "s3": s3,
            "expire": expire,
            "die": die,
        }
        command = [sys.executable, str(PROGRAM), json.dumps(arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    async def migrated(self) -> None:
        """Check that each row has its bytes at S3, and that what is left over belongs to no row."""

        def work(session: Session) -> None:
            for paper in session.scalars(select(Paper)):
                if paper.title == "none":
                    assert paper.file is None
                else:
                    content = "shared" if "shared" in FILES[paper.title] else paper.title
                    assert paper.file.get_content() == content.encode()
                    assert (paper.file.backend_key, paper.file.filename) == ("s3-new", FILES[paper.title])
                    assert (paper.file.content_type, paper.file.metadata) == ("x/y", {"n": 1})
                    assert paper.file.size == len(content)
            report = verify(session, Paper.metadata, storages=["s3-new", "local-legacy"], deep=True, grace=timedelta(0))
            assert report.ok
            sweep(session, Paper.metadata, storages=["s3-new"], grace=timedelta(0), delete=True)

        await self.table.run(work)
        assert sorted(contents(storages.get("s3-new")).values()) == [b"one", b"shared", b"shared", b"two"]


@pytest.fixture(params=["aiosqlite", pytest.param("asyncpg", marks=pytest.mark.postgres)])
def script(request: pytest.FixtureRequest, tmp_path: Path, theirs: Theirs, s3_bucket: S3Bucket) -> Any:
    """A table with files on disk, two of them under one name, and a row without."""
    if request.param == "aiosqlite":
        urls = {driver: f"sqlite+{driver}:///{tmp_path}/papers.db" for driver in ("pysqlite", "aiosqlite")}
    else:
        postgres = request.getfixturevalue("postgres")
        urls = {driver: postgres.url(driver) for driver in ("psycopg", "asyncpg")}
    url, other = urls.values()
    folder = tmp_path / "uploads"
    (folder / "a folder").mkdir(parents=True)
    theirs("register", driver="fsspec", key="local-legacy", fs="file", prefix=str(folder))
    register(driver="fsspec", key="local-legacy", fs="file", prefix=str(folder))
    storages.register_backend(ObstoreBackend(key="s3-new", fs=s3_bucket.url, **s3_bucket.options))
    theirs("create", url=url)
    table = Table(theirs, Database(url, is_async=False), url, storages.get("local-legacy"))
    table.add("none")
    for title, name in FILES.items():
        fields = {"backend": "local-legacy", "content_type": "x/y", "metadata": {"n": 1}}
        table.add(title, file={"filename": name, "content": "shared" if "shared" in name else title, **fields})
    yield Script(table, other, folder, s3_bucket)
    table.database.engine.dispose()


@pytest.mark.parametrize("expire", [True, False], ids=["expires", "keeps"])
@pytest.mark.parametrize("names", ["replaced", "installed"])
async def test_b65_the_migration_script(script: Script, names: str, expire: bool) -> None:
    """As written, whatever the session does at a commit; a second run finds nothing to do."""
    ended = script(names, expire=expire)
    assert ended.returncode == 0, ended.stderr
    lines = [line for line in ended.stderr.splitlines() if line.startswith("migration INFO")]
    assert sorted(lines) == sorted(f"migration INFO migrated file: {name}" for name in FILES.values())
    await script.migrated()
    assert contents(script.table.docs) == {}
    if expire:
        again = script(names)
        assert (again.returncode, again.stderr) == (0, "")


@pytest.mark.parametrize("script", ["aiosqlite"], indirect=True)
@pytest.mark.parametrize(("point", "turn"), [("save_async", 2), ("delete_async", 1), ("commit", 3), ("object", 2)])
async def test_b65_a_script_that_dies(script: Script, point: str, turn: int) -> None:
    """Killed anywhere it has lost nothing, and goes on where it was."""
    assert script(die=(point, turn)).returncode == KILLED
    ended = script()
    assert ended.returncode == 0, ended.stderr
    await script.migrated()
