"""Makes and applies a migration of the documents' model with advanced-alchemy's commands, in a process of its own."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import holdfast.contrib.advanced_alchemy

    holdfast.contrib.advanced_alchemy.install()  # the one line

    from advanced_alchemy.alembic.commands import AlembicCommands
    from advanced_alchemy.config import AlembicSyncConfig, SQLAlchemySyncConfig

    from tests.advanced_alchemy.applications import models

folder = Path(sys.argv[1])
alembic = AlembicSyncConfig(script_location=str(folder / "migrations"), script_config=str(folder / "alembic.ini"))
config = SQLAlchemySyncConfig(connection_string=sys.argv[2], alembic_config=alembic, metadata=models.Document.metadata)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    models.configure_storage(f"file://{folder}/files")
    commands = AlembicCommands(sqlalchemy_config=config)
    commands.init(directory=str(folder / "migrations"))
    commands.revision(message="first", autogenerate=True)
    commands.upgrade()
    with config.get_session() as session:
        session.add(models.Document(title="a", file=models.file_of("a.txt", None, b"a")))
        session.commit()
    commands.check()
