"""Admin packages: the upload object of a form becomes a file, and an unused field changes nothing."""

import gc
import importlib
import io
import sys
import types
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flask_admin
import httpx
import pytest
import sqladmin
from flask import Flask
from flask_admin.form import FileUploadField
from sqladmin.fields import FileField as SQLAdminFileField
from sqlalchemy import create_engine, select
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, scoped_session, sessionmaker
from starlette.applications import Starlette
from starlette_admin.contrib.sqla import Admin as StarletteAdmin
from starlette_admin.contrib.sqla import ModelView as StarletteView
from starlette_admin.contrib.sqla.converters import register_converter
from starlette_admin.exceptions import FormValidationError
from starlette_admin.fields import BaseField, FileField
from wtforms import FileField as PlainFileField

from holdfast import FileObject, StoredObject, storages
from holdfast.errors import FileRejectedError


def flask_views() -> Any:
    """Return Flask-Admin's views of SQLAlchemy models; 2.2.1 cannot import them without Flask-SQLAlchemy."""
    name = "flask_admin.contrib.sqla"
    package = types.ModuleType(name)
    package.__path__ = [str(Path(flask_admin.__file__).parent / "contrib" / "sqla")]
    sys.modules[name] = package
    try:
        vars(importlib.import_module(f"{name}._types")).setdefault("T_SESSION", Session)
    finally:
        del sys.modules[name]
    return importlib.import_module(name)


FlaskView = flask_views().ModelView
PNG = bytes.fromhex("89504e470d0a1a0a") + b"one"
OTHER = bytes.fromhex("89504e470d0a1a0a") + b"two"

pytestmark = [
    pytest.mark.filterwarnings("ignore:Unclosed file:ResourceWarning"),  # of forms that these packages leave open
    pytest.mark.filterwarnings("ignore:Passing a session object:DeprecationWarning"),  # instead of Flask-SQLAlchemy's
]


class Base(DeclarativeBase):
    pass


class Document(Base):
    __tablename__ = "document"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str | None]
    file: Mapped[FileObject | None] = mapped_column(StoredObject("docs", accept=["image/*"], max_size=100))


@dataclass
class Site:
    """An admin application.

    Attributes:
        post: Sends a form: its path, its fields, and the name and content of the file.
        get: Returns a page.
        new: Path of the form for a new row.
        edit: Path of the form for row 1.
        listing: Path of the list.
        clear: The box that is ticked to remove a file, if there is one.
    """

    post: Callable[[str, Mapping[str, str], tuple[str, bytes]], Awaitable[tuple[int, str]]]
    get: Callable[[str], Awaitable[str]]
    new: str
    edit: str
    listing: str
    clear: str | None


def form(fields: Mapping[str, str], name: str, content: bytes) -> tuple[str, bytes]:
    """Return a form as a browser sends it, and its type; httpx leaves out an empty name."""
    head = "".join(
        f'--cut\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n' for field, value in fields.items()
    )
    head += f'--cut\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
    head += "Content-Type: application/octet-stream\r\n\r\n"
    return "multipart/form-data; boundary=cut", head.encode() + content + b"\r\n--cut--\r\n"


def asgi_site(app: Any, **paths: str) -> Site:
    """Return a site that is called as a server would."""
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://admin")

    async def get(path: str) -> str:
        answer = await client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def post(path: str, fields: Mapping[str, str], file: tuple[str, bytes]) -> tuple[int, str]:
        kind, body = form(fields, *file)
        await client.get(path)
        headers = {"content-type": kind, "x-csrftoken": client.cookies.get("starlette_admin_csrftoken", "")}
        answer = await client.post(path, content=body, headers=headers)
        return answer.status_code, answer.text

    return Site(post, get, **paths)


def sqladmin_site(engine: Any) -> Site:
    """Return sqladmin, which is told what the column's field is."""
    app = Starlette()

    class DocumentAdmin(sqladmin.ModelView, model=Document):
        column_list = ("id", "file")
        form_overrides = {"file": SQLAdminFileField}  # noqa: RUF012

    sqladmin.Admin(app, engine).add_view(DocumentAdmin)
    paths = {"new": "/admin/document/create", "edit": "/admin/document/edit/1", "listing": "/admin/document/list"}
    return asgi_site(app, **paths, clear="file_checkbox")


class StoredFileField(FileField):
    """A field of starlette-admin for a column of files."""

    async def serialize_value(self, request: Any, value: Any) -> Any:
        """Return what its pages show of files."""
        files = value if isinstance(value, list) else [value]
        shown = [
            {"filename": each.filename, "content_type": each.content_type, "url": await each.url_async()}
            for each in files
        ]
        return shown if self.multiple else shown[0]


def convert(name: str, type: StoredObject, column: Any, **_: Any) -> BaseField:  # noqa: A002
    """Return the field for a column."""
    return StoredFileField(name=name, multiple=type.multiple, required=not column.nullable)


class StarletteDocumentView(StarletteView):
    async def handle_exception(self, request: Any, error: Exception) -> None:
        """Show a refusal at its field."""
        if isinstance(error, FileRejectedError):
            raise FormValidationError({error.field or "file": str(error)})
        await super().handle_exception(request, error)


STARLETTE_PAGES = {"new": "create", "edit": "edit?pk=1", "listing": "detail?pk=1"}


def starlette_admin_site(engine: Any) -> Site:
    """Return starlette-admin, which is told once what all columns of files are."""
    register_converter(StoredObject)(convert)
    app = Starlette()
    admin = StarletteAdmin(engine, secret_key="a secret of this test's own, long enough")
    admin.add_view(StarletteDocumentView(Document))
    admin.mount_to(app)
    paths = {
        "new": "/admin/document/create",
        "edit": "/admin/document/edit?pk=1",
        "listing": "/admin/document/detail?pk=1",
    }
    return asgi_site(app, **paths, clear="_file-delete")


