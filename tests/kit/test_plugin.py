"""The fixtures that pytest finds by itself, and those of the documents, each in a project of its own."""

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from holdfast.testing.s3 import S3Bucket, S3Server

INI = """
[pytest]
anyio_mode = auto
filterwarnings = error
"""
CONFTEST = """
import pytest

@pytest.fixture(scope="session")
def anyio_backend():
    return "asyncio"
"""
IMPORTS = """
import os
import pytest
from holdfast import FileObject, storages
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.backends.obstore import ObstoreBackend
"""


def outcome(folder: Path, test: str, **environment: str) -> tuple[int, str]:
    """Run one test file as a project of its own; return pytest's exit status and what it printed."""
    for name, text in {"pytest.ini": INI, "conftest.py": CONFTEST, "test_app.py": IMPORTS + dedent(test)}.items():
        (folder / name).write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", str(folder)]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "AWS_"))}
    answer = subprocess.run(command, cwd=folder, env=clean | environment, capture_output=True, text=True, check=False)
    return answer.returncode, answer.stdout + answer.stderr


MEMORY = {
    "fsspec": 'FSSpecBackend(key="test-storage", fs="memory")',
    "obstore": 'ObstoreBackend(key="test-storage", fs="memory://")',
}


@pytest.mark.parametrize("backend", MEMORY.values(), ids=MEMORY)
def test_b70_a_fixture_with_a_memory_backend(tmp_path: Path, backend: str) -> None:
    """Registered, used by tests and by other fixtures, popped again; nothing is left for the next test."""
    status, output = outcome(
        tmp_path,
        f"""
        @pytest.fixture
        def memory_storage():
            backend = {backend}
            storages.register_backend(backend)
            yield backend
            storages._backends.pop("test-storage", None)

        @pytest.fixture
        async def sample_file(memory_storage):
            file_obj = FileObject(
                backend="test-storage", filename="sample.txt", content_type="text/plain", content=b"Sample content"
            )
            await file_obj.save_async()
            return file_obj

        async def test_file_operations(memory_storage):
            assert list(memory_storage.list()) == []
            file_obj = FileObject(backend="test-storage", filename="test.txt", content=b"Test content")
            await file_obj.save_async()
            assert await file_obj.get_content_async() == b"Test content"

        async def test_sample(sample_file, memory_storage):
            assert await sample_file.get_content_async() == b"Sample content"
            assert len(list(memory_storage.list())) == 1
            await sample_file.delete_async()

        def test_afterwards():
            assert "test-storage" not in storages
        """,
    )
    assert (status, output.count("3 passed")) == (0, 1), output


REAL_OR_MEMORY = """
@pytest.fixture(autouse=True)
def configure_storage_for_environment():
    if os.environ.get("USE_REAL_S3") == "true":
        url = f"s3://{os.environ['BUCKET']}/"
        storages.register_backend(ObstoreBackend(key="test", fs=url, aws_region="us-east-1"))
    else:
        storages.register_backend(FSSpecBackend(key="test", fs="memory"))
    yield
    storages._backends.clear()

async def test_upload():
    file = FileObject(backend="test", filename="a.txt", to_filename="a.txt", content=b"bytes")
    await file.save_async()
    assert await file.get_content_async() == b"bytes"

def test_the_next_one():
    assert set(storages.all()) == {"test"}
"""


def test_b70_memory_unless_the_environment_asks_for_s3(tmp_path: Path, s3_bucket: S3Bucket) -> None:
    """The same tests in memory, and on a real bucket by the credentials of the environment."""
    assert outcome(tmp_path, REAL_OR_MEMORY)[0] == 0
    assert s3_bucket.keys() == []
    server = s3_bucket.server
    status, output = outcome(
        tmp_path,
        REAL_OR_MEMORY,
        USE_REAL_S3="true",
        BUCKET=s3_bucket.name,
        AWS_ENDPOINT_URL=server.endpoint,
        AWS_ALLOW_HTTP="true",
        AWS_ACCESS_KEY_ID=server.access_key,
        AWS_SECRET_ACCESS_KEY=server.secret_key,
    )
    assert status == 0, output
    assert s3_bucket.keys() == ["a.txt"]


def test_b70_storages_ready_made(tmp_path: Path) -> None:
    """By name, with nothing to import: in memory for one test, failing on cue, and gone after it."""
    status, output = outcome(
        tmp_path,
        """
        storages.register_backend("s3://production/", key="docs", aws_region="eu-west-1")

        def test_in_memory(holdfast_storages):
            FileObject(backend="docs", filename="a.txt", to_filename="a.txt", content=b"a").save()
            assert holdfast_storages.objects("docs") == {"a.txt": b"a"}

        async def test_failing(holdfast_storages):
            assert holdfast_storages.objects("docs") == {}
            holdfast_storages.fail("docs", "put")
            with pytest.raises(OSError):
                await FileObject(backend="docs", filename="a.txt", content=b"a").save_async()

        def test_afterwards():
            assert "S3" in repr(storages.get("docs").native)
        """,
    )
    assert (status, output.count("3 passed")) == (0, 1), output


def test_b70_a_local_s3_server(tmp_path: Path) -> None:
    """A bucket for each test, through both drivers, with signatures that are checked."""
    status, output = outcome(
        tmp_path,
        """
        import urllib.error, urllib.request

        def test_obstore(holdfast_s3_bucket):
            storage = ObstoreBackend("docs", holdfast_s3_bucket.url, **holdfast_s3_bucket.options)
            storage.put("a.txt", b"bytes")
            assert urllib.request.urlopen(storage.sign("a.txt")).read() == b"bytes"
            options = holdfast_s3_bucket.options | {"aws_secret_access_key": "wrong"}
            with pytest.raises(PermissionError):
                ObstoreBackend("docs", holdfast_s3_bucket.url, **options).read("a.txt")

        async def test_s3fs(holdfast_s3_bucket):
            import fsspec
            storage = FSSpecBackend("docs", fsspec.filesystem("s3", **holdfast_s3_bucket.s3fs), holdfast_s3_bucket.name)
            assert list(storage.list()) == []
            await storage.put_async("a.txt", b"bytes")
            assert holdfast_s3_bucket.keys() == ["a.txt"]
        """,
    )
    assert (status, output.count("2 passed")) == (0, 1), output


def test_a_missing_server_names_the_package(tmp_path: Path) -> None:
    """A project without the extra is told what to install."""
    status, output = outcome(
        tmp_path,
        """
        import importlib.util
        found = importlib.util.find_spec

        @pytest.fixture(scope="session", autouse=True)
        def without_ministack():
            from holdfast.testing import s3
            s3.find_spec = lambda name: None if name == "ministack" else found(name)

        def test_it(holdfast_s3_bucket):
            pass
        """,
    )
    assert status == 1
    assert 'pip install "holdfast[testing]"' in output


def test_nothing_is_loaded_for_other_projects(tmp_path: Path) -> None:
    """A project that has Holdfast installed and asks for no fixture does not load the kit."""
    status, output = outcome(
        tmp_path,
        """
        import sys
        LOADED = sorted(name for name in sys.modules if name.startswith("holdfast.testing."))

        def test_it():
            assert LOADED == ["holdfast.testing.plugin"]
        """,
    )
    assert status == 0, output


def test_the_server_is_the_one_that_we_test_with(ministack: S3Server) -> None:
    """The kit's server and this suite's are one and the same."""
    assert isinstance(ministack, S3Server)
