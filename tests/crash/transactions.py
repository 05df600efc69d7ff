"""Random transactions on rows with files, and the rows that should be there after each."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.orm import Session

from tests.crash.content import Contents
from tests.crash.journal import Journal, Rows
from tests.crash.schema import SINGLE, Schema, held

_FULL = 8  # rows
_TRANSACTIONS = 60  # of one process, if it is not killed before


class Transactions:
    """What one process does to the rows.

    Args:
        schema: The tables.
        random: Where choices come from.
        contents: Makes files.
        rows: What is committed; kept up to date.
        behind: Whether files are also dropped behind the session's back, by SQL and by cascades in the database.
    """

    def __init__(self, schema: Schema, random: Random, contents: Contents, rows: Rows, *, behind: bool) -> None:
        self._schema, self._random, self._contents = schema, random, contents
        self.rows = rows
        self._steps: list[tuple[int, Callable[[Session], None]]] = [
            (3, self._add),
            (4, self._replace),
            (2, self._clear),
            (2, self._delete),
            (4, self._edit),
            (2, self._swap),
            (2, self._move),
            (1, self._copy),
            (3, self._savepoint),
            (2, self._bulk_update),
            (1, self._bulk_delete),
            (1, self._bulk_insert),
            (1, lambda session: session.flush()),
        ]
        if behind:
            self._steps += [(1, self._delete_by_sql), (1, self._clear_by_sql), (1, self._cascade)]

    def run(self, session: Session) -> None:
        """Change some rows, without COMMIT."""
        if len(self.rows) < 3:
            self._add(session)
            self._add(session)
        for _ in range(self._random.randint(1, 5)):
            self._step(session)

    def _step(self, session: Session) -> None:
        weights, steps = zip(*self._steps, strict=True)
        step = self._random.choices(steps, weights)[0]
        if step == self._add and len(self.rows) >= _FULL:
            step = self._delete
        if self.rows or step == self._add:
            step(session)

    def _choose(self, count: int = 1) -> list[int]:
        return self._random.sample(sorted(self.rows), min(count, len(self.rows)))

    def _get(self, session: Session, label: int) -> Any:
        return session.scalars(select(self._schema.document).filter_by(label=label)).one()

    def _pages(self, session: Session, label: int) -> Any:
        document = self._get(session, label)
        if document.pages is None:
            document.pages = []
        return document.pages

    def _add(self, session: Session) -> None:
        label = self._random.getrandbits(31)
        folder = self._random.choice([None, None, 1, 2])
        if folder is not None and session.get(self._schema.folder, folder) is None:
            session.add(self._schema.folder(id=folder))
            session.flush()
        document = self._schema.document(label=label, folder_id=folder)
        row: dict[str, Any] = {"cover": None, "scan": None, "pages": [], "folder": folder}
        for column in SINGLE:
            if self._random.random() < 0.7:
                file, row[column] = self._contents.new()
                setattr(document, column, file)
        pages = [self._contents.new() for _ in range(self._random.randint(0, 3))]
        document.pages, row["pages"] = [file for file, _ in pages], [digest for _, digest in pages]
        session.add(document)
        self.rows[label] = row

    def _replace(self, session: Session) -> None:
        for label in self._choose(self._random.randint(1, 3)):
            column = self._random.choice(list(SINGLE))
            file, self.rows[label][column] = self._contents.new()
            setattr(self._get(session, label), column, file)

    def _clear(self, session: Session) -> None:
        (label,) = self._choose()
        column = self._random.choice(list(SINGLE))
        setattr(self._get(session, label), column, None)
        self.rows[label][column] = None

    def _delete(self, session: Session) -> None:
        (label,) = self._choose()
        session.delete(self._get(session, label))
        session.flush()
        del self.rows[label]

    def _edit(self, session: Session) -> None:
        (label,) = self._choose()
        pages, expected = self._pages(session, label), self.rows[label]["pages"]
        how = self._random.choice(["append", "append", "insert", "set", "pop", "reverse", "clear"])
        if how in {"append", "insert"} or not expected:
            file, digest = self._contents.new()
            at = self._random.randint(0, len(expected)) if how == "insert" else len(expected)
            pages.insert(at, file)
            expected.insert(at, digest)
        elif how == "set":
            at = self._random.randrange(len(expected))
            pages[at], expected[at] = self._contents.new()
        elif how == "pop":
            at = self._random.randrange(len(expected))
            pages.pop(at)
            expected.pop(at)
        else:
            getattr(pages, how)()
            getattr(expected, how)()

    def _swap(self, session: Session) -> None:
        one, other = (self._choose(2) * 2)[:2]
        column, second = (self._random.choice(list(SINGLE)) for _ in range(2))
        self._exchange(session, (one, column), (other, second))

    def _exchange(self, session: Session, one: tuple[int, str], other: tuple[int, str]) -> None:
        first, second = self._get(session, one[0]), self._get(session, other[0])
        file, moved = getattr(first, one[1]), getattr(second, other[1])
        setattr(first, one[1], moved)
        setattr(second, other[1], file)
        rows = self.rows
        rows[one[0]][one[1]], rows[other[0]][other[1]] = rows[other[0]][other[1]], rows[one[0]][one[1]]

    def _move(self, session: Session) -> None:
        """Take a cover out of a row and put it to the end of another one's pages."""
        one, other = (self._choose(2) * 2)[:2]
        if self.rows[one]["cover"] is None:
            return
        source, pages = self._get(session, one), self._pages(session, other)
        pages.append(source.cover)
        source.cover = None
        self.rows[other]["pages"].append(self.rows[one]["cover"])
        self.rows[one]["cover"] = None

    def _copy(self, session: Session) -> None:
        """Give a file that has a row to a second one."""
        one, other = (self._choose(2) * 2)[:2]
        self._get(session, other).scan = self._get(session, one).cover
        self.rows[other]["scan"] = self.rows[one]["cover"]

    def _savepoint(self, session: Session) -> None:
        before = deepcopy(self.rows)
        savepoint = session.begin_nested()
        for _ in range(self._random.randint(1, 3)):
            self._step(session)
        if self._random.random() < 0.6:
            session.flush()
            savepoint.rollback()
            self.rows = before
        else:
            savepoint.commit()

    def _bulk_update(self, session: Session) -> None:
        table, labels = self._schema.document, self._choose(self._random.randint(1, 3))
        column = self._random.choice(list(SINGLE))
        file, digest = self._contents.new() if len(labels) == 1 else (None, None)
        session.execute(update(table).where(table.label.in_(labels)).values({column: file}))
        for label in labels:
            self.rows[label][column] = digest

    def _bulk_delete(self, session: Session) -> None:
        table, labels = self._schema.document, self._choose(self._random.randint(1, 2))
        session.execute(delete(table).where(table.label.in_(labels)))
        for label in labels:
            del self.rows[label]

    def _bulk_insert(self, session: Session) -> None:
        label = self._random.getrandbits(31)
        (cover, digest), (page, other) = self._contents.new(), self._contents.new()
        session.execute(insert(self._schema.document), [{"label": label, "cover": cover, "pages": [page]}])
        self.rows[label] = {"cover": digest, "scan": None, "pages": [other], "folder": None}

    def _delete_by_sql(self, session: Session) -> None:
        (label,) = self._choose()
        self._by_sql(session, f"DELETE FROM document WHERE label = {label}")
        del self.rows[label]

    def _clear_by_sql(self, session: Session) -> None:
        (label,) = self._choose()
        self._by_sql(session, f"UPDATE document SET cover = NULL, pages = NULL WHERE label = {label}")
        self.rows[label] |= {"cover": None, "pages": []}

    def _cascade(self, session: Session) -> None:
        folder = self._random.choice([1, 2])
        self._by_sql(session, f"DELETE FROM folder WHERE id = {folder}")
        self.rows = {label: row for label, row in self.rows.items() if row["folder"] != folder}

    def _by_sql(self, session: Session, statement: str) -> None:
        session.flush()
        session.execute(text(statement))
        session.expire_all()
        for instance in list(session.identity_map.values()):
            session.expunge(instance)

    def until_killed(self, session: Session, journal: Journal) -> None:
        """Do transactions, most of which are committed, until the end."""
        for _ in range(_TRANSACTIONS):
            before = deepcopy(self.rows)
            self.run(session)
            session.flush()
            ending = self._random.choices(["commit", "rollback", "close"], [8, 1, 1])[0]
            if ending == "commit":
                journal.write({"rows": self.rows, "held": held(self._schema, session.execute)})
                session.commit()
                journal.write(None)
            else:
                getattr(session, ending)()
                self.rows = before
