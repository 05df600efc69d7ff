"""How a file looks to Pydantic: metadata on the way out, a description without a place on the way in.

Pydantic is not imported unless it asks; a client's JSON can never choose a storage or a key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from holdfast.file_forms import FileForms


def pydantic_schema(kind: type[FileForms]) -> Any:
    """Return the core schema of a file class."""
    from pydantic_core import core_schema  # noqa: PLC0415  # optional

    fields = {
        "filename": core_schema.str_schema(min_length=1, max_length=4096),
        "content_type": core_schema.nullable_schema(core_schema.str_schema(max_length=255)),
        "size": core_schema.nullable_schema(core_schema.int_schema(ge=0)),
        "last_modified": core_schema.nullable_schema(core_schema.float_schema()),
        "checksum": core_schema.nullable_schema(core_schema.str_schema()),
        "etag": core_schema.nullable_schema(core_schema.str_schema()),
        "metadata": core_schema.dict_schema(core_schema.str_schema(), core_schema.any_schema()),
    }
    shape = core_schema.typed_dict_schema(
        {name: core_schema.typed_dict_field(schema, required=name == "filename") for name, schema in fields.items()},
        extra_behavior="ignore",
    )
    description = core_schema.no_info_after_validator_function(kind.describing, shape)
    serialized = core_schema.plain_serializer_function_ser_schema(kind.describe, return_schema=shape)
    return core_schema.json_or_python_schema(
        json_schema=description,
        python_schema=core_schema.union_schema([core_schema.is_instance_schema(kind), description]),
        serialization=serialized,
    )
