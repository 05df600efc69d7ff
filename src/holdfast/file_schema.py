"""How a file looks to a client: its description and a URL on the way out, a description without a place on the way in.

Pydantic is not imported unless it asks; a client's JSON can never choose a storage or a key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from holdfast.errors import HoldfastError

if TYPE_CHECKING:
    from holdfast.file_forms import FileForms
    from holdfast.file_signing import SignableFile


def shown(file: SignableFile) -> dict[str, Any]:
    """Return what serialisers make of a file: its description, and its URL where that takes no I/O, else None.

    Example:
        >>> from holdfast import FileObject
        >>> shown(FileObject(filename="a.txt", content=b"a"))["url"] is None
        True
    """
    return {**file.describe(), "url": _link(file)}


def _link(file: SignableFile) -> str | None:
    try:
        return file.link() if file.is_stored else None
    except HoldfastError:  # one row that is malformed, or of a storage that is gone, must not spoil a list
        return None


def pydantic_schema(kind: type[FileForms]) -> Any:
    """Return the core schema of a file class."""
    from pydantic_core import core_schema  # noqa: PLC0415  # optional

    text = core_schema.nullable_schema(core_schema.str_schema())
    fields = {
        "filename": core_schema.str_schema(min_length=1, max_length=4096),
        "content_type": core_schema.nullable_schema(core_schema.str_schema(max_length=255)),
        "size": core_schema.nullable_schema(core_schema.int_schema(ge=0)),
        "last_modified": core_schema.nullable_schema(core_schema.float_schema()),
        "checksum": text,
        "etag": text,
        "metadata": core_schema.dict_schema(core_schema.str_schema(), core_schema.any_schema()),
    }
    taken = core_schema.typed_dict_schema(
        {name: core_schema.typed_dict_field(schema, required=name == "filename") for name, schema in fields.items()},
        extra_behavior="ignore",
    )
    given = core_schema.typed_dict_schema(
        {name: core_schema.typed_dict_field(schema) for name, schema in {**fields, "url": text}.items()}
    )
    description = core_schema.no_info_after_validator_function(kind.describing, taken)
    return core_schema.json_or_python_schema(
        json_schema=description,
        python_schema=core_schema.union_schema([core_schema.is_instance_schema(kind), description]),
        serialization=core_schema.plain_serializer_function_ser_schema(shown, return_schema=given),
    )
