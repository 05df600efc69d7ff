"""FTP with TLS: fsspec's file system checks no certificate, and its transfers are not always encrypted."""

from __future__ import annotations

import ftplib
import ssl
from typing import TYPE_CHECKING, Any

from fsspec.implementations.ftp import FTPFileSystem

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping
    from os import PathLike

_IMPLICIT = {"implicit", "tls", "sslv23", "tlsv1", "tlsv1_1", "tlsv1_2"}  # the others are fsspec's words for it


class SecureFTPFileSystem(FTPFileSystem):  # type: ignore[misc]  # fsspec ships no types
    """Files over FTP; with TLS the server's certificate is checked, and all transfers are encrypted.

    Args:
        host: The server.
        tls: Whether login and transfers are encrypted. ``"implicit"`` for servers that speak TLS from the first byte.
        verify: Path of the certificates to trust, in PEM. False trusts anybody.
        ssl_context: Settings for TLS, in place of `verify`.
        **options: What the base class takes.
    """

    def __init__(
        self,
        host: str,
        *args: Any,
        tls: bool | str = False,
        verify: bool | str | PathLike[str] = True,
        ssl_context: ssl.SSLContext | None = None,
        **options: Any,
    ) -> None:
        if not tls and (verify is not True or ssl_context is not None):
            message = "verify= and ssl_context= need tls=True"
            raise ValueError(message)
        if isinstance(tls, str) and tls not in _IMPLICIT:
            message = f'tls={tls!r} must be True, False or "implicit"'
            raise ValueError(message)
        self._context = ssl_context or _context(verify)
        super().__init__(host, *args, tls=tls, **options)

    def __del__(self) -> None:
        if "ftp" in vars(self):  # the options may have been refused
            super().__del__()

    def _connect(self) -> None:
        if not self.tls:
            super()._connect()
            return
        kind = _ImplicitTLS if isinstance(self.tls, str) else ftplib.FTP_TLS
        self.ftp = kind(context=self._context, timeout=self.timeout, encoding=self.encoding)
        try:
            self.ftp.connect(self.host, self.port)
            self.ftp.login(*self.cred)
            self.ftp.prot_p()
        except BaseException:
            self.ftp.close()
            raise


class _ImplicitTLS(ftplib.FTP_TLS):
    """Wraps the control connection as soon as there is one."""

    _sock: socket.socket | None = None

    @property
    def sock(self) -> socket.socket | None:
        return self._sock

    @sock.setter
    def sock(self, value: socket.socket | None) -> None:
        if value is not None and not isinstance(value, ssl.SSLSocket):
            value = self.context.wrap_socket(value, server_hostname=self.host)
        self._sock = value


def file_system_class(options: Mapping[str, Any]) -> type[SecureFTPFileSystem]:
    """Return the class, whatever the options."""
    del options
    return SecureFTPFileSystem


def _context(verify: bool | str | PathLike[str]) -> ssl.SSLContext:  # noqa: FBT001  # one of several
    context = ssl.create_default_context(cafile=None if isinstance(verify, bool) else verify)
    if verify is False:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
