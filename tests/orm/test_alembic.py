"""Alembic: what autogenerate writes runs, and `alembic check` finds no drift after it."""

from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import JSON, create_engine, inspect
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, StoredObject, storages
from holdfast.contrib.alembic import render_item, render_item_as_json

pytestmark = pytest.mark.usefixtures("docs")


class Base(DeclarativeBase):
    pass


class Report(Base):
    __tablename__ = "report"
    id: Mapped[int] = mapped_column(primary_key=True)
    plain: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="docs"))
    pages: Mapped[list[FileObject] | None] = mapped_column(StoredObject(backend="docs", multiple=True))
    named: Mapped[FileObject | None] = mapped_column(StoredObject("docs", key_scheme="{row.id}/{id}", strict=True))
    function: Mapped[FileObject | None] = mapped_column(StoredObject("docs", key_scheme=lambda row, file: "a"))
    ruled: Mapped[FileObject | None] = mapped_column(
        StoredObject("docs", max_size=1000, accept=("image/*", "application/pdf"), validators=[len], sniff=len)
    )


ENV = """
from alembic import context
from sqlalchemy import create_engine

options = context.config.attributes
engine = create_engine(options["url"])
with engine.connect() as connection:
    context.configure(connection, target_metadata=options["metadata"], render_item=options["render_item"])
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
"""
TEMPLATE = '''"""${message}"""
from alembic import op
import sqlalchemy as sa
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}

def upgrade():
    ${upgrades if upgrades else "pass"}

def downgrade():
    ${downgrades if downgrades else "pass"}
'''


KINDS = [
    pytest.param("sqlite"),
    pytest.param("postgresql", marks=pytest.mark.postgres),
    pytest.param("mariadb", marks=pytest.mark.mariadb),
]


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/test.db"
    if request.param == "postgresql":
        return request.getfixturevalue("postgres").url("psycopg")
    return request.getfixturevalue("mariadb").url("pymysql")


@pytest.fixture
def config(tmp_path: Path, url: str) -> Config:
    """An Alembic environment without revisions."""
    folder = tmp_path / "migrations"
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text(ENV)
    (folder / "script.py.mako").write_text(TEMPLATE)
    made = Config()
    made.set_main_option("script_location", str(folder))
    made.set_main_option("path_separator", "os")
    made.attributes.update(url=url, metadata=Base.metadata)
    return made


RENDERED = {
    "StoredObject": (
        render_item,
        "from holdfast import StoredObject",
        {
            "file": "StoredObject(backend='docs')",
            "pages": "StoredObject(backend='docs', multiple=True)",
            "named": "StoredObject(backend='docs', key_scheme='{row.id}/{id}', strict=True)",
            "function": "StoredObject(backend='docs')",
            "ruled": "StoredObject(backend='docs', max_size=1000, accept=['image/*', 'application/pdf'])",
        },
    ),
    "JSON": (
        render_item_as_json,
        "from sqlalchemy.dialects import postgresql",
        dict.fromkeys(
            ("file", "pages", "named", "function", "ruled"),
            "sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql')",
        ),
    ),
}


@pytest.mark.parametrize("how", RENDERED)
def test_b56_a_migration(config: Config, url: str, how: str) -> None:
    """It needs no registered storage, holds type and import, makes the table, and leaves no drift."""
    storages.unregister("docs")
    render, line, columns = RENDERED[how]
    config.attributes["render_item"] = render
    revision = command.revision(config, "reports", autogenerate=True)
    text = Path(revision.path).read_text()
    assert text.count(line) == 1
    for name, rendered in columns.items():
        assert f"sa.Column('{name}', {rendered}, nullable=True)" in text
    assert "sa.Column('plain', sa.JSON(), nullable=True)" in text
    command.upgrade(config, "head")
    command.check(config)
    storages.register_backend("memory://", key="docs")
    engine = create_engine(url)
    with Session(engine) as session:
        session.add(Report(id=1, file=FileObject(filename="a", content=b"hello")))
        session.commit()
        assert session.get(Report, 1).file.get_content() == b"hello"
    kind = {column["name"]: column["type"] for column in inspect(engine).get_columns("report")}["file"]
    names = {"sqlite": "JSON", "postgresql": "JSONB", "mariadb": "LONGTEXT"}  # MariaDB's JSON is a text with a check
    assert type(kind).__name__ == names[engine.dialect.name]
    engine.dispose()
    command.downgrade(config, "base")


def test_b56_no_drift_on_tables_of_create_all(url: str) -> None:
    """What create_all makes is what autogenerate expects, types compared."""
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_other_items_are_alembics() -> None:
    """False leaves them to Alembic, and to a hook of one's own."""
    for render in (render_item, render_item_as_json):
        assert render("type", JSON(), None) is False
        assert render("column", Report.__table__.c.file, None) is False
