"""One object on its way from the old storage of a move to the new one, while both are in use.

Nobody is locked out. Who has just made the copy and then misses the original takes the copy back: somebody has
deleted the object, and it must not come back. So a run that finds a copy and does not know whose it is leaves the
original alone for longer than the other one has for that. No clocks are compared: each counts from what it saw itself.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from holdfast.backends.wrappers import LimitedBackend, levels
from holdfast.config.probing.probe import FOLDER
from holdfast.drivers.optional import PlainFiles
from holdfast.drivers.protocol import SINGLE_PUT_LIMIT
from holdfast.errors import AlreadyExistsError, BucketNotFoundError, NotFoundError
from holdfast.keys import new_id
from holdfast.maintenance.differences import differ, differ_async
from holdfast.orm import bridge
from holdfast.sources import AsyncIterableSource, IterableSource

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from holdfast.backends.base import StorageBackend
    from holdfast.backends.wrappers import GradualBackend
    from holdfast.objects import ObjectInfo

_TRIES = 3
_CLOCKS = 5.0  # seconds by which the clocks of two services may differ


class Outcome(NamedTuple):
    """What became of an object.

    Attributes:
        kind: ``"copied"``; ``"there"``: the new storage has the key; ``"same"``: and it is the same object;
            ``"replaced"`` or ``"different"``: it is another one, in the first case a later one; ``"gone"``: it was
            deleted; ``"unclear"``: it was deleted, or moved by another run; ``"busy"``: it changed each time;
            ``"missing"``: there is no copy.
        size: Its bytes.
    """

    kind: str
    size: int = 0


_GONE, _THERE, _BUSY, _MISSING = map(Outcome, ("gone", "there", "busy", "missing"))


class Stopwatch:
    """How long ago something was."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Begin anew."""
        self._running, self._wall = time.monotonic(), time.time()

    def at_least(self) -> float:
        """Return the seconds since then, without those in which the machine slept."""
        return time.monotonic() - self._running

    def at_most(self) -> float:
        """Return the seconds since then, also those in which the machine slept."""
        return max(self.at_least(), time.time() - self._wall)


