"""The demo, run as a user runs it."""

import hashlib
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from holdfast.testing.s3 import S3Bucket
from tests.servers.postgres import Database

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "examples" / "demo" / "demo.py"
SAMPLES = [path for path in (DEMO.parent / "files").rglob("*") if path.is_file()]
LAST = "Files were committed, rolled back, replaced, deleted and read back: all 14 checks held."


def run(*arguments: object, code: str | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the demo, or some code before it, without any AWS settings of this machine."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    start = (
        [str(DEMO)]
        if code is None
        else ["-c", f"{code}\nimport runpy; runpy.run_path({str(DEMO)!r}, None, '__main__')"]
    )
    return subprocess.run(
        [sys.executable, *start, *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        env={**kept, "PYTHONIOENCODING": "utf-8", **environment},
        check=False,
        timeout=120,
    )


def told(result: subprocess.CompletedProcess[str]) -> list[str]:
    """Return the lines of a run that went well."""
    assert (result.returncode, result.stderr) == (0, ""), result.stdout + result.stderr
    lines = result.stdout.splitlines()
    assert lines[-1] == LAST
    assert "  ok  7 rows, 7 objects, 2.6 MB, and not one file more" in lines
    assert sum(line.startswith("  ok  ") for line in lines) == 14
    return lines


def checksums(files: list[Path]) -> list[str]:
    """Return the sorted checksums of files."""
    return sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)


def test_twice_into_one_folder(tmp_path: Path) -> None:
    """Each run leaves the sample files on disk, byte for byte, their rows, and nothing else."""
    told(run("--into", tmp_path))
    lines = told(run("--into", tmp_path))
    assert "  ok  2 files are named report.csv: 2 keys" in lines
    assert any("🎉 launch notes.md" in line for line in lines)
    assert len(lines) <= 50
    stored = tmp_path / "holdfast-demo-files"
    found = [path for path in stored.rglob("*") if path.is_file()]
    assert checksums(found) == checksums(SAMPLES)
    with sqlite3.connect(tmp_path / "holdfast-demo.sqlite") as rows:
        keys = rows.execute("SELECT json_extract(file, '$.to_filename') FROM holdfast_demo").fetchall()
    rows.close()
    assert {key for (key,) in keys} == {path.relative_to(stored).as_posix() for path in found}
    assert all(any(line == f"    -> {key}" for line in lines) for (key,) in keys)


def test_async_sqlite_twice(tmp_path: Path) -> None:
    """A database that is not emptied is cleared of the last run's rows and files, through an AsyncSession."""
    arguments = ("--database", f"sqlite+aiosqlite:///{tmp_path}/own.sqlite", "--storage", f"{tmp_path.as_uri()}/own/")
    told(run(*arguments))
    lines = told(run(*arguments))
    assert any("with an AsyncSession" in line for line in lines)
    assert checksums([path for path in (tmp_path / "own").rglob("*") if path.is_file()]) == checksums(SAMPLES)


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg_async", "psycopg"])
@pytest.mark.parametrize("server", ["s3_bucket", "rclone_bucket"])
def test_postgresql_and_s3(request: pytest.FixtureRequest, postgres: Database, driver: str, server: str) -> None:
    """The same story on PostgreSQL and S3, beside an object of somebody else's; settings come from the environment."""
    bucket: S3Bucket = request.getfixturevalue(server)
    bucket.server.request("PUT", f"/{bucket.name}/demo/foreign.txt", body=b"not the demo's")
    environment = {
        "AWS_ENDPOINT_URL": bucket.server.endpoint,
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": bucket.server.access_key,
        "AWS_SECRET_ACCESS_KEY": bucket.server.secret_key,
        "AWS_REGION": bucket.server.region,
    }
    arguments = ("--database", postgres.url(driver), "--storage", f"s3://{bucket.name}/demo/")
    told(run(*arguments, **environment))
    told(run(*arguments, **environment))
    with psycopg.connect(postgres.url()) as connection:
        keys = connection.execute("SELECT file ->> 'to_filename' FROM holdfast_demo").fetchall()
    assert len(keys) == len(SAMPLES)
    assert sorted(bucket.keys()) == sorted(["demo/foreign.txt", *(f"demo/{key}" for (key,) in keys)])
    assert bucket.uploads() == 0


