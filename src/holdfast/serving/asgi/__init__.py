"""ASGI applications that serve files."""

from holdfast.serving.asgi.response import FileResponse
from holdfast.serving.asgi.signed import SignedFiles
from holdfast.serving.elsewhere import Offload
from holdfast.serving.reply import ServePolicy

__all__ = ["FileResponse", "Offload", "ServePolicy", "SignedFiles"]
