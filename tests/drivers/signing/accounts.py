"""A service account of Google's that exists nowhere else."""

import json
from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

EMAIL = "holdfast@project.iam.gserviceaccount.com"


@cache
def service_account(**more):
    """Return the content of its file."""
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key = rsa.generate_private_key(65537, 2048).private_bytes(*form).decode()
    return {
        "type": "service_account",
        "project_id": "project",
        "client_email": EMAIL,
        "private_key": key,
        "private_key_id": "1",
        "token_uri": "http://127.0.0.1:9/token",
        **more,
    }


def as_json(**more):
    """Return it as text."""
    return json.dumps({**service_account(), **more})