class FlaskFileField(FileUploadField):
    """Flask-Admin's field with a box to remove the file; its own writes to a folder."""

    def populate_obj(self, obj: Any, name: str) -> None:
        """Hand the upload to the column."""
        if self._should_delete:
            setattr(obj, name, None)
        elif self._is_uploaded_file(self.data):
            setattr(obj, name, self.data)


def flask_admin_site(engine: Any, field: Any = FlaskFileField) -> Site:
    """Return Flask-Admin, over WSGI."""
    app = Flask(__name__)
    app.secret_key = "a secret of this test's own"
    sessions = scoped_session(sessionmaker(engine))
    app.teardown_request(lambda _: sessions.remove())

    class DocumentAdmin(FlaskView):  # type: ignore[misc, valid-type]
        form_overrides = {"file": field}  # noqa: RUF012
        column_list = ("id", "file")

    flask_admin.Admin(app).add_view(DocumentAdmin(Document, sessions))
    client = app.test_client()

    async def get(path: str) -> str:
        with client.get(path) as answer:
            assert answer.status_code == 200, answer.text
            return str(answer.text)

    async def post(path: str, fields: Mapping[str, str], file: tuple[str, bytes]) -> tuple[int, str]:
        kind, body = form(fields, *file)
        with client.post(path, input_stream=io.BytesIO(body), content_length=len(body), content_type=kind) as answer:
            return answer.status_code, answer.text

    clear = "_file-delete" if field is FlaskFileField else None
    return Site(post, get, "/admin/document/new/", "/admin/document/edit/?id=1", "/admin/document/", clear)


SITES = {
    "sqladmin": (sqladmin_site, "pysqlite"),
    "sqladmin, async": (sqladmin_site, "aiosqlite"),
    "starlette-admin": (starlette_admin_site, "pysqlite"),
    "starlette-admin, async": (starlette_admin_site, "aiosqlite"),
    "Flask-Admin": (flask_admin_site, "pysqlite"),
    "Flask-Admin with a plain field": (lambda engine: flask_admin_site(engine, PlainFileField), "pysqlite"),
}


class Table:
    """What the rows and the storage hold."""

    def __init__(self, engine: Any, storage: Any) -> None:
        self._engine, self._storage = engine, storage

    def files(self) -> dict[str | None, tuple[str, str, bytes] | None]:
        """Return the files by the rows' titles."""
        with Session(self._engine) as session:
            rows = session.scalars(select(Document).order_by(Document.id)).all()
            return {
                row.title: row.file and (row.file.filename, row.file.content_type, row.file.get_content())
                for row in rows
            }

    def keys(self) -> list[str]:
        """Return the keys of all objects."""
        return [info.key for info in self._storage.list()]


@pytest.fixture
def table(tmp_path: Any) -> Any:
    """An empty table."""
    engine = create_engine(f"sqlite:///{tmp_path}/admin.db")
    Base.metadata.create_all(engine)
    storages.sign_urls(base_url="https://app.example.com/files", secret="a secret of this test's own, long enough")
    yield Table(engine, storages.register_backend("memory://", key="docs"))
    engine.dispose()


@pytest.fixture(params=SITES.values(), ids=SITES)
async def site(request: pytest.FixtureRequest, tmp_path: Any, table: Table) -> Any:
    """An admin application on that table."""
    make, driver = request.param
    url = f"sqlite+{driver}:///{tmp_path}/admin.db"
    engine = create_engine(url) if driver == "pysqlite" else create_async_engine(url)
    yield make(engine)
    if driver == "pysqlite":
        engine.dispose()
    else:
        await engine.dispose()
    gc.collect()  # while the filter above holds


async def test_a_row_with_a_file(site: Site, table: Table) -> None:
    """It is created, shown, kept when the form is sent again, replaced, and cleared."""
    status, text = await site.post(site.new, {"title": "a"}, ("a.png", PNG))
    assert status in {302, 303}, text
    assert table.files() == {"a": ("a.png", "image/png", PNG)}
    before = table.keys()
    for path in (site.listing, site.edit):
        shown = await site.get(path)
        assert "a.png" in shown or site.clear is None  # a plain field shows nothing
        assert before[0] not in shown
    await site.post(site.edit, {"title": "kept"}, ("", b""))
    assert table.files() == {"kept": ("a.png", "image/png", PNG)}
    assert table.keys() == before
    await site.post(site.edit, {"title": "new"}, ("b.png", OTHER))
    assert table.files() == {"new": ("b.png", "image/png", OTHER)}
    assert len(table.keys()) == 1
    if site.clear is not None:
        await site.post(site.edit, {"title": "cleared", site.clear: "on"}, ("", b""))
        assert (table.files(), table.keys()) == ({"cleared": None}, [])


async def test_a_row_without_a_file(site: Site, table: Table) -> None:
    """Nobody has used the field."""
    status, text = await site.post(site.new, {"title": "a"}, ("", b""))
    assert status in {302, 303}, text
    await site.post(site.edit, {"title": "b"}, ("", b""))
    assert (table.files(), table.keys()) == ({"b": None}, [])


@pytest.mark.parametrize(
    ("name", "content", "words"), [("a.png", b"<script>", "text/html"), ("a.png", PNG * 20, "100")]
)
async def test_a_file_that_is_refused(site: Site, table: Table, name: str, content: bytes, words: str) -> None:
    """The form is shown again with the reason, and nothing is kept."""
    status, text = await site.post(site.new, {"title": "a"}, (name, content))
    assert status in {200, 400, 422}
    assert words in text
    assert (table.files(), table.keys()) == ({}, [])
