"""The logger `holdfast`: one record for each operation of a storage, with fields that do not get in the way."""

import io
import json
import logging
import subprocess
import sys

import pytest

from holdfast import FileObject, StorageBackend, storages
from holdfast.errors import NotFoundError, StorageError
from holdfast.testing.faults import Fault
from tests.files.conftest import Twin
from tests.observing.test_observations import Repeating

OWN = "holdfast.storage"


def records(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return those of the storages."""
    return [record for record in caplog.records if record.name == OWN]


@pytest.fixture(autouse=True)
def everything(caplog: pytest.LogCaptureFixture) -> None:
    """Log all."""
    caplog.set_level(logging.DEBUG, logger="holdfast")


async def test_success(memory: StorageBackend, twin: Twin, caplog: pytest.LogCaptureFixture) -> None:
    """A record at DEBUG, with all that is known."""
    await twin(memory.put, "a", b"12345")
    (record,) = records(caplog)
    assert record.levelname == "DEBUG"
    assert record.message.startswith("put of 'a' in storage 'docs': 5 bytes in 0.")
    assert {name: value for name, value in vars(record).items() if name.startswith("holdfast_")} == {
        "holdfast_operation": "put",
        "holdfast_storage": "docs",
        "holdfast_key": "a",
        "holdfast_outcome": "ok",
        "holdfast_seconds": record.holdfast_seconds,
        "holdfast_bytes": 5,
        "holdfast_objects": 1,
        "holdfast_retries": 0,
        "holdfast_failures": 0,
        "holdfast_error": None,
    }
    assert record.holdfast_seconds > 0


async def test_trouble(faulty: StorageBackend, twin: Twin, caplog: pytest.LogCaptureFixture) -> None:
    """A record at WARNING, with the text of the error."""
    faulty._plain.fail(Fault("put"))
    with pytest.raises(StorageError) as caught:
        await twin(faulty.put, "a", b"1")
    (record,) = records(caplog)
    assert (record.levelname, record.message) == ("WARNING", str(caught.value))
    assert (record.holdfast_outcome, record.holdfast_error) == ("failed", type(caught.value).__name__)


async def test_a_missing_object_is_no_trouble(
    memory: StorageBackend, twin: Twin, caplog: pytest.LogCaptureFixture
) -> None:
    """INFO: the storage is well, and the caller hears of it."""
    with pytest.raises(NotFoundError):
        await twin(memory.read, "a")
    (record,) = records(caplog)
    assert (record.levelname, record.holdfast_error) == ("INFO", "NotFoundError")


async def test_retries_are_seen(tmp_path, twin: Twin, caplog: pytest.LogCaptureFixture) -> None:
    """What went well only after retries is worth a warning."""
    storage = StorageBackend("docs", Repeating(tmp_path, durable=False))
    await twin(storage.put, "a", b"")
    caplog.clear()
    await twin(storage.stat, "a")
    (record,) = records(caplog)
    assert (record.levelname, record.holdfast_retries) == ("WARNING", 2)
    assert record.message.endswith("with 2 retries")


class Json(logging.Formatter):
    """Each record as a line of JSON, as the guide shows it."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {name.removeprefix("holdfast_"): value for name, value in vars(record).items() if "holdfast_" in name}
        return json.dumps({"level": record.levelname, "message": record.getMessage(), **fields})


async def test_b62_upload_with_metrics(memory: StorageBackend, twin: Twin) -> None:
    """The documents log name, size, storage and duration of an upload by hand; that is built in, and is no KeyError."""
    storages.register_backend(memory)
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Json())
    logger = logging.getLogger("holdfast")
    logger.addHandler(handler)
    try:
        file = FileObject(backend="docs", filename="report.pdf", content=b"12345")
        await twin(file.save)
        with pytest.raises(StorageError):
            await twin(memory.read, "missing")
    finally:
        logger.removeHandler(handler)
        storages.clear()
    upload, failure = map(json.loads, stream.getvalue().splitlines())
    assert (upload["operation"], upload["storage"], upload["key"]) == ("put", "docs", file.path)
    assert (upload["bytes"], upload["error"]) == (5, None)
    assert upload["seconds"] > 0
    assert (failure["operation"], failure["error"]) == ("read", "NotFoundError")


QUIET = """
from holdfast.backends.obstore import ObstoreBackend
try:
    ObstoreBackend("docs", "memory://").read("missing")
except FileNotFoundError:
    pass
import logging
logging.getLogger("holdfast.storage").warning("a warning")
"""


def test_a_program_without_logging_sees_nothing() -> None:
    """As the documentation of `logging` asks of libraries."""
    done = subprocess.run([sys.executable, "-c", QUIET], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
