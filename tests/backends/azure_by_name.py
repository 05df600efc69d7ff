"""A program that opens Azure by account name and key, as the documents show it, while that name leads to Azurite.

Arguments: the port of a TLS server with a certificate for the account's host, the container, name and key.
"""

import socket
import sys

import fsspec

from holdfast.backends.fsspec import FSSpecBackend

port, container, name, key = sys.argv[1:]
resolve = socket.getaddrinfo


def to_azurite(host, asked, *more, **named):
    """Find every host of Azure at the given port of this machine."""
    if str(host).endswith(".blob.core.windows.net"):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", int(port)))]
    return resolve(host, asked, *more, **named)


socket.getaddrinfo = to_azurite
fs = fsspec.filesystem("abfs", account_name=name, account_key=key)
storage = FSSpecBackend(key="azure-blobs", fs=fs, prefix=f"{container}/files")
storage.put("x", b"bytes", content_type="text/plain")
named = FSSpecBackend("azure", "abfs", f"{container}/files", account_name=name, account_key=key)
assert named.read("x") == b"bytes"
assert named.stat("x").content_type == "text/plain"
