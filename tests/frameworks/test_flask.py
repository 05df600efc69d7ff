"""Flask: files in JSON, downloads, forms that stream, ready-made routes, signed URLs."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, jsonify, request
from flask.json.provider import JSONProvider
from flask.testing import FlaskClient
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from holdfast import FileObject, StoredObject, storages
from holdfast.contrib.flask import FileResponse, file_blueprint, init_app, upload_form
from holdfast.errors import ConfigurationError, FileRejectedError
from holdfast.serving.wsgi import ServePolicy, SignedFiles

SECRET = "a secret of this test's own, long enough"


class Base(DeclarativeBase):
    pass


class Document(Base):
    __tablename__ = "flask_document"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str | None]
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs", max_size=100_000))
    pages: Mapped[list[FileObject] | None] = mapped_column(StoredObject(backend="docs", multiple=True))


@pytest.fixture(autouse=True)
def docs(tmp_path: Any) -> Any:
    """A storage on the local disk."""
    (tmp_path / "docs").mkdir()
    return storages.register_backend(f"file://{tmp_path}/docs", key="docs")


@pytest.fixture
def sessions(tmp_path: Any) -> Iterator[Any]:
    """What makes sessions on a database with a row of mine, without a file."""
    engine = create_engine(f"sqlite:///{tmp_path}/flask.db")
    Base.metadata.create_all(engine)
    maker = sessionmaker(engine)
    with maker() as session:
        session.add(Document(id=1, owner="me"))
        session.commit()
    yield maker
    engine.dispose()


@pytest.fixture
def app() -> Flask:
    """An application that knows of files."""
    made = Flask(__name__)
    init_app(made)
    return made


def saved(content: bytes = b"0123456789", name: str = "Übersicht.txt") -> FileObject:
    """Return a stored file."""
    return FileObject(backend="docs", filename=name, content=content, metadata={"n": 1}).save()


def form(content: bytes, name: str = "ü.txt", **fields: str) -> dict[str, Any]:
    """Return the options of a request that sends a form; the test client would leave a temporary file open."""
    parts = [f'--b\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{text}\r\n' for key, text in fields.items()]
    parts.append(f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n')
    body = "".join(parts).encode() + content + b"\r\n--b--\r\n"
    return {"data": body, "content_type": "multipart/form-data; boundary=b"}


# --- files in JSON


def test_a_file_in_json(app: Flask) -> None:
    """Its description and a URL, if somebody signs; neither storage nor key; other types as ever."""

    @app.get("/")
    def show() -> Any:
        return {"file": file, "files": [file], "set": jsonify(file).get_json()["filename"]}

    @app.get("/other")
    def other() -> Any:
        return {"other": object()}

    file = saved()
    client = app.test_client()
    answer = client.get("/")
    assert answer.json is not None
    assert answer.json["file"] == answer.json["files"][0] == {**file.describe(), "url": None}
    assert answer.json["set"] == "Übersicht.txt"
    assert client.get("/other").status_code == 500
    storages.sign_urls("http://flask.test/files", SECRET)
    answer = client.get("/")
    assert answer.json is not None
    assert answer.json["file"]["url"].startswith("http://flask.test/files/")
    assert str(file.path) not in answer.text
    assert "docs" not in answer.text


def test_another_json_provider() -> None:
    """An application's own, which is not Flask's, stays as it is."""

    class Own(JSONProvider):
        def dumps(self, obj: Any, **options: Any) -> str:
            return "own"

    app = Flask(__name__)
    app.json = Own(app)
    init_app(app)
    app.get("/")(lambda: {"file": saved()})
    assert app.test_client().get("/").text == "own"


def test_errors(app: Flask) -> None:
    """What goes wrong with a file has its status and its JSON."""

    @app.get("/rejected")
    def rejected() -> None:
        raise FileRejectedError("no", code="type_not_accepted", field="file")

    @app.get("/missing")
    def missing() -> Any:
        return FileResponse(FileObject(backend="docs", filename="missing"))

    client = app.test_client()
    for path, status, code in (("/rejected", 415, "type_not_accepted"), ("/missing", 404, "not_found")):
        answer = client.get(path)
        assert answer.json is not None
        assert (answer.status_code, answer.json["code"]) == (status, code)


# --- downloads


@pytest.mark.parametrize("storage", ["docs", "memory"])
def test_a_download(app: Flask, storage: str) -> None:
    """Ranges, conditions, HEAD, safe headers; cookies and headers as on any response. Files are closed."""
    storages.register_backend("memory://", key="memory")
    data = bytes(range(256)) * 4096
    file = FileObject(backend=storage, filename="Ü.txt", content=data).save()

    @app.get("/")
    def download() -> FileResponse:
        answer = FileResponse(file, policy=ServePolicy(cache_control="private, max-age=60"))
        answer.headers["X-Own"] = "1"
        answer.set_cookie("seen", "yes")
        return answer

    client = app.test_client()
    with client.get("/") as whole:
        assert (whole.status_code, whole.data) == (200, data)
        assert whole.headers["Content-Length"] == str(len(data))
        assert (whole.headers["X-Own"], whole.headers["Cache-Control"]) == ("1", "private, max-age=60")
        assert whole.headers["Set-Cookie"].startswith("seen=yes")
        assert whole.headers["X-Content-Type-Options"] == "nosniff"
        assert whole.headers["Content-Disposition"].startswith("attachment;")
    with client.get("/", headers={"Range": "bytes=-3"}) as part:
        assert (part.status_code, part.data) == (206, b"\xfd\xfe\xff")
        assert part.headers["Content-Range"] == f"bytes {len(data) - 3}-{len(data) - 1}/{len(data)}"
    with client.get("/", headers={"If-None-Match": whole.headers["ETag"]}) as unchanged:
        assert (unchanged.status_code, unchanged.data) == (304, b"")
        assert "Content-Type" not in unchanged.headers
        assert unchanged.headers["ETag"] == whole.headers["ETag"]
    with client.head("/") as head:
        assert (head.status_code, head.headers["Content-Length"], head.data) == (200, str(len(data)), b"")
    with client.get("/", headers={"Range": "bytes=9999999-"}) as beyond:
        assert beyond.status_code == 416


# --- uploads


def test_a_form_that_streams(app: Flask, sessions: Any, docs: Any) -> None:
    """The file is in the storage when the view goes on; a refused one leaves nothing, and so does a lost client."""

    @app.post("/upload")
    def upload() -> Any:
        with upload_form(request, {"file": Document.file}) as received, sessions() as session:
            document = Document(owner=received.get("owner"), file=received.files["file"])
            session.add(document)
            session.commit()
            return {"owner": document.owner, "file": document.file}, 201

    client = app.test_client()
    data = b"x" * 100_000
    answer = client.post("/upload", **form(data, owner="me"))
    assert answer.json is not None
    assert (answer.status_code, answer.json["owner"], answer.json["file"]["size"]) == (201, "me", 100_000)
    larger = client.post("/upload", **form(data + b"y"))
    assert larger.json is not None
    assert (larger.status_code, larger.json["code"], larger.json["field"]) == (413, "too_large", "file")
    cut = form(b"abc")
    cut["data"] = cut["data"][:-10]
    assert client.post("/upload", **cut).status_code == 400
    assert client.post("/upload", headers={"Content-Length": "1000"}, **cut).status_code == 400
    assert client.post("/upload", json={}).status_code == 415
    assert [info.size for info in docs.list()] == [100_000]


@pytest.mark.parametrize("size", [10, 3_000_000])
def test_upload_objects(app: Flask, sessions: Any, docs: Any, size: int) -> None:
    """In memory or, as larger ones, on disk; fresh or read from: a row gets the whole file."""

    @app.post("/upload")
    def upload() -> Any:
        file = request.files["file"]
        file.stream.read(4)
        with sessions() as session:
            document = Document(pages=[file, FileObject(content=file, filename="other")])
            session.add(document)
            session.commit()
            return jsonify(document.pages)

    data = b"0123456789" * (size // 10)
    with app.test_client().post("/upload", **form(data)) as answer:
        assert [(page["filename"], page["size"]) for page in answer.json or ()] == [("ü.txt", size), ("other", size)]
    assert [docs.read(info.key) for info in docs.list()] == [data, data]


# --- ready-made routes


def may(request: Any, action: str, document: Document) -> bool:
    """Allow what a row's owner does."""
    return document.owner == request.headers.get("X-User")