class Crossing:
    """Moves single objects, without the last step: deleting the original. Runs in either world.

    Args:
        storage: The storage that moves.
        patience: Seconds for which copies of others are left alone; in half of them they can be taken back.
        deep: Whether copies are read back.
    """

    def __init__(self, storage: GradualBackend, patience: float, *, deep: bool) -> None:
        self._old, self._new, self._settings = storage.old, storage.new, storage._object_settings
        self.patience, self._deep = patience, deep
        # One that tries again may take the copy of another run for its own.
        repeats = any(isinstance(each, LimitedBackend) for each, _ in levels(self._new))
        self._refuses = False if repeats or not self._new.abilities.atomic_create else None
        self._links = isinstance(self._new._plain, PlainFiles)  # a disk creates a file of any size

    def look(self, key: str) -> Outcome:
        """Compare an object with what the new storage has, by size."""
        theirs, ours = _found(self._old, key), _found(self._new, key)
        if theirs is None or ours is None:
            return _GONE if theirs is None else Outcome("missing", theirs.size)
        return Outcome("there", theirs.size) if theirs.size == ours.size else _another(theirs, ours)

    def copy(self, key: str) -> Outcome:
        """Copy an object to where there is none, and look at both again."""
        for _ in range(_TRIES):
            before = _found(self._old, key)
            if before is None:
                return _GONE
            if _found(self._new, key) is not None:
                return _THERE
            try:
                outcome = self._copied(key, before)
            except AlreadyExistsError:
                return _THERE
            if outcome is not None:
                return outcome
        return _BUSY

    def _copied(self, key: str, before: ObjectInfo) -> Outcome | None:
        """Copy; None if the object was changed meanwhile."""
        watch = Stopwatch()
        try:
            tag = self._write(key, before, watch)
        except NotFoundError:
            if _found(self._old, key) is not None:  # it is the new bucket that is missing
                raise
            return _GONE
        found, after = _found(self._new, key), _found(self._old, key)
        if after is None:
            return self._taken_back(key, tag, watch, before.size)
        if found is not None and _unchanged(before, after):
            return self._checked(key, after, found)
        if found is not None and found.etag == tag is not None:  # a copy of what is no more
            _delete(self._new, key)
        return None

    def adopt(self, key: str) -> Outcome:
        """Compare an object with what the new storage has, byte by byte."""
        theirs, ours = _found(self._old, key), _found(self._new, key)
        if theirs is None or ours is None:
            return _GONE if theirs is None else _MISSING
        try:
            if theirs.size != ours.size or self._differ(key):
                return _another(theirs, ours)
        except NotFoundError:
            return _BUSY
        after = _found(self._new, key)
        still = after is not None and _unchanged(ours, after) and _found(self._old, key) is not None
        return Outcome("same", theirs.size) if still else _BUSY

    def _write(self, key: str, info: ObjectInfo, watch: Stopwatch) -> str | None:
        """Write a copy; return the tag by which it can be known again, if there is one."""
        old, new = self._old, self._new
        copied = None
        if not self._settings.given:  # a copy inside the service takes those of the new storage
            copied = bridge.do(lambda: new.copy_from(old, key, key), lambda: new.copy_from_async(old, key, key))
        if copied is not None:
            return None  # not every service that is like S3 refuses a copy onto a key that is taken
        about = {"content_type": info.content_type, "metadata": info.metadata, "object_settings": self._settings}
        written = bridge.do(
            lambda: new.put(key, IterableSource(_watched(old.stream(key), watch)), if_absent=True, **about),  # type: ignore[arg-type]
            lambda: new.put_async(
                key,
                AsyncIterableSource(_watched_async(old.stream_async(key), watch)),
                if_absent=True,
                **about,  # type: ignore[arg-type]
            ),
        )
        return written.etag

    def _taken_back(self, key: str, tag: str | None, watch: Stopwatch, size: int) -> Outcome:
        """Delete the copy of an object that was deleted meanwhile, if nobody else can count on it."""
        in_time = watch.at_most() < self.patience / 2
        if _found(self._new, key) is None:
            return _GONE
        known = tag is not None and (size <= SINGLE_PUT_LIMIT or self._links)
        if not (in_time and known and self._creates()):
            return Outcome("unclear", size)
        found = _found(self._new, key)
        if found is not None and found.etag == tag:
            _delete(self._new, key)
        return _GONE

    def _creates(self) -> bool:
        """Return whether of two puts of one key only one succeeds; it is tried, once, for not every server does it."""
        if self._refuses is None:
            new, key = self._new, f"{FOLDER}/{new_id()}"
            try:
                for _ in range(2):
                    bridge.do(
                        lambda: new.put(key, b"", if_absent=True), lambda: new.put_async(key, b"", if_absent=True)
                    )
            except AlreadyExistsError:
                self._refuses = True
            else:
                self._refuses = False
            finally:
                _delete(new, key)
        return self._refuses

    def _checked(self, key: str, original: ObjectInfo, copy: ObjectInfo) -> Outcome:
        try:
            if original.size != copy.size or (self._deep and self._differ(key)):
                return _another(original, copy)
        except NotFoundError:
            return _BUSY
        return Outcome("copied", original.size)

    def _differ(self, key: str) -> bool:
        old, new = self._old, self._new
        return bridge.do(
            lambda: differ(old.stream(key), new.stream(key)),
            lambda: differ_async(old.stream_async(key), new.stream_async(key)),
        )


def _found(storage: StorageBackend, key: str) -> ObjectInfo | None:
    try:
        return bridge.do(lambda: storage.stat(key), lambda: storage.stat_async(key))
    except BucketNotFoundError:
        raise
    except NotFoundError:
        return None


def _delete(storage: StorageBackend, key: str) -> None:
    bridge.do(lambda: storage.delete(key), lambda: storage.delete_async(key))


def _watched(chunks: Iterator[bytes], watch: Stopwatch) -> Iterator[bytes]:
    """Yield what is copied; the copy cannot be there before the end, so that the watch may start there."""
    yield from chunks
    watch.start()


async def _watched_async(chunks: AsyncIterator[bytes], watch: Stopwatch) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        yield chunk
    watch.start()


def _unchanged(before: ObjectInfo, after: ObjectInfo) -> bool:
    return before._replace(content_type=None, metadata={}) == after._replace(content_type=None, metadata={})


def _another(old: ObjectInfo, new: ObjectInfo) -> Outcome:
    """Return what is to be said of two objects under one key."""
    known = old.last_modified is not None and new.last_modified is not None
    later = known and new.last_modified > old.last_modified + _CLOCKS  # type: ignore[operator]  # known
    return Outcome("replaced" if later else "different", old.size)
