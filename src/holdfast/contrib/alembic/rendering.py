"""How file columns are written into migrations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from holdfast.orm.column import StoredObject

if TYPE_CHECKING:
    from alembic.autogenerate.api import AutogenContext


def render_item(kind: str, item: Any, context: AutogenContext) -> str | Literal[False]:
    """Render a file column as ``StoredObject(backend='docs')``, with its import.

    Args:
        kind: What the item is to Alembic, such as ``"type"``.
        item: The item.
        context: Alembic's, which collects the imports.

    Returns:
        The Python to write; False for all that is not a file column, which Alembic then renders itself. So a
        ``render_item`` of one's own goes behind: ``return render_item(*args) or mine(*args)``.
    """
    if not _is_file_column(kind, item):
        return False
    context.imports.add("from holdfast import StoredObject")
    return repr(item)


def render_item_as_json(kind: str, item: Any, context: AutogenContext) -> str | Literal[False]:
    """Render a file column as the JSON that it is to the database; else like `render_item`."""
    if not _is_file_column(kind, item):
        return False
    context.imports.add("from sqlalchemy.dialects import postgresql")
    prefix = context.opts.get("sqlalchemy_module_prefix") or ""
    return f"{prefix}JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), 'postgresql')"


def _is_file_column(kind: str, item: Any) -> bool:
    return kind == "type" and isinstance(item, StoredObject)