ME, OTHER = {"X-User": "me"}, {"X-User": "other"}


@pytest.fixture
def client(sessions: Any) -> FlaskClient:
    """A client of an application that has the routes, and nothing else of Holdfast's."""
    app = Flask(__name__)
    app.register_blueprint(file_blueprint(Document.file, session=sessions, authorize=may, url_prefix="/documents"))
    return app.test_client()


def test_routes(client: FlaskClient, docs: Any) -> None:
    """A file goes up, comes down, and goes."""
    data = b"x" * 100_000
    answer = client.put("/documents/1", headers=ME, **form(data))
    assert answer.json is not None
    assert (answer.status_code, answer.json["filename"], answer.json["url"]) == (200, "ü.txt", None)
    with client.get("/documents/1", headers=ME) as download:
        assert download.data == data
    with client.head("/documents/1", headers=ME) as head:
        assert (head.headers["Content-Length"], head.data) == ("100000", b"")
    refused = client.put("/documents/1", headers=ME, **form(data + b"y"))
    assert refused.json is not None
    assert (refused.status_code, refused.json["code"], refused.json["limit"]) == (413, "too_large", 100_000)
    storages.sign_urls("http://flask.test/files", SECRET)
    signed = client.get("/documents/1/url", headers=ME)
    assert signed.json is not None
    assert signed.json["url"].startswith("http://flask.test/files/")
    assert client.delete("/documents/1", headers=ME).status_code == 204
    assert list(docs.list()) == []


