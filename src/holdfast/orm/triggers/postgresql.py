"""PostgreSQL: a function for each table, and three triggers that call it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from holdfast.orm.triggers.sql import (
    LONGEST_BACKEND,
    LONGEST_PATH,
    Part,
    Quoting,
    any_of,
    insert,
    marked,
    trigger_name,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from holdfast.orm.triggers.tables import FileTable

# Nothing depends on the session that fires it. The search path is that of the session which creates the function, so
# that an outbox without a schema is found from everywhere; the others decide how a primary key is written as text.
_SETTINGS = (
    "search_path FROM CURRENT",
    "datestyle = 'ISO, YMD'",
    "intervalstyle = 'postgres'",
    "bytea_output = 'hex'",
    "extra_float_digits = 1",
)

_FOUND = text(
    "SELECT count(*) FROM pg_catalog.pg_trigger AS t JOIN pg_catalog.pg_proc AS f ON f.oid = t.tgfoid"
    " WHERE t.tgrelid = to_regclass(CAST(:table AS text)) AND t.tgname::text = ANY (CAST(:names AS text[]))"
    " AND NOT t.tgisinternal AND position(CAST(:mark AS text) IN f.prosrc) > 0"
)


def parts(table: FileTable, quote: Quoting) -> list[Part]:
    """Return the triggers of a table."""
    function = f"{quote.qualified(trigger_name(table.table), table.table.schema)}()"
    names = {event: trigger_name(table.table, event) for event in ("insert", "update", "delete")}

    def build(mark: str) -> list[str]:
        made = [_function(table, quote, function, mark)]
        for event, name in names.items():
            made.append(f"DROP TRIGGER IF EXISTS {quote.name(name)} ON {quote.table(table.table)}")
            made.append(
                f"CREATE TRIGGER {quote.name(name)} AFTER {event.upper()} ON {quote.table(table.table)}"
                f" FOR EACH ROW WHEN ({_when(table, quote, event)}) EXECUTE FUNCTION {function}"
            )
        return made

    mark, creates = marked(build)
    # CASCADE: its triggers go with it, and whether their table still exists does not matter.
    return [Part(table.table, tuple(names.values()), mark, creates, (f"DROP FUNCTION IF EXISTS {function} CASCADE",))]


def exists(connection: Connection, part: Part, quote: Quoting) -> bool:
    """Return whether a part is there as it would be made."""
    values = {"table": quote.table(part.table), "names": list(part.names), "mark": part.mark}
    return connection.execute(_FOUND, values).scalar() == len(part.names)


def _when(table: FileTable, quote: Quoting, event: str) -> str:
    if event != "update":
        row = "NEW" if event == "insert" else "OLD"
        return any_of(f"{row}.{column} IS NOT NULL" for column in quote.names(table.files))
    # A column may be of type json, which has no equality.
    changed = [f"OLD.{name}::jsonb IS DISTINCT FROM NEW.{name}::jsonb" for name in quote.names(table.files)]
    return any_of(changed + [f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in quote.names(table.key)])


def _function(table: FileTable, quote: Quoting, function: str, mark: str) -> str:
    start = insert(table, quote)
    old, new = _files(table, quote, "OLD"), _files(table, quote, "NEW")
    same = "".join(f"\n      AND OLD.{name} IS NOT DISTINCT FROM NEW.{name}" for name in quote.names(table.key))
    body = f"""
-- {mark}
BEGIN
  IF TG_OP <> 'INSERT' THEN
    {start}
    {_entries(table, quote, "drop", "OLD")} FROM ({old}
      EXCEPT {new}
    ) AS e;
  END IF;
  IF TG_OP <> 'DELETE' THEN
    {start}
    {_entries(table, quote, "take", "NEW")} FROM ({new}
      EXCEPT {old}{same}
    ) AS e;
  END IF;
  RETURN NULL;
END
"""
    tag = "$holdfast$"
    while tag in body:
        tag = f"{tag[:-1]}_$"
    settings = " ".join(f"SET {setting}" for setting in _SETTINGS)
    return f"CREATE OR REPLACE FUNCTION {function} RETURNS trigger LANGUAGE plpgsql {settings} AS {tag}{body}{tag}"


def _entries(table: FileTable, quote: Quoting, kind: str, row: str) -> str:
    parts = ", ".join(f"{row}.{name}::text" for name in quote.names(table.key))
    key = f"jsonb_build_array({parts})::text" if parts else "NULL"
    now = "extract(epoch FROM clock_timestamp())::bigint"
    return f"SELECT '{kind}', e.backend, e.path, {quote.text(table.owner)}, {key}, {now}"


def _files(table: FileTable, quote: Quoting, row: str) -> str:
    """Return the SELECT of the files that a row holds; that of a row which does not exist is NULL everywhere."""
    columns = [f"SELECT {row}.{name}::jsonb AS v" for name in quote.names(table.single)]
    for name in quote.names(table.multiple, f"{row}."):
        array = (
            f"CASE jsonb_typeof({name}::jsonb) WHEN 'array' THEN {name}::jsonb"
            f" WHEN 'object' THEN jsonb_build_array({name}::jsonb) END"
        )
        columns.append(f"SELECT p.v FROM jsonb_array_elements({array}) AS p(v)")  # noqa: S608  # names are quoted
    key = "coalesce(nullif(v -> 'to_filename', 'null'), v -> 'filename')"
    return f"""
      SELECT v ->> 'backend' AS backend, {key} #>> '{{}}' AS path
      FROM ({" UNION ALL ".join(columns)}) AS f
      WHERE jsonb_typeof(v) = 'object' AND jsonb_typeof(v -> 'backend') = 'string' AND jsonb_typeof({key}) = 'string'
      AND octet_length(v ->> 'backend') BETWEEN 1 AND {LONGEST_BACKEND}
      AND octet_length({key} #>> '{{}}') BETWEEN 1 AND {LONGEST_PATH}"""  # noqa: S608  # names are quoted
