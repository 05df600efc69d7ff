"""Free ports, and whether somebody listens on one."""

import socket

HOST = "127.0.0.1"


def free_port() -> int:
    """Return a loopback port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        port: int = sock.getsockname()[1]
        return port


def is_listening(port: int) -> bool:
    """Say whether a loopback port accepts connections."""
    with socket.socket() as sock:
        return sock.connect_ex((HOST, port)) == 0
