"""The storages of an application, and the documented ways to make them (memory, local disk, S3 by obstore)."""

from pathlib import Path

import pytest

from holdfast import FileObject, StorageBackend, storages
from holdfast.backends.obstore import ObstoreBackend
from holdfast.errors import ConfigurationError, StorageError, UnknownStorageError
from tests.files.conftest import Twin

KEYS = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}


def test_b1_registering_again_switches_every_file(memory: StorageBackend) -> None:
    """Files hold a name and look it up at each use."""
    file = FileObject(backend="docs", filename="a.txt")
    of_object = FileObject(backend=memory, filename="a.txt")
    memory.put("a.txt", b"old")
    other = storages.register_backend(ObstoreBackend(key="docs", fs="memory://"))
    other.put("a.txt", b"new")
    assert (file.get_content(), of_object.get_content()) == (b"new", b"new")
    assert storages.get("docs") is other
    assert list(storages.all()) == ["docs"]


def test_b2_get_and_all(memory: StorageBackend) -> None:
    """A storage is found by its name; an unknown name is answered with the known ones."""
    other = storages.register_backend("memory://", key="other")
    assert storages.get("docs") is memory
    assert storages.all() == {"docs": memory, "other": other}
    assert "docs" in storages
    assert "nope" not in storages
    with pytest.raises(UnknownStorageError, match=r"'nope' \(registered: 'docs', 'other'\)"):
        storages.get("nope")
    with pytest.raises(KeyError):
        storages.get("nope")
    storages.clear()
    with pytest.raises(UnknownStorageError, match="registered: none"):
        storages.get("docs")


def test_b3_the_documented_fixtures(memory: StorageBackend) -> None:
    """The documents' test fixtures pop a name from _backends, and clear it."""
    assert storages._backends.pop("docs", None) is memory
    assert storages._backends.pop("docs", None) is None
    assert "docs" not in storages
    storages.register_backend(memory)
    storages._backends.clear()
    assert storages.all() == {}


def test_unregister(memory: StorageBackend) -> None:
    """A name can be given up; its objects stay."""
    memory.put("a", b"x")
    storages.unregister("docs")
    assert "docs" not in storages
    assert memory.read("a") == b"x"
    with pytest.raises(UnknownStorageError):
        storages.unregister("docs")


def test_all_is_a_copy(memory: StorageBackend) -> None:
    """Changing the answer changes nothing."""
    dict(storages.all()).clear()
    assert "docs" in storages


def test_b4_registration_after_use_was_declared() -> None:
    """A file may be made before its storage is registered."""
    file = FileObject(backend="late", filename="a.txt", content=b"x")
    storages.register_backend("memory://", key="late")
    assert file.save().get_content() == b"x"


async def test_b5_several_backends(twin: Twin, tmp_path: Path) -> None:
    """Each use case has its storage, and files of one name do not meet."""
    for key, fs in {"documents": "memory://", "images": "memory://", "temp": f"file://{tmp_path}/"}.items():
        storages.register_backend(ObstoreBackend(key=key, fs=fs))
    for key in storages.all():
        await twin(FileObject(backend=key, filename="a", to_filename="a", content=key.encode()).save)
    for key in storages.all():
        assert await twin(FileObject(backend=key, filename="a").get_content) == key.encode()


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (("memory://",), {}),
        ((7,), {}),
        ((ObstoreBackend("a", "memory://"), "b"), {}),
        ((ObstoreBackend("a", "memory://"),), {"region": "x"}),
        (("memory://", ""), {}),
    ],
)
def test_register_backend_takes_a_storage_or_a_url(arguments: tuple, options: dict) -> None:
    """Whatever else it is given raises, and nothing is registered."""
    with pytest.raises(ConfigurationError):
        storages.register_backend(*arguments, **options)
    assert storages.all() == {}


async def test_b21_local_disk_creates_its_folder(twin: Twin, tmp_path: Path) -> None:
    """Neither the folder nor the ones in a key need to exist."""
    folder = tmp_path / "var" / "app" / "uploads"
    storages.register_backend(ObstoreBackend(key="local", fs=f"file://{folder}/"))
    await twin(FileObject(backend="local", filename="a", to_filename="deep/er/a.txt", content=b"x").save)
    assert (folder / "deep" / "er" / "a.txt").read_bytes() == b"x"


async def test_b22_memory(twin: Twin) -> None:
    """The documented test of an in-memory storage; two of them share nothing."""
    for key in ("test", "other"):
        storages.register_backend(ObstoreBackend(key=key, fs="memory://"))
    file = FileObject(backend="test", filename="test.txt", content=b"Test content")
    await twin(file.save)
    assert await twin(file.get_content) == b"Test content"
    assert not await twin(FileObject(backend="other", filename=file.path).exists)


