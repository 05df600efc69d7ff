"""Tickets: what a client is given, and what it cannot have."""

import json
import time

import pytest
from sqlalchemy import Column
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from holdfast import FileObject, StoredObject, storages
from holdfast.drivers.protocol import MIB
from holdfast.errors import ConfigurationError, FileRejectedError, InvalidKeyError, UnsupportedError
from holdfast.keys import find_id, id_time
from holdfast.uploads import Ticket, issue, issue_async
from tests.uploads.conftest import BASE_URL
from tests.uploads.parcels import STORAGE, Parcel

pytestmark = pytest.mark.usefixtures("signing")

HELLO = {"filename": "hello.txt", "size": 5, "content_type": "text/plain", "purpose": "user:ada"}


@pytest.fixture(autouse=True)
def parcels(memory):
    """The storage, in memory."""
    yield storages.register_backend(memory)
    storages._backends.pop(STORAGE, None)


@pytest.fixture(params=["sync", "async"])
def ask(request):
    """Issue a ticket with one of the twins."""

    async def call(column=Parcel.file, **options) -> Ticket:
        options = {**HELLO, **options}
        return issue(column, **options) if request.param == "sync" else await issue_async(column, **options)

    return call


def granted(ticket: Ticket):
    """Return what the URL of a ticket allows."""
    return storages.signed_urls.read(ticket.url.split("/")[-2], "PUT")


async def test_s8_the_server_chooses_the_key_and_binds_what_was_agreed_on(ask) -> None:
    """A fresh key of the column's scheme; size, type and checksum are part of what is signed."""
    checksum = "sha256:" + "0" * 64
    ticket = await ask(filename="../../etc/Hällo.txt", checksum=checksum, expires_in=60)
    grant = granted(ticket)
    assert grant.key.endswith("-Hallo.txt")
    assert abs(id_time(find_id(grant.key)) - time.time()) < 60
    assert grant[:2] == ("PUT", STORAGE)
    assert (grant.size, grant.content_type, grant.checksum, grant.if_absent) == (5, "text/plain", checksum, True)
    assert abs(grant.expires_at - time.time() - 60) < 30
    assert granted(await ask()).key != grant.key


async def test_a_ticket_is_json(ask) -> None:
    """All of it, and a browser needs nothing else."""
    told = json.loads(json.dumps((await ask()).to_dict()))
    assert told.keys() == {
        "token",
        "protocol",
        "method",
        "url",
        "headers",
        "fields",
        "parts",
        "part_size",
        "expires_at",
    }
    assert (told["protocol"], told["method"], told["headers"]) == ("put", "PUT", {"content-type": "text/plain"})
    assert told["url"].startswith(BASE_URL)


async def test_s22_a_ticket_does_not_show_what_it_opens(ask) -> None:
    """Neither token nor URL are in its repr."""
    ticket = await ask()
    assert ticket.token not in repr(ticket)
    assert ticket.url not in repr(ticket)


@pytest.mark.parametrize(
    ("declared", "code"),
    [
        ({"size": -1}, "wrong_size"),
        ({"size": 2**63}, "wrong_size"),
        ({"size": "5"}, "wrong_size"),
        ({"size": True}, "wrong_size"),
        ({"size": None}, "wrong_size"),
        ({"filename": ""}, "invalid"),
        ({"filename": 5}, "invalid"),
        ({"content_type": ""}, "type_not_accepted"),
        ({"content_type": None}, "type_not_accepted"),
        ({"content_type": "text"}, "type_not_accepted"),
        ({"content_type": "text/html\r\nX-Amz-Acl: public-read"}, "type_not_accepted"),
        ({"checksum": "sha256:00"}, "wrong_checksum"),
        ({"checksum": "md5:" + "0" * 64}, "wrong_checksum"),
        ({"checksum": 5}, "wrong_checksum"),
    ],
)
async def test_s7_what_a_client_declares_is_checked(ask, declared, code) -> None:
    """Nonsense is refused as a file that breaks a rule, as it comes from a client."""
    with pytest.raises(FileRejectedError) as caught:
        await ask(**declared)
    assert (caught.value.code, caught.value.field) == (code, "file")


