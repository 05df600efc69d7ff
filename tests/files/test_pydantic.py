"""Files in Pydantic models: metadata on the way out; a client's JSON never chooses a storage or a key."""

import json
import subprocess
import sys

import msgspec
import pytest
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from holdfast import FileObject, StorageBackend, storages
from holdfast.backends.obstore import ObstoreBackend
from holdfast.errors import FileStateError
from holdfast.file_schema import shown
from tests.files.conftest import Twin, keys


class Document(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    title: str = ""
    file: FileObject | None = None
    pages: list[FileObject] = []


@pytest.fixture
def file(memory: StorageBackend) -> FileObject:
    """A stored file."""
    metadata = {"n": [1], "holdfast": {"internal": 1}}
    return FileObject(backend="docs", filename="a.txt", content=b"x", metadata=metadata).save()


def test_b46_what_goes_out(file: FileObject) -> None:
    """Name, type, size, times and metadata; neither storage nor key, nor what is internal."""
    out = Document(file=file, pages=[file]).model_dump()
    assert out["file"] == out["pages"][0]
    assert out["file"] == {
        "filename": "a.txt",
        "content_type": "text/plain",
        "size": 1,
        "last_modified": file.last_modified,
        "checksum": file.checksum,
        "etag": file.etag,
        "metadata": {"n": [1]},
        "url": None,
    }
    text = Document(file=file).model_dump_json()
    assert json.loads(text)["file"] == out["file"]
    assert file.path not in text
    assert "docs" not in text


def test_b46_a_url_goes_out(file: FileObject) -> None:
    """Where a URL takes no request: Holdfast's own, or the public one; it names the file to nobody who may not know."""
    storages.sign_urls(base_url="https://app.example.com/files", secret="what only the application knows")
    try:
        url = Document(file=file).model_dump()["file"]["url"]
        assert url.startswith("https://app.example.com/files/")
        assert storages.signed_urls.read(url.split("/")[-2], "GET").key == file.path
        assert json.loads(Document(file=file).model_dump_json())["file"]["url"].startswith("https://app.example.com/")
    finally:
        storages.signed_urls = None
    storages.register_backend(ObstoreBackend("docs", "memory://", public_url="https://cdn.example.com/"))
    assert shown(file)["url"] == f"https://cdn.example.com/{file.path}"


@pytest.mark.parametrize(
    "file",
    [
        FileObject(filename="a.txt", content=b"x"),
        FileObject.from_row({"filename": 7}),
        FileObject.from_row({"backend": "gone", "filename": "a.txt"}),
        FileObject.describing({"filename": "a.txt"}),
    ],
    ids=["pending", "malformed", "of no storage", "described"],
)
def test_b46_files_without_a_url(file: FileObject) -> None:
    """One of them among many does not spoil the answer."""
    assert Document(file=file).model_dump()["file"]["url"] is None


def test_a_client_sends_a_url(file: FileObject) -> None:
    """What it was shown it may send back; the URL is ignored."""
    sent = {"filename": "a.txt", "url": "https://evil.example.com/"}
    assert shown(Document.model_validate({"file": sent}).file)["url"] is None


@pytest.mark.parametrize("form", ["python", "json"])
def test_b46_the_round_trip(file: FileObject, form: str) -> None:
    """model_validate(model_dump()) gives the description again: name, type, size and metadata."""
    document = Document(title="t", file=file)
    if form == "json":
        again = Document.model_validate_json(document.model_dump_json())
    else:
        again = Document.model_validate(document.model_dump())
    for name in ("filename", "content_type", "size"):
        assert getattr(again.file, name) == getattr(file, name)
    assert again.file.metadata == {"n": [1]}
    assert again.file.path is None
    assert Document.model_validate({"file": None}).file is None


HOSTILE = {
    "filename": "a.txt",
    "backend": "docs",
    "path": "secret.txt",
    "to_filename": "secret.txt",
    "size": 7,
    "checksum": "sha256:00",
    "etag": "x",
    "version_id": "x",
    "source_path": "/etc/passwd",
    "content": "x",
    "_path": "secret.txt",
    "_owned": True,
    "metadata": {"holdfast": {"internal": 1}, "n": 1},
}


@pytest.mark.parametrize("form", ["python", "json"])
async def test_b46_s7_a_client_cannot_choose(memory: StorageBackend, twin: Twin, form: str) -> None:
    """Storage, key, checksum and every flag of a client's JSON are ignored; I/O and bind refuse the rest."""
    memory.put("secret.txt", b"secret")
    memory.put("a.txt", b"another's")
    client = {"file": HOSTILE}
    validate = Document.model_validate if form == "python" else Document.model_validate_json
    file = validate(client if form == "python" else json.dumps(client)).file
    assert (file.path, file.to_filename, file.backend_key, file.is_stored) == (None, None, None, False)
    assert (file.checksum, file.etag, file.version_id, file._owned) == (None, None, None, False)
    assert file.metadata == {"n": 1}
    assert file.has_pending_data is False
    file._default_backend("docs")
    for call in (file.get_content, file.delete, file.exists, file.refresh, file.sign, file.save):
        with pytest.raises(FileStateError, match="only a description"):
            await twin(call)
    assert len(keys(memory)) == 2


async def test_a_description_can_be_given_content(memory: StorageBackend, twin: Twin) -> None:
    """The server may take the client's description and store what the client sent beside it."""
    file = TypeAdapter(FileObject).validate_python({"filename": "secret.txt", "metadata": {"n": 1}})
    file._default_backend("docs")
    await twin(file.save, b"content")
    assert file.path.endswith("-secret.txt")
    assert (file.size, file.metadata) == (7, {"n": 1})
    again = FileObject.from_row(file.to_dict())
    assert (again, hash(again)) == (file, hash(file))


@pytest.mark.parametrize(
    "client",
    [
        {},
        {"filename": ""},
        {"filename": 7},
        {"filename": None},
        {"filename": "a" * 5000},
        {"filename": "a", "size": -1},
        {"filename": "a", "size": "many"},
        {"filename": "a", "content_type": 7},
        {"filename": "a", "metadata": []},
        {"filename": "a", "metadata": {"a": "b" * 100_000}},
        {"filename": "a", "metadata": {"a": float("nan")}},
        "a.txt",
        7,
    ],
)
def test_what_is_no_description(client: object) -> None:
    """Wrong types and sizes are a ValidationError, as Pydantic's users expect."""
    with pytest.raises(ValidationError):
        Document.model_validate({"file": client})


def test_metadata_that_are_too_deep() -> None:
    """A client's nesting is bounded."""
    text = '{"file": {"filename": "a", "metadata": {"a": ' + "[" * 100 + "]" * 100 + "}}}"
    with pytest.raises(ValidationError, match="nested deeper"):
        Document.model_validate_json(text)


def test_instances_pass_as_they_are(file: FileObject) -> None:
    """A file that the server made is the file."""
    assert Document(file=file).file is file


def test_from_attributes(file: FileObject) -> None:
    """An object with files as attributes, such as a row, is read as it is."""

    class Row:
        title, pages = "t", [file]

    Row.file = file
    document = Document.model_validate(Row())
    assert document.file is file
    assert document.pages[0] is file


@pytest.mark.parametrize("mode", ["validation", "serialization"])
def test_json_schema(mode: str) -> None:
    """Both schemas exist, for OpenAPI, and none of them shows a storage or a key."""
    schema = Document.model_json_schema(mode=mode)
    text = json.dumps(schema)
    assert '"filename"' in text
    assert not [name for name in ("backend", "to_filename", "path") if f'"{name}"' in text]
    assert ('"url"' in text) == (mode == "serialization")


def test_msgspec_and_json(file: FileObject) -> None:
    """Other serialisers take describe() as their hook."""
    assert msgspec.json.decode(msgspec.json.encode(file, enc_hook=FileObject.describe))["size"] == 1
    assert json.loads(json.dumps(file, default=FileObject.describe))["filename"] == "a.txt"


def test_pydantic_is_not_imported() -> None:
    """Holdfast works without Pydantic and never loads it by itself."""
    code = (
        "import sys; sys.modules['pydantic'] = sys.modules['pydantic_core'] = None\n"
        "from holdfast import FileObject, storages\n"
        "storages.register_backend('memory://', key='docs')\n"
        "FileObject(backend='docs', filename='a', content=b'x').save().describe()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