@pytest.mark.parametrize("fs", ["s3://my-bucket", "s3://my-bucket/", "s3://my-bucket/prefix", "s3://my-bucket/prefix/"])
def test_b23_s3_with_and_without_slash(fs: str) -> None:
    """A bucket and its prefix are the same with and without the last slash."""
    storages.register_backend(ObstoreBackend(key="s3", fs=fs, aws_region="us-west-2", **KEYS))
    path = "prefix/a.txt" if "prefix" in fs else "a.txt"
    assert f"my-bucket/{path}?" in FileObject(backend="s3", filename="a.txt").sign()


@pytest.mark.parametrize("allow_http", [True, "true", "1"])
def test_b24_b25_minio(allow_http: object) -> None:
    """Every MinIO example of the documents constructs; without a scheme or the permission the fix is shown."""
    options = {"key": "m", "fs": "s3://my-bucket/", "aws_region": "us-east-1", **KEYS}
    storages.register_backend(
        ObstoreBackend(aws_endpoint="http://localhost:9000", aws_allow_http=allow_http, **options)
    )
    assert FileObject(backend="m", filename="a").sign().startswith("http://localhost:9000/my-bucket/a?")
    ObstoreBackend(aws_endpoint="https://minio.example.com", aws_allow_http=False, **options)
    with pytest.raises(ConfigurationError, match='aws_endpoint="http://localhost:9000" with aws_allow_http=True'):
        ObstoreBackend(aws_endpoint="localhost:9000", **options)
    with pytest.raises(ConfigurationError, match="add aws_allow_http=True"):
        ObstoreBackend(aws_endpoint="http://localhost:9000", aws_allow_http=False, **options)


def test_b26_options_that_are_none() -> None:
    """An unset environment variable is no option."""
    backend = ObstoreBackend("s3", "s3://b/", aws_endpoint=None, aws_session_token=None, aws_region=None, **KEYS)
    assert backend.sign("a").startswith("https://s3.us-east-1.amazonaws.com/b/a?")


@pytest.mark.parametrize(
    ("fs", "options", "message"),
    [
        ("s3://b/", {"aws_regoin": "x"}, "'aws_regoin'.*did you mean 'aws_region'"),
        ("memory://", {"region": "x"}, "'region' is not an option of memory"),
        ("file:///tmp/x/", {"durabel": True}, "'durabel'.*did you mean 'durable'"),
        ("ftp://host/", {}, "ftp://.*s3://"),
        ("file://uploads/", {}, "relative.*file:///"),
        ("uploads", {}, "file:///"),
        ("s3:///prefix/", {}, "name of a bucket"),
        ("s3://b/../c/", {}, "prefix"),
        (7, {}, "URL"),
    ],
)
def test_b31_wrong_configuration(fs: object, options: dict, message: str) -> None:
    """A wrong URL or option is an error when it is declared, which shows the right form."""
    with pytest.raises(ConfigurationError, match=message):
        ObstoreBackend("key", fs, **options)


@pytest.mark.parametrize("key", ["", None, 7])
def test_a_storage_needs_a_name(key: object) -> None:
    """Rows refer to it by name."""
    with pytest.raises(ConfigurationError, match="needs a name"):
        ObstoreBackend(key, "memory://")


async def test_s22_no_secret_is_shown(twin: Twin, caplog: pytest.LogCaptureFixture) -> None:
    """The secret of a storage is in no repr, no error, none of its causes, and in no log."""
    canary = "cAnArYsEcReT0123456789"
    caplog.set_level(0)
    options = {"aws_access_key_id": "AKIA", "aws_secret_access_key": canary, "aws_session_token": canary + "T"}
    shown = []
    for wrong in ({"aws_regoin": "x"}, {"aws_endpoint": "localhost"}, {"aws_allow_http": "perhaps"}):
        with pytest.raises(ConfigurationError) as refused:
            ObstoreBackend("s3", "s3://bucket/", **options, **wrong)
        shown.append(refused.value)
    backend = ObstoreBackend(
        "s3", "s3://bucket/", aws_endpoint="http://127.0.0.1:9", aws_allow_http=True, aws_max_retries=None,
        retry_config={"max_retries": 0}, **options,
    )  # fmt: skip
    storages.register_backend(backend)
    file = FileObject(backend=backend, filename="a.txt", content=b"x")
    with pytest.raises(StorageError) as failed:
        await twin(file.save)
    shown += [failed.value, backend, storages, file, file.to_dict(), storages.all()]
    texts = [text for value in shown for text in (repr(value), str(value), f"{value}")]
    error: BaseException | None = failed.value
    while error is not None:
        texts += [repr(error), str(error), *getattr(error, "__notes__", [])]
        error = error.__cause__ or error.__context__
    texts += [caplog.text, *(str(vars(record)) for record in caplog.records)]
    assert not [text for text in texts if canary in text]
