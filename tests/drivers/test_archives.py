"""What the drivers for zip and tar promise beyond the contract: hostile archives, other file systems, refusals."""

import io
import secrets
import stat
import tarfile
import tracemalloc
import zipfile

import fsspec
import pytest

from holdfast.backends.fsspec import FSSpecBackend
from holdfast.errors import AccessDeniedError, ConfigurationError, InvalidKeyError, StorageError, UnsupportedError

MIB = 1024 * 1024
CLIMBING = ["../x", "a/../../x", "/etc/passwd", "a\\..\\x", "a//b", "./y/../x"]


@pytest.fixture
def zip_path(tmp_path):
    """A zip archive with files, folders, entries that climb, and a link."""
    path = tmp_path / "files.zip"
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/x", "old")
        archive.mkdir("empty folder")
        archive.writestr(link, "/etc/passwd")
        for name in CLIMBING:
            archive.writestr(name, "outside")
    return path


@pytest.fixture
def tar_path(tmp_path):
    """The same as a tar archive, with a hard link and a device besides."""
    path = tmp_path / "files.tar"
    with tarfile.open(path, "w") as archive:
        for name in ["a/x", *CLIMBING]:
            info = tarfile.TarInfo(name)
            info.size = 3
            archive.addfile(info, io.BytesIO(b"old"))
        for name, kind in [("link", tarfile.SYMTYPE), ("hard", tarfile.LNKTYPE), ("device", tarfile.CHRTYPE)]:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    return path


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_b15_zip_and_tar(kind, request):
    """`fs="zip", fo=path`, and a file system that the user made; what climbs is not there, links are not followed."""
    path = request.getfixturevalue(f"{kind}_path")
    for storage in [
        FSSpecBackend("docs", fs=kind, fo=str(path)),
        FSSpecBackend("docs", fs=fsspec.filesystem(kind, fo=str(path))),
    ]:
        assert [info.key for info in storage.list()] == ["a/x"]
        assert storage.read("a/x") == b"old"
        for name in ["link", "hard", "device", "x", "etc/passwd", "empty folder"]:
            assert not storage.exists(name)
        for name in CLIMBING:
            with pytest.raises(InvalidKeyError):
                storage.read(name)
        for operation, *arguments in [("put", "y", b"bytes"), ("delete", "a/x"), ("copy", "a/x", "y"), ("sign", "a/x")]:
            with pytest.raises(UnsupportedError):
                getattr(storage, operation)(*arguments)


async def test_b15_an_archive_on_another_file_system(zip_path, s3_bucket):
    """An archive is read where it lies, in S3 here, sync and async."""
    s3 = fsspec.filesystem("s3", **s3_bucket.s3fs)
    s3.pipe_file(f"{s3_bucket.name}/files.zip", zip_path.read_bytes())
    for storage in [
        FSSpecBackend("docs", "zip", fo=f"s3://{s3_bucket.name}/files.zip", target_options=s3_bucket.s3fs),
        FSSpecBackend("docs", fsspec.filesystem("zip", fo=s3.open(f"{s3_bucket.name}/files.zip"))),
    ]:
        assert await storage.read_async("a/x") == b"old"
        assert [info.key async for info in storage.list_async("a")] == ["a/x"]


@pytest.mark.parametrize("mode", ["w", "a"])
def test_b15_an_archive_is_not_written(zip_path, mode):
    """What is put into a zip is on the disk only after it is closed, which is no storage: the mode is refused."""
    with pytest.raises(ConfigurationError, match="read-only"):
        FSSpecBackend("docs", "zip", fo=str(zip_path), mode=mode)
    with zipfile.ZipFile(zip_path) as archive:
        assert archive.read("a/x") == b"old"


def test_a_missing_archive_is_no_missing_object(tmp_path):
    """A path that is wrong shows at the first use, as what it is."""
    storage = FSSpecBackend("docs", "zip", fo=str(tmp_path / "missing.zip"))
    with pytest.raises(ConfigurationError, match=r"missing\.zip"):
        storage.exists("x")


