"""Paramiko's file system of fsspec, with the keys of known servers, and with an end to every wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import paramiko
from fsspec.implementations.sftp import SFTPFileSystem

if TYPE_CHECKING:
    from os import PathLike

_PATIENCE = {"timeout": 30.0, "channel_timeout": 60.0}  # seconds; paramiko's own are none, and an hour


class KnownHostsFileSystem(SFTPFileSystem):  # type: ignore[misc]  # fsspec ships no types
    """Files over SFTP.

    Args:
        host: The server.
        known_hosts: File with the keys of servers, in OpenSSH's form; all other servers are refused. Without it, and
            with ``host_key_policy="reject"``, it is the user's own.
        **options: What the base class takes.
    """

    def __init__(self, host: str, known_hosts: str | PathLike[str] | None = None, **options: Any) -> None:
        if self._cached:
            return
        self._known_hosts = known_hosts
        if known_hosts is not None:
            options.setdefault("host_key_policy", "reject")
        super().__init__(host, **_PATIENCE | options)

    def _connect(self) -> None:
        self.client = paramiko.SSHClient()
        if self._known_hosts is not None:
            self.client.load_system_host_keys(self._known_hosts)
        elif isinstance(self.host_key_policy, paramiko.RejectPolicy):
            self.client.load_system_host_keys()
        self.client.set_missing_host_key_policy(self.host_key_policy)
        try:
            self.client.connect(self.host, **self.ssh_kwargs)
        except BaseException:
            self.client.close()
            raise

    @property
    def ftp(self) -> paramiko.SFTPClient:
        """A client for the methods of the base class, opened when it is first asked for."""
        known: paramiko.SFTPClient | None = vars(self).get("_ftp")
        if known is None:
            known = self._ftp = self.client.open_sftp()
        return known
