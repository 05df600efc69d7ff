"""What Litestar has to know of a file: its JSON, its schema, its errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litestar import MediaType
from litestar.openapi.spec import OpenAPIType, Schema
from litestar.plugins import InitPlugin, OpenAPISchemaPlugin, ReceiveRoutePlugin
from litestar.routes import HTTPRoute

from holdfast.contrib.litestar.errors import exception_handlers
from holdfast.contrib.litestar.responses import DOWNLOAD, FileResponse
from holdfast.file import FileObject
from holdfast.file_schema import shown

if TYPE_CHECKING:
    from litestar._openapi.schema_generation import SchemaCreator
    from litestar.config.app import AppConfig
    from litestar.routes import BaseRoute
    from litestar.typing import FieldDefinition

_GIVEN = {  # by the client as well
    "filename": (OpenAPIType.STRING,),
    "content_type": (OpenAPIType.STRING, OpenAPIType.NULL),
    "size": (OpenAPIType.INTEGER, OpenAPIType.NULL),
    "metadata": (OpenAPIType.OBJECT,),
}
_SHOWN = {
    "last_modified": (OpenAPIType.NUMBER, OpenAPIType.NULL),
    "checksum": (OpenAPIType.STRING, OpenAPIType.NULL),
    "etag": (OpenAPIType.STRING, OpenAPIType.NULL),
    "url": (OpenAPIType.STRING, OpenAPIType.NULL),
}


class HoldfastPlugin(InitPlugin, OpenAPISchemaPlugin, ReceiveRoutePlugin):
    """Teaches an application about files.

    A `FileObject` in whatever a handler returns (a model, a DTO, a struct, a dataclass) becomes its description and a
    URL, never a storage or a key; one in what a handler receives is a description of a file that lies nowhere. Both
    stand in the OpenAPI schema. Holdfast's errors are answered as `holdfast.contrib.routes.problem` says.

    What the application sets itself for types or errors takes precedence.
    """

    __slots__ = ()

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Set encoders, decoders, names for annotations, and handlers of errors."""
        app_config.type_encoders = {FileObject: shown, **(app_config.type_encoders or {})}
        app_config.type_decoders = [*(app_config.type_decoders or ()), (_is_file, _described)]
        names = {"FileObject": FileObject, "FileResponse": FileResponse}
        for kind in app_config.signature_types:
            names.pop(kind.__name__, None)  # Litestar takes no two of a name
        app_config.signature_namespace = {**names, **app_config.signature_namespace}
        app_config.exception_handlers = {**exception_handlers, **app_config.exception_handlers}
        return app_config

    @staticmethod
    def is_plugin_supported_type(value: Any) -> bool:
        """Return whether this is a file class."""
        return _is_file(value)

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: SchemaCreator) -> Any:
        """Return a reference to the schema of a file."""
        registry = schema_creator.schema_registry
        schema = registry.get_schema_for_field_definition(field_definition)
        schema.type, schema.title, schema.required = OpenAPIType.OBJECT, "File", ["filename"]
        schema.properties = {name: Schema(type=list(types)) for name, types in _GIVEN.items()}
        schema.properties |= {name: Schema(type=list(types), read_only=True) for name, types in _SHOWN.items()}
        return registry.get_reference_for_field_definition(field_definition)

    def receive_route(self, route: BaseRoute) -> None:
        """Show in the OpenAPI schema that a handler returns a file."""
        for handler in route.route_handlers if isinstance(route, HTTPRoute) else ():
            if not handler.media_type and handler.parsed_fn_signature.return_type.is_subclass_of(FileResponse):
                handler.media_type = MediaType.JSON  # of its errors; a file has its own
                handler.responses = {handler.status_code: DOWNLOAD, **(handler.responses or {})}


def _is_file(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, FileObject)


def _described(kind: type[FileObject], value: Any) -> FileObject:
    if not isinstance(value, dict):
        message = f"a file is described by an object, not by a {type(value).__name__}"
        raise TypeError(message)
    return kind.describing(value)
