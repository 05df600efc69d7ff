"""What a column of the error table is made of."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from holdfast import StorageBackend

STORAGE = "docs"
PATIENCE = 0.4  # seconds of silence that a storage bears where there will be nothing else
_BRIEF = timedelta(milliseconds=10)
RETRIES = {"max_retries": 1, "backoff": {"init_backoff": _BRIEF, "max_backoff": _BRIEF, "base": 2}}


class Place(NamedTuple):
    """Where a storage is opened, and as whom; each trouble changes something.

    Attributes:
        address: Scheme, host and port.
        bucket: Bucket or container.
        user: Access key or account.
        secret: What proves it.
        patience: Seconds of silence that the storage bears.
    """

    address: str
    bucket: str
    user: str = ""
    secret: str = ""
    patience: float = 30


class Answer(NamedTuple):
    """An HTTP answer.

    Attributes:
        told: What the service says in it, which no error may keep to itself.
    """

    status: str
    body: bytes = b""
    headers: Mapping[str, str] = {}
    told: tuple[str, ...] = ()


class Service(NamedTuple):
    """A column of the table.

    Attributes:
        fixture: The one with a fresh bucket.
        place: Where that bucket is.
        open: Opens a storage there.
        words: The service's answers, by trouble.
        wrong: A user and a secret of the right form that nobody has; None where the server asks for none.
        missing: The name of a bucket that does not exist.
        spared: Troubles that it does not have. Without words and without a user, it has none that need them.
        operations: What it can do; None for everything.
    """

    fixture: str
    place: Callable[[Any], Place]
    open: Callable[[Place], StorageBackend]
    words: Mapping[str, Answer]
    wrong: tuple[str, str] | None = None
    missing: str = "no-such-bucket-here"
    spared: frozenset[str] = frozenset()
    operations: frozenset[str] | None = None
