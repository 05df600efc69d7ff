"""How long an import takes in a program that uses SQLAlchemy's ORM anyway."""

from benchmarks.measuring.race import Entry, Race, Target

LIMIT = 15.0  # milliseconds
OURS, NAMES = "Holdfast", "Holdfast, its names"


def entry(name: str, statement: str) -> Entry:
    """Return the player of a statement."""
    return Entry(name, "importing:Import", {"statement": statement})


RACES = (
    Race(
        "import",
        "Import time over sqlalchemy.orm",
        "ms",
        1,
        (
            entry(OURS, "import holdfast"),
            entry(NAMES, "from holdfast import FileObject, StoredObject, storages"),
            entry("obstore", "import obstore"),
            entry("advanced-alchemy", "import advanced_alchemy.types.file_object"),
            entry("sqlalchemy-file", "import sqlalchemy_file"),
        ),
        (
            Target(OURS, LIMIT, is_ceiling=True),
            Target(NAMES, LIMIT, is_ceiling=True),
            Target(OURS, 1.0, ("advanced-alchemy", "sqlalchemy-file"), is_ceiling=True),
        ),
        rounds=9,
        is_less_better=True,
    ),
)