def test_s30_unknown_and_forbidden_alike(client: FlaskClient, sessions: Any) -> None:
    """Somebody else's row, one that is not there, what is no key, and a row without a file get one answer."""
    asked = {"filename": "a", "size": 1, "content_type": "text/plain"}
    for method, path, options in (
        ("GET", "", {}),
        ("GET", "/url", {}),
        ("DELETE", "", {}),
        ("PUT", "", form(b"a")),
        ("POST", "/ticket", {"json": asked}),
        ("POST", "/claim", {"json": {"token": "x"}}),
    ):
        rows = ["2", "x", "%00"] + (["1"] if not options else [])
        answers = [client.open(f"/documents/1{path}", method=method, headers=OTHER, **options)]
        answers += [client.open(f"/documents/{key}{path}", method=method, headers=ME, **options) for key in rows]
        assert {answer.status_code for answer in answers} == {404}, (method, path)
        assert len({answer.data for answer in answers}) == 1
    with pytest.raises(TypeError):
        file_blueprint(Document.file, session=sessions)  # type: ignore[call-arg]


class Contract(Base):
    __tablename__ = "flask_contract"
    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject] = mapped_column(StoredObject(backend="docs"))


def test_a_file_that_must_be_there(sessions: Any) -> None:
    """It cannot be deleted."""
    app = Flask(__name__)
    app.register_blueprint(file_blueprint(Contract.file, session=sessions, authorize=may))
    assert app.test_client().delete("/1").status_code == 405


def test_authorize_cannot_be_async(sessions: Any) -> None:
    """Nobody could await it, and its coroutine would be true."""

    async def allow(*_: Any) -> bool:
        return False

    app = Flask(__name__)
    app.config["PROPAGATE_EXCEPTIONS"] = True
    app.register_blueprint(file_blueprint(Document.file, session=sessions, authorize=allow))
    with pytest.raises(ConfigurationError, match="authorize= is async"):
        app.test_client().get("/1")


def test_a_ticket_and_its_claim(client: FlaskClient) -> None:
    """The client uploads by itself, to Holdfast's own URLs, which the application serves beside the routes."""
    storages.sign_urls("http://localhost/files", SECRET)
    client.application.wsgi_app = DispatcherMiddleware(  # type: ignore[method-assign]
        client.application.wsgi_app, {"/files": SignedFiles()}
    )
    asked = {"filename": "ü.txt", "size": 5, "content_type": "text/plain"}
    ticket = client.post("/documents/1/ticket", json=asked, headers=ME)
    assert ticket.status_code == 201
    assert ticket.json is not None
    upload = ticket.json
    sent = client.open(upload["url"], method=upload["method"], headers=upload["headers"], data=b"hello")
    assert sent.status_code < 300
    claim = {"token": upload["token"]}
    claimed = client.post("/documents/1/claim", json=claim, headers=ME)
    assert claimed.json is not None
    assert (claimed.status_code, claimed.json["size"]) == (200, 5)
    with client.get("/documents/1", headers=ME) as download:
        assert download.data == b"hello"
    assert client.post("/documents/1/claim", json=claim, headers=ME).status_code == 403


def test_what_is_no_json(client: FlaskClient) -> None:
    """Wrong fields, another type, and more than a ticket needs are refused."""
    for path in ("ticket", "claim"):
        url = f"/documents/1/{path}"
        for wrong in ({}, [], {"token": 1}, {"filename": "a", "size": True, "content_type": "x"}):
            assert client.post(url, json=wrong, headers=ME).status_code == 400
        assert client.post(url, data=b'{"token": "x"}', content_type="text/plain", headers=ME).status_code == 400
        large = b'{"token": "' + b"x" * 100_000 + b'"}'
        assert client.post(url, data=large, content_type="application/json", headers=ME).status_code == 413


def test_signed_urls_of_a_local_folder() -> None:
    """The mounted application serves what `sign` returns."""
    storages.sign_urls("http://localhost/files", SECRET)
    app = Flask(__name__)
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/files": SignedFiles()})  # type: ignore[method-assign]
    with app.test_client().get(saved().sign()) as answer:
        assert (answer.status_code, answer.data) == (200, b"0123456789")
