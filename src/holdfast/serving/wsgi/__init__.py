"""WSGI applications that serve files."""

from holdfast.serving.elsewhere import Offload
from holdfast.serving.reply import ServePolicy
from holdfast.serving.wsgi.response import FileResponse
from holdfast.serving.wsgi.signed import SignedFiles

__all__ = ["FileResponse", "Offload", "ServePolicy", "SignedFiles"]
