"""The documented forms of FSSpecBackend over memory and local disk."""

from pathlib import Path

import fsspec
import pytest

from holdfast import FileObject, storages
from holdfast.backends.fsspec import FSSpecBackend
from tests.files.conftest import Twin, keys


async def test_b8_the_documented_memory_fixture(twin: Twin) -> None:
    """Each storage has bytes of its own, also over the same file system of fsspec."""
    for key in ("test", "other"):
        storages.register_backend(FSSpecBackend(key=key, fs="memory"))
    file = FileObject(backend="test", filename="test.txt", content=b"Test content")
    await twin(file.save)
    assert await twin(file.get_content) == b"Test content"
    assert keys(storages.get("test")) == [file.path]
    assert keys(storages.get("other")) == []


FORMS = {
    "fs=file": lambda folder: FSSpecBackend(key="local", fs="file", prefix=str(folder)),
    "auto_mkdir": lambda folder: FSSpecBackend("local", fsspec.filesystem("file", auto_mkdir=True), prefix=str(folder)),
    "no auto_mkdir": lambda folder: FSSpecBackend("local", fsspec.filesystem("file"), prefix=str(folder)),
}


@pytest.mark.parametrize("form", FORMS)
async def test_b6_b7_local_disk(twin: Twin, tmp_path: Path, form: str) -> None:
    """Folders are made, nested names work, and the bytes lie where they are expected."""
    folder = tmp_path / "var" / "app" / "uploads"
    storages.register_backend(FORMS[form](folder))
    file = FileObject(backend="local", filename="a", to_filename="deep/er/a.txt", content=b"x")
    await twin(file.save)
    assert (folder / "deep" / "er" / "a.txt").read_bytes() == b"x"
    assert await twin(file.get_content) == b"x"
    await twin(file.delete)
    assert keys(storages.get("local")) == []


@pytest.mark.parametrize("form", ["fs=file", "auto_mkdir"])
async def test_b6_never_half_a_file(twin: Twin, tmp_path: Path, form: str) -> None:
    """A source that fails leaves nothing under the final name, nor beside it."""
    storages.register_backend(FORMS[form](tmp_path))

    def content():
        yield b"half"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await twin(FileObject(backend="local", filename="a", to_filename="a", content=content()).save)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_b42_nothing_climbs_out_of_the_prefix(tmp_path: Path) -> None:
    """What fsspec would follow upwards is refused by the key."""
    (tmp_path / "secret").write_bytes(b"secret")
    storages.register_backend(FSSpecBackend(key="local", fs="file", prefix=str(tmp_path / "in")))
    with pytest.raises(ValueError, match="climbs"):
        FileObject(backend="local", filename="../secret").get_content()


def test_a_url_of_another_scheme() -> None:
    """register_backend hands what obstore does not have to fsspec."""
    with pytest.raises(ValueError, match="nonsense"):
        storages.register_backend("nonsense://x", key="x")
