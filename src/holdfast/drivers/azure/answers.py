"""Azure's answers to requests of our own."""

from __future__ import annotations

import re

from holdfast.drivers.fetching import is_passing

_BLOCK = re.compile(rb"<Block>\s*<Name>([A-Za-z0-9+/=]*)</Name>\s*<Size>(\d+)</Size>\s*</Block>")
_CODE = re.compile(rb"<Code>(\w+)</Code>")
_LIST = b"<BlockList"
_DENIED = {401, 403}
_MISSING, _CONFLICT, _TAKEN = 404, 409, 412


def uncommitted(document: bytes) -> dict[str, int]:
    """Return the bytes of each block in the answer to Get Block List, by name.

    Raises:
        OSError: It is the answer to another request.
    """
    if _LIST not in document:
        message = "Azure listed no blocks: that is not its answer"
        raise OSError(message)
    return {name.decode(): int(size) for name, size in _BLOCK.findall(document)}


def error_of(status: int, code: str | None, body: bytes) -> OSError:
    """Return what an answer means as an exception."""
    told = _CODE.search(body)
    code = code or (told[1].decode() if told else "")
    message = f"Azure answered {status} {code}".strip()
    if status in _DENIED:
        return PermissionError(message)
    if status == _MISSING:
        return FileNotFoundError(message)
    if status == _TAKEN or (status == _CONFLICT and code == "BlobAlreadyExists"):
        return FileExistsError(message)
    return ConnectionError(message) if is_passing(status) else OSError(message)
