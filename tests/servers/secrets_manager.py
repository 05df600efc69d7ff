"""AWS Secrets Manager, by ministack."""

import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from .ports import HOST, free_port, is_listening
from .shared import ServerFailedError, State, launch, start_once


def secrets_manager() -> State:
    """Start it and return the arguments of `boto3.client`."""
    return start_once("secrets-manager", _start)


def _start(folder: Path) -> State:
    if find_spec("ministack") is None:
        raise ServerFailedError("ministack is not installed: pip install ministack")
    port = free_port()
    env = {
        "BIND_HOST": HOST,  # the default is every interface of the machine
        "MINISTACK_HOST": HOST,
        "IOT_MTLS_ENABLED": "0",  # as above
        "GATEWAY_PORT": str(port),
        "SERVICES": "secretsmanager",
        "LOG_LEVEL": "WARNING",
    }
    launch(folder, [sys.executable, "-m", "ministack"], env=env, ready=partial(is_listening, port))
    return {
        "endpoint_url": f"http://{HOST}:{port}",
        "region_name": "us-west-2",
        "aws_access_key_id": "test",
        "aws_secret_access_key": "test",
    }
