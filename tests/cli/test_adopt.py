"""``holdfast adopt``: what the command shows, and with which status it ends."""

import json

import pytest
from sqlalchemy import text

MODELS = """
    from sqlalchemy import JSON
    from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

    from holdfast import FileObject, StoredObject

    class Base(DeclarativeBase):
        pass

    class Document(Base):
        __tablename__ = "document"
        id: Mapped[int] = mapped_column(primary_key=True)
        file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))
        path: Mapped[str | None] = mapped_column()
        folder: Mapped[str | None] = mapped_column()
        old: Mapped[dict | None] = mapped_column(JSON)

    def to_file(folder, path):
        return FileObject(filename=path, to_filename=f"{folder}/{path}")

    number = 7
"""


@pytest.fixture
def old(shop):
    """An application whose table has old columns beside the new one."""
    shop.write("shop/models.py", MODELS)
    with shop.engine.begin() as connection:
        for column in ("path TEXT", "folder TEXT", "old JSON"):
            connection.execute(text(f"ALTER TABLE document ADD COLUMN {column}"))
    return shop


def insert(shop, **values):
    """Insert a row as the old application did."""
    names = ", ".join(values)
    with shop.engine.begin() as connection:
        marks = ", ".join(f":{name}" for name in values)
        connection.execute(text(f"INSERT INTO document ({names}) VALUES ({marks})"), values)


def filled(shop):
    """The keys in the file column, by row."""
    with shop.engine.connect() as connection:
        values = connection.execute(text("SELECT file FROM document ORDER BY id")).scalars()
        return [value and json.loads(value)["to_filename"] for value in values]


PATH = ["adopt", "document.file", "--from", "path", "--as", "path", "--storage", "docs", "--root", "/srv"]


def test_paths(old):
    """A dry run says what is to do and ends with 3; the run does it, and then nothing is left."""
    for path in ("a.txt", "/srv/b.txt", "b.txt"):
        insert(old, path=path)
    old.storage.put("a.txt", b"a")
    old.storage.put("b.txt", b"b")
    dry, done, again, document = old.run_each(
        [*PATH, "--dry-run"], PATH, [*PATH, "--dry-run"], [*PATH, "--where", "id > 1", "--json"]
    )
    assert dry.status == 3, dry
    assert dry.out.splitlines()[-1] == "Dry run, nothing was changed: 3 rows to fill."
    assert "1 file shared\n  b.txt  another row has it, or will: this one gets a copy  in document.file [2]" in dry.out
    assert (done.status, done.out.splitlines()[-1]) == (0, "Done: 3 rows filled, 1 object copied.")
    assert filled(old)[0::2] == ["a.txt", "b.txt"]
    assert len(old.keys()) == 3
    assert (again.status, again.out) == (0, "Dry run, nothing was changed: 0 rows to fill.\n")
    assert (document.json["command"], document.json["status"], document.json["ok"]) == ("adopt", 0, True)


def test_what_cannot_be_filled(old):
    """Status 1, the files by row, and what the others got."""
    insert(old, path="gone.txt")
    insert(old, path="a.txt")
    insert(old, path="")
    old.storage.put("a.txt", b"a")
    dry, done, unchecked = old.run_each([*PATH, "--dry-run"], [*PATH, "--clear"], [*PATH, "--no-check"])
    assert (dry.status, done.status, unchecked.status) == (1, 1, 0), (dry, done, unchecked)
    assert dry.out.splitlines()[-1].endswith(": 1 row to fill, 1 cannot be, 1 row without a file.")
    assert "1 file missing\n  gone.txt  there is no such object  in document.file [1]" in done.out
    assert done.out.splitlines()[-1] == "Not all rows could be filled: 1 row filled, 1 row without a file, 1 row left."
    assert filled(old) == ["gone.txt", "a.txt", None]
    with old.engine.connect() as connection:
        paths = connection.execute(text("SELECT path FROM document ORDER BY id")).scalars().all()
    assert paths == ["gone.txt", None, ""]


def test_other_forms(old):
    """Values of sqlalchemy-file, URLs, and a function of the application's."""
    value = {"file_id": "1", "upload_storage": "images", "filename": "a.png"}
    value["thumbnail"] = {"file_id": "2", "upload_storage": "images", "width": 1, "height": 1}
    insert(old, id=1, old=json.dumps(value))
    insert(old, id=2, path="https://cdn.example/3?signed")
    insert(old, id=3, folder="4", path="5")
    insert(old, id=4, old=json.dumps(value | {"file_id": "5"}))
    for key in ("1", "2", "3", "4/5"):
        old.storage.put(key, b"x")
    start = ["adopt", "document.file", "--from"]
    url = ["--as", "url", "--storage", "docs", "--root", "https://cdn.example"]
    runs = old.run_each(
        [*start, "old", "--as", "sqlalchemy-file", "--rename", "images=docs", "--where", "id = 1"],
        [*start, "path", *url, "--where", "id = 2"],
        [*start, "folder", "--from", "path", "--as", "shop.models:to_file", "--where", "id = 3"],
        [*start, "old", "--as", "sqlalchemy-file-thumbnail", "--rename", "images=docs", "--where", "id = 4"],
    )
    assert [(each.status, each.out) for each in runs] == [(0, "Done: 1 row filled.\n")] * 4, runs
    assert filled(old) == ["1", "3", "4/5", "2"]


def test_wrong_options(old):
    """Status 2, and what to write instead."""
    start = ["adopt", "document.file", "--from", "path", "--as"]
    runs = [
        ([*start, "path"], "--as path needs --storage NAME"),
        ([*start, "url", "--storage", "docs"], "--as url needs --root"),
        (
            [*start, "django"],
            "'django' is none of path, url, sqlalchemy-file, sqlalchemy-file-thumbnail, nor a function",
        ),
        ([*start, "shop.models:number"], "'shop.models:number' is not a function"),
        ([*start, "shop.models:nothing"], "has no 'nothing'"),
        ([*start, "sqlalchemy-file", "--rename", "images"], "--rename takes the old name and the new one"),
        (["adopt", "document.nothing", "--from", "path", "--as", "shop.models:to_file"], "has no column 'nothing'"),
    ]
    for done, (arguments, complaint) in zip(old.run_each(*(each for each, _ in runs)), runs, strict=True):
        assert (done.status, complaint in done.err) == (2, True), (arguments, done)