@pytest.mark.parametrize(
    ("declared", "code"),
    [
        ({"size": 1001}, "too_large"),
        ({"filename": "a.pdf", "content_type": "application/pdf"}, "type_not_accepted"),
        ({"filename": "a.html"}, "type_mismatch"),
    ],
)
async def test_the_rules_of_the_column_hold_before_the_upload(ask, declared, code) -> None:
    """What would be refused whatever is in it gets no ticket."""
    with pytest.raises(FileRejectedError) as caught:
        await ask(Parcel.photo, **{"filename": "a.png", "content_type": "image/png", "size": 1000, **declared})
    assert (caught.value.code, caught.value.field) == (code, "photo")


@pytest.mark.parametrize(
    "options",
    [
        {"purpose": ""},
        {"purpose": None},
        {"purpose": "x" * 256},
        {"expires_in": 0},
        {"expires_in": 12 * 3600 + 1},
        {"expires_in": 1.5},
        {"protocol": "tus"},
    ],
)
async def test_what_the_application_says_is_checked(ask, options) -> None:
    """A ticket has a purpose, and ends long before a sweep takes its upload for garbage."""
    with pytest.raises(ConfigurationError):
        await ask(**options)


async def test_a_long_name_is_cut(ask) -> None:
    """A token has a limit, whatever a client calls its file; the extension survives."""
    ticket = await ask(filename="😀" * 5000 + ".png", purpose="😀" * 255, expires_in=12 * 3600)
    assert len(ticket.token) < 8000
    assert granted(ticket).key.endswith(".png")


async def test_without_a_secret_there_are_no_tickets(ask) -> None:
    """The error says what to call."""
    storages.signed_urls = None
    with pytest.raises(ConfigurationError, match=r"storages\.sign_urls\("):
        await ask()


class Base(DeclarativeBase):
    pass


class Scheme(Base):
    __tablename__ = "scheme"

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant: Mapped[str]
    own: Mapped[FileObject | None] = mapped_column(StoredObject(backend=STORAGE, key_scheme="{model}/{column}/{name}"))
    row: Mapped[FileObject | None] = mapped_column(StoredObject(backend=STORAGE, key_scheme="{row.tenant}/{name}"))
    call: Mapped[FileObject | None] = mapped_column(
        StoredObject(backend=STORAGE, key_scheme=lambda row, file: f"{row.tenant}/{file.filename}")
    )
    long: Mapped[FileObject | None] = mapped_column(StoredObject(backend=STORAGE, key_scheme="{id}" + "x" * 220))


async def test_the_key_scheme_of_the_column_makes_the_key(ask) -> None:
    """As it does for a file that a flush stores."""
    assert granted(await ask(Scheme.own)).key.startswith("scheme/own/")


@pytest.mark.parametrize("column", [Scheme.row, Scheme.call])
async def test_a_key_scheme_that_needs_a_row_is_refused(ask, column) -> None:
    """There is none yet; the error says so."""
    with pytest.raises(ConfigurationError, match="row"):
        await ask(column)


async def test_a_key_without_room_for_its_marker_is_refused(ask) -> None:
    """Or the flush would fail, when the file is there already."""
    with pytest.raises(InvalidKeyError):
        await ask(Scheme.long)


@pytest.mark.parametrize("column", [Column("file", StoredObject()), Scheme.tenant, Scheme, "file"])
async def test_only_a_file_column_with_a_storage_has_tickets(ask, column) -> None:
    """Anything else is a mistake of the application's."""
    with pytest.raises(ConfigurationError):
        await ask(column)


async def test_a_storage_without_parts_refuses_them(ask) -> None:
    """Unless nobody asked for them: then a large file goes in one PUT."""
    with pytest.raises(UnsupportedError):
        await ask(protocol="parts")
    assert (await ask(size=101 * MIB)).protocol == "put"


async def test_a_form(ask) -> None:
    """It is posted."""
    ticket = await ask(protocol="form")
    assert (ticket.protocol, ticket.method) == ("form", "POST")