def test_storage_options(s3_bucket: S3Bucket, tmp_path: Path) -> None:
    """Options of the storage can be given on the command line."""
    server = s3_bucket.server
    options = {
        "endpoint": server.endpoint,
        "allow_http": "true",
        "access_key_id": server.access_key,
        "secret_access_key": server.secret_key,
    }
    given = [f"--storage-option={name}={value}" for name, value in options.items()]
    told(run("--into", tmp_path, "--storage", f"s3://{s3_bucket.name}/", *given))
    assert len(s3_bucket.keys()) == len(SAMPLES)


def test_a_folder_of_ones_own(tmp_path: Path) -> None:
    """Any folder will do, with one file or many; hidden files are left out."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "only.bin").write_bytes(b"\0" * 1500)
    (own / ".hidden").touch()
    one = run("--into", tmp_path / "one", "--folder", own)
    assert one.returncode == 0, one.stderr
    assert "  ok  1 row, 1 object, 1.5 kB, and not one file more" in one.stdout
    for number in range(10):
        (own / f"{number} {'long ' * 20}name").touch()
    many = run("--into", tmp_path / "many", "--folder", own)
    assert many.returncode == 0, many.stderr
    assert "  ... and 3 more" in many.stdout
    assert "  ok  11 rows, 11 objects, 1.5 kB, and not one file more" in many.stdout


def test_a_terminal_without_unicode(tmp_path: Path) -> None:
    """Where the output is ASCII, names are shown with question marks, and nothing breaks."""
    lines = told(run("--into", tmp_path, PYTHONIOENCODING="ascii"))
    assert any(line.startswith("  R?sum? ? final (2).txt ") for line in lines)


@pytest.mark.parametrize("exists", [True, False])
def test_no_files(tmp_path: Path, *, exists: bool) -> None:
    """A folder that is missing or empty is named in one line, and nothing is made."""
    folder = tmp_path / "none"
    if exists:
        folder.mkdir()
    result = run("--into", tmp_path / "into", "--folder", folder)
    assert result.returncode == 2
    assert f"--folder {folder} {'has no files' if exists else 'is not a folder'}" in result.stderr.splitlines()[-1]
    assert not (tmp_path / "into").exists()


def test_a_folder_with_other_things_is_not_emptied(tmp_path: Path) -> None:
    """The demo removes nothing that it has not made."""
    (tmp_path / "thesis.txt").touch()
    (tmp_path / "holdfast-demo-files").mkdir()
    result = run("--into", tmp_path)
    assert result.returncode == 1
    assert "thesis.txt" in result.stderr
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--storage", "s3://"], "needs the name of a bucket"),
        (["--storage-option", "durab=no"], "did you mean 'durable'"),
        (["--storage-option", "durable"], "write NAME=VALUE"),
        (["--database", "not a url"], "Could not parse SQLAlchemy URL"),
        (["--database", "postgresql+asyncpg://localhost:1/x"], "Connect"),
    ],
)
def test_bad_settings(tmp_path: Path, arguments: list[str], problem: str) -> None:
    """What cannot work ends with one line that says why."""
    result = run("--into", tmp_path, *arguments)
    assert result.returncode in {1, 2}
    assert problem in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("fault", "claim"),
    [
        ("LocalDriver.delete = lambda *_: None", "after it, they are gone"),
        ("FileObject.verify = lambda file: file.backend.verify(file.path, 'sha256:0')", "have sha256:"),
    ],
)
def test_a_broken_promise_is_noticed(tmp_path: Path, fault: str, claim: str) -> None:
    """The claims are real checks: where the library fails, the demo says so and exits with 1."""
    code = f"from holdfast import FileObject\nfrom holdfast.drivers.local import LocalDriver\n{fault}"
    result = run("--into", tmp_path, code=code)
    assert result.returncode == 1
    assert claim in result.stderr
    assert LAST not in result.stdout