def test_a_damaged_archive(zip_path, tmp_path):
    """Damaged bytes are an error of the storage, when the archive is opened or when a file in it is read."""
    data = bytearray(zip_path.read_bytes())
    data[data.index(b"old")] ^= 1
    zip_path.write_bytes(data)
    with pytest.raises(StorageError, match="CRC"):
        FSSpecBackend("docs", "zip", fo=str(zip_path)).read("a/x")
    for kind in ["zip", "tar"]:
        path = tmp_path / "none"
        path.write_bytes(b"no archive at all")
        with pytest.raises(StorageError):
            FSSpecBackend("docs", kind, fo=str(path)).exists("x")


def lie(path, size):
    """Make a zip whose directory tells a wrong size of its file x."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x", b"abc" * 10)
        archive.filelist[0].file_size = size


@pytest.mark.parametrize("size", [31, 2**50, 2**63 + 5])
def test_a_size_that_is_a_lie(tmp_path, size):
    """Fewer bytes than told are an error, read whole, in chunks or from anywhere on; nothing runs for ever."""
    lie(tmp_path / "x.zip", size)
    storage = FSSpecBackend("docs", "zip", fo=str(tmp_path / "x.zip"))
    for read in [
        lambda: storage.read("x"),
        lambda: list(storage.stream("x", chunk_size=7)),
        lambda: storage.read("x", start=29, end=31),
        lambda: storage.read("x", start=30, end=31),
        lambda: storage.read("x", start=size - 1),
    ]:
        with pytest.raises(StorageError):
            read()


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_DEFLATED])
def test_a_small_archive_of_a_large_file(tmp_path, compression):
    """However much comes out of a few bytes, no more is unpacked than is read."""
    with zipfile.ZipFile(tmp_path / "x.zip", "w", compression) as archive:
        archive.writestr("x", bytes(64 * MIB))
        archive.writestr("y", b"0123456789")
    storage = FSSpecBackend("docs", "zip", fo=str(tmp_path / "x.zip"))
    assert storage.read("y", start=3, end=5) == b"34"
    assert storage.read("y") == b"0123456789"
    tracemalloc.start()
    try:
        stream = storage.stream("x", chunk_size=65536)
        assert next(stream) == bytes(65536)
        assert tracemalloc.get_traced_memory()[1] < 16 * MIB  # LZMA has a dictionary of 8
    finally:
        tracemalloc.stop()
    assert sum(map(len, stream)) == 64 * MIB - 65536


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damage_in_other_compressions(tmp_path, compression):
    """Changed bytes, a wrong checksum and an end that is missing are errors of the storage."""
    content = secrets.token_bytes(5000)
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("x", content)
    good = path.read_bytes()
    assert FSSpecBackend("docs", "zip", fo=str(path)).read("x") == content
    directory = good.index(b"PK\x01\x02")
    for place, damage in [(directory - 600, b"damage"), (directory + 16, b"\0\0\0\0"), (directory + 20, b"\x10\1\0\0")]:
        path.write_bytes(good[:place] + damage + good[place + len(damage) :])
        with pytest.raises(StorageError):
            FSSpecBackend("docs", "zip", fo=str(path)).read("x")


def test_lzma_with_a_dictionary_of_gigabytes(tmp_path):
    """All of its memory would be taken before the first byte comes out: it is refused."""
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("x", b"bytes")
    data = bytearray(path.read_bytes())
    start = 30 + len("x") + 4  # the local header, the name, and what stands before the properties
    data[start + 1 : start + 5] = b"\xff" * 4
    path.write_bytes(data)
    with pytest.raises(StorageError, match="memory"):
        FSSpecBackend("docs", "zip", fo=str(path)).read("x")


def test_an_encrypted_file(zip_path):
    """A file that needs a password is there, and cannot be read."""
    data = bytearray(zip_path.read_bytes())
    for mark, offset in [(b"PK\x03\x04", 6), (b"PK\x01\x02", 8)]:
        data[data.index(mark) + offset] |= 1
    zip_path.write_bytes(data)
    storage = FSSpecBackend("docs", "zip", fo=str(zip_path))
    assert storage.exists("a/x")
    with pytest.raises(AccessDeniedError, match="encrypted"):
        storage.read("a/x")
