"""The probe: a small object that is written, looked at in every way, and deleted."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from holdfast.config.probing import signed
from holdfast.config.probing.report import STEPS, Step, StorageCheck
from holdfast.errors import (
    AccessDeniedError,
    AlreadyExistsError,
    BucketNotFoundError,
    HoldfastError,
    MissingExtraError,
    NotFoundError,
    UnsupportedError,
)
from holdfast.keys import new_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from holdfast.backends.base import StorageBackend

FOLDER = "holdfast-check"
CONTENT = b"holdfast check"

_LACKS = {
    "content_type": "content type",
    "metadata": "metadata",
    "etag": "etag",
    "last_modified": "time of writing",
    "versions": "versions",
    "atomic_create": "atomic create",
    "lists": "listing",
    "writable": "writing",
}
_NO_URLS = "the service signs no URLs itself"
_REPLACES = (
    "the service replaces an object although it is told not to: leave the names of objects to Holdfast, "
    "since with a to_filename of your own one file may replace another; and a client can replace its direct upload "
    "after it was checked, for as long as the ticket lasts"
)


class Probe:
    """Tries one storage.

    Args:
        storage: The storage.
        check: Takes the steps, one by one, so that a run that hangs shows how far it came.
        seconds: After so many no further step is begun; what was written is still deleted.
    """

    def __init__(self, storage: StorageBackend, check: StorageCheck, seconds: float) -> None:
        self._storage, self._check = storage, check
        self._started = time.monotonic()
        self._end = self._started + seconds
        self._seconds = seconds
        self._late = ""
        self.key = f"{FOLDER}/{new_id()}.txt"
        self._keys = [self.key, f"{self.key}.copy", f"{self.key}.upload"]
        self.current = ""
        self.wrote = False
        self._refused = False

    def run(self) -> None:
        """Try everything, and leave nothing behind."""
        abilities = self._storage.abilities
        self._check.lacks += [words for name, words in _LACKS.items() if not getattr(abilities, name)]
        if not abilities.writable:
            self._read_only()
            return
        self.wrote = True
        try:
            if self._try("put", self._put):
                for name in STEPS[1:-1]:
                    self._try(name, getattr(self, f"_{name}"))
        finally:
            if self._check.outcome("put") == "ok":
                self._end = time.monotonic() + self._seconds  # also where the time was up
                self._try("delete", self._delete)
            elif not self._refused:
                with suppress(HoldfastError):  # it may have come through all the same
                    self._storage.delete(self._keys)
            self.wrote = False

    def _try(self, name: str, step: Callable[[], str | None]) -> bool:
        """Run a step and note how it went; one that is not begun has failed, since nobody knows."""
        if time.monotonic() > self._end:
            spent = time.monotonic() - self._started
            after = f" after {self.current}" if self.current else ""
            self._late = self._late or f"no time left{after}, {spent:.1f} s: raise --timeout"
            self._note(Step(name, "failed", self._late))
            return False
        self.current = name
        try:
            lacking = step()
        except (UnsupportedError, MissingExtraError) as error:
            self._note(Step(name, "lacks", self._told(error)))
        except Exception as error:  # noqa: BLE001  # whatever a service comes up with is a finding
            self._refused = isinstance(error, (AccessDeniedError, BucketNotFoundError))
            self._note(Step(name, "failed", self._told(error)))
        else:
            self._note(Step(name, "lacks", lacking) if lacking else Step(name, "ok"))
            return not lacking
        return False

    def _note(self, step: Step) -> None:
        self._check.steps.append(step)

    def _told(self, error: Exception) -> str:
        """Return what an error says, without the names that stand beside it."""
        if not isinstance(error, (HoldfastError, _WrongError)):
            return f"{type(error).__name__}: {error}"
        text = str(error)
        for key in self._keys:
            text = text.replace(f" of {key!r} in storage {self._storage.key!r}", "")
        return text

    def _put(self) -> None:
        self._storage.put(self.key, CONTENT, content_type="text/plain", metadata={"holdfast": "check"})

    def _stat(self) -> None:
        info, abilities = self._storage.stat(self.key), self._storage.abilities
        _expect(info.size, len(CONTENT), "its size")
        if abilities.content_type:
            _expect((info.content_type or "").partition(";")[0], "text/plain", "its content type")
        if abilities.metadata:
            _expect(dict(info.metadata).get("holdfast"), "check", "its metadata")

    def _read(self) -> None:
        _expect(self._storage.read(self.key), CONTENT, "its bytes")

    def _range(self) -> None:
        _expect(self._storage.read(self.key, start=2, end=6), CONTENT[2:6], "bytes 2 to 6")

    def _list(self) -> str | None:
        if not self._storage.abilities.lists:
            return "this service cannot list"
        if self.key not in (info.key for info in self._storage.list(FOLDER)):
            message = "the list does not name it"
            raise _WrongError(message)
        return None

    def _sign(self) -> str | None:
        if not self._storage.signs:
            return _NO_URLS
        found = signed.read(self._storage, self.key, self._left())
        _expect(found.body, CONTENT, "the bytes behind the signed URL")
        refused = signed.told(self._told(found.refused)) if found.refused else ""
        self._check.notes += filter(None, [found.note, refused])
        return None

    def _upload(self) -> str | None:
        if not self._storage.signs:
            return _NO_URLS
        signed.upload(self._storage, self._keys[2], CONTENT, self._left())
        _expect(self._storage.read(self._keys[2]), CONTENT, "the bytes of the upload")
        return None

    def _create(self) -> str | None:
        try:
            self._storage.put(self.key, CONTENT, if_absent=True)
        except AlreadyExistsError:
            return None if self._storage.abilities.atomic_create else "two writers at once are not kept apart"
        # Of no harm to keys that Holdfast makes.
        self._check.notes.append(_REPLACES)
        return _REPLACES

    def _copy(self) -> None:
        self._storage.copy(self.key, self._keys[1])
        _expect(self._storage.read(self._keys[1]), CONTENT, "the bytes of the copy")

    def _delete(self) -> None:
        self._storage.delete(self._keys)
        if self._storage.exists(self.key):
            message = "the object is still there"
            raise _WrongError(message)

    def _read_only(self) -> None:
        found: list[str] = []

        def listed() -> str | None:
            if not self._storage.abilities.lists:
                return "this service cannot list"
            found.extend(info.key for _, info in zip(range(1), self._storage.list(), strict=False))
            return None

        def missing() -> None:
            try:
                self._storage.stat(self.key)
            except BucketNotFoundError:
                raise
            except NotFoundError:  # as it should be
                return

        def first_byte() -> None:
            self._storage.read(found[0], start=0, end=1)

        self._try("stat", missing)
        self._try("list", listed)
        if found:
            self._try("range", first_byte)

    def _left(self) -> float:
        return max(1.0, self._end - time.monotonic())


class _WrongError(Exception):
    """The storage answered, and not as it should."""


def _expect(found: Any, wanted: Any, what: str) -> None:
    if found != wanted:
        message = f"{what} came back as {found!r:.60}, not {wanted!r:.60}"
        raise _WrongError(message)
