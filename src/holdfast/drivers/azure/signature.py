"""Service shared access signatures (SAS) of Azure Blob Storage, with an account key.

https://learn.microsoft.com/rest/api/storageservices/create-service-sas
"""

from __future__ import annotations

import base64
import binascii
import hmac
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from holdfast.drivers import canonical
from holdfast.errors import ConfigurationError

if TYPE_CHECKING:
    from datetime import datetime

    from holdfast.drivers.optional import SignRequest

_VERSION = "2020-12-06"  # the first with today's string to sign, which older emulators know as well
_READ, _WRITE, _CREATE = "r", "cw", "c"
# What is signed: the empty name stands for the blob. Start, policy, addresses, snapshot, encryption scope and the other
# headers of the answer are left open here.
_ORDER = (
    *("sp", "st", "se", "", "si", "sip", "spr", "sv", "sr", "snapshot", "ses"),
    *("rscc", "rscd", "rsce", "rscl", "rsct"),
)


class Account(NamedTuple):
    """Who signs.

    Attributes:
        name: Name of the storage account.
        key: One of its two keys, in base64.
    """

    name: str
    key: str

    def __repr__(self) -> str:
        return f"Account({self.name!r}, …)"


EMULATOR = Account(
    "devstoreaccount1",
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==",
)
"""The account that every emulator has, by Microsoft's documentation."""

EMULATOR_ADDRESS = "http://127.0.0.1:10000"


def presigned_url(address: str, container: str, request: SignRequest, account: Account, now: datetime) -> str:
    """Return a URL for one blob.

    An upload must be sent with ``x-ms-blob-type: BlockBlob``. Only that it replaces nothing can be bound.

    Args:
        address: URL of the account, without a slash at the end.
        container: The container.
        request: What it allows; its key is the whole one, with any prefix.
        account: Who signs.
        now: Time in UTC, from which `SignRequest.expires_in` counts.

    Raises:
        NotImplementedError: The request binds the content type, the size or the checksum of an upload.
        ConfigurationError: The account's key is not base64.
    """
    _check(request)
    answer = {} if request.method != "GET" else {"rscd": request.content_disposition, "rsct": request.content_type}
    fields = {
        "sp": _READ if request.method == "GET" else _CREATE if request.if_absent else _WRITE,
        "se": (now + timedelta(seconds=request.expires_in)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "spr": "https" if address.startswith("https:") else "https,http",
        "sv": _VERSION,
        "sr": "b",
        **{name: value for name, value in answer.items() if value is not None},
    }
    resource = f"/blob/{account.name}/{container}/{request.key}"
    to_sign = "\n".join({**fields, "": resource}.get(name, "") for name in _ORDER)
    signature = hmac.digest(_decoded(account.key), to_sign.encode(), "sha256")
    query = canonical.query_string({**fields, "sig": base64.b64encode(signature).decode()})
    return f"{address}/{container}/{canonical.path(request.key)}?{query}"


def _check(request: SignRequest) -> None:
    if request.method == "GET":
        return
    for name, what in (("content_type", "content type"), ("size", "size"), ("checksum", "checksum")):
        if getattr(request, name) is not None:
            message = (
                f"Azure's signatures cannot bind the {what} of an upload: leave {name} out, and look at what was "
                "uploaded before it is used"
            )
            raise NotImplementedError(message)


def _decoded(key: str) -> bytes:
    try:
        return base64.b64decode(key, validate=True)
    except binascii.Error:
        message = "the key of the storage account is not base64, as Azure's portal shows it"
        raise ConfigurationError(message) from None
