"""Alembic: migrations that name file columns, and operations for the outbox's triggers.

Without `render_item` autogenerate writes ``holdfast.StoredObject(…)`` and no import for it. In ``env.py``::

    from holdfast.contrib.alembic import render_item

    context.configure(…, render_item=render_item)

`render_item_as_json` writes SQLAlchemy's own types instead, so that old migrations run without Holdfast.

The outbox is a table like any other. Its triggers are made by two operations, which exist once this module is imported.
Names are written out, because a migration must not depend on the models of a later day::

    from holdfast.contrib.alembic import Cascade

    FOLDER = Cascade("document", "folder", ["folder_id"], ["id"])

    def upgrade():
        op.create_file_triggers("document", ["cover", "scan"], multiple=["pages"], cascades=[FOLDER])

    def downgrade():
        op.drop_file_triggers("document", cascades=[FOLDER])

A migration that adds, renames or drops a file column, or copies a table (``batch_alter_table`` on SQLite), drops the
triggers before and makes them after it.
"""

from holdfast.contrib.alembic.file_triggers import Cascade, CreateFileTriggersOp, DropFileTriggersOp
from holdfast.contrib.alembic.rendering import render_item, render_item_as_json

__all__ = ["Cascade", "CreateFileTriggersOp", "DropFileTriggersOp", "render_item", "render_item_as_json"]
