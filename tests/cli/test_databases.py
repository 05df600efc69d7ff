"""Every way to name a database, in both worlds."""

import pytest

from tests.cli.conftest import Shop

ENGINES = {
    "engine": "from sqlalchemy import create_engine\nfound = create_engine({sync!r})",
    "sessionmaker": (
        "from sqlalchemy import create_engine\nfrom sqlalchemy.orm import sessionmaker\n"
        "found = sessionmaker(create_engine({sync!r}))"
    ),
    "function": "from sqlalchemy import create_engine\ndef found(): return create_engine({sync!r})",
    "scoped_session": (
        "from sqlalchemy import create_engine\nfrom sqlalchemy.orm import scoped_session, sessionmaker\n"
        "found = scoped_session(sessionmaker(create_engine({sync!r})))"
    ),
    "async_engine": "from sqlalchemy.ext.asyncio import create_async_engine\nfound = create_async_engine({aio!r})",
    "async_sessionmaker": (
        "from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine\n"
        "found = async_sessionmaker(create_async_engine({aio!r}))"
    ),
    "async_function": (
        "from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine\n"
        "def found(): return async_sessionmaker(create_async_engine({aio!r}))"
    ),
}


def test_what_an_engine_may_be(shop):
    """An engine, a factory of sessions, or a function that returns one."""
    shop.add()
    for kind, text in ENGINES.items():
        aio = shop.url.replace("sqlite:", "sqlite+aiosqlite:")
        shop.write(f"shop/{kind}.py", text.format(sync=shop.url, aio=aio))
    for done in shop.run_each(*(["verify", "--engine", f"shop.{kind}:found"] for kind in ENGINES)):
        assert (done.status, done.out) == (0, "All is well: 1 file in 1 row, 1 object stored.\n"), done


def test_urls(shop):
    """As an option, which goes before pyproject.toml, for async drivers too."""
    shop.add()
    shop.write("shop/db.py", "engine = None")
    for driver in ("sqlite", "sqlite+aiosqlite"):
        done = shop.run("verify", "--database", shop.url.replace("sqlite", driver, 1))
        assert (done.status, done.out) == (0, "All is well: 1 file in 1 row, 1 object stored.\n"), done


def test_the_variable(shop):
    """DATABASE_URL comes after pyproject.toml."""
    assert shop.run("verify", DATABASE_URL="nonsense").status == 0
    project = (shop.folder / "pyproject.toml").read_text()
    shop.write("pyproject.toml", project.replace('engine = "shop.db:engine"', ""))
    assert shop.run("verify", DATABASE_URL=shop.url).status == 0
    done = shop.run("verify", DATABASE_URL="nonsense")
    assert (done.status, "DATABASE_URL is not a database URL" in done.err) == (2, True), done


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_postgresql(tmp_path, postgres, driver):
    """Through a sync and through an async driver: verify, drain and sweep."""
    shop = Shop(tmp_path, postgres.url("psycopg"))
    try:
        held, dropped, left = shop.add(), shop.store(), shop.store()
        shop.note(dropped)
        url = ("--database", postgres.url(driver))
        assert shop.run("verify", *url).status == 0
        assert shop.run("drain", *url).out == "1 file deleted.\n"
        assert shop.keys() == sorted([held, left])
        done = shop.run("sweep", "--grace", "0s", "--delete", *url)
        assert (done.status, shop.keys()) == (0, [held]), done
    finally:
        shop.engine.dispose()


WRONG = [
    ("nonsense", "--database is not a database URL such as postgresql+psycopg://user@host/name"),
    ("postgres://me:s3cret@host/db", "SQLAlchemy has no database 'postgres'; write postgresql://"),
    ("oracle+oracledb://me:s3cret@host/db", "the driver of 'oracle+oracledb' is missing: pip install oracledb"),
    ("sqlite:////nowhere/at/all.sqlite", "the database: unable to open database file"),
    ("postgresql+psycopg://me:s3cret@127.0.0.1:9/db", "the database: connection"),
    ("postgresql+asyncpg://me:s3cret@127.0.0.1:9/db", "9"),
]


def test_a_database_that_is_not_there(shop):
    """Status 2, a sentence, no traceback and no password."""
    outcomes = shop.run_each(*(["verify", "--database", url] for url, _ in WRONG))
    for done, (_, text) in zip(outcomes, WRONG, strict=True):
        assert (done.status, done.out) == (2, ""), done
        assert text in done.err
        assert "s3cret" not in done.err
        assert "Traceback" not in done.err
