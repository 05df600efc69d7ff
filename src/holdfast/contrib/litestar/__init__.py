"""Litestar: downloads, uploads that stream, files in models and DTOs, ready-made routes.

Example:
    A whole application is in ``docs/frameworks/litestar.md``; this is its frame::

        app = Litestar(
            route_handlers=[file_router(Document.file, session="db_session", authorize=may)],
            plugins=[SQLAlchemyPlugin(config), HoldfastPlugin()],
        )
"""

from holdfast.contrib.litestar.errors import exception_handlers
from holdfast.contrib.litestar.forms import upload_form
from holdfast.contrib.litestar.plugin import HoldfastPlugin
from holdfast.contrib.litestar.responses import FileResponse
from holdfast.contrib.litestar.routes import file_router

__all__ = ["FileResponse", "HoldfastPlugin", "exception_handlers", "file_router", "upload_form"]
