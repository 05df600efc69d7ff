"""What a transaction did to files, as data. No I/O, no events: rules that are told what happened.

One ledger per root transaction, one frame per boundary (the root, or a SAVEPOINT). Frames fold into each other as
savepoints end, and the root's verdict says which objects nobody needs any more.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from holdfast.keys import new_id

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from holdfast.claim import Claim
    from holdfast.saving import Ref, Saving


class Outcome(Enum):
    """How a root transaction ended, as far as can be known."""

    COMMITTED = "committed"
    ROLLED_BACK = "rolled back"
    UNKNOWN = "nobody can know"


@dataclass(slots=True, eq=False)
class Owner:
    """The row that took or dropped a file.

    Attributes:
        mapper: The row's mapper.
        bind: Engine of its table.
        identity: Its primary key, once it has one.
        state: Its `InstanceState`; a statement's rows have none.
    """

    mapper: Any
    bind: Any
    identity: tuple[Any, ...] | None = None
    state: Any = None

    def identities(self) -> set[tuple[Any, ...]]:
        """Return the primary keys that the row had and has; none is known of a row that was never inserted."""
        current = self.state.key[1] if self.state is not None and self.state.key is not None else None
        return {identity for identity in (self.identity, current) if identity is not None}

    def is_unknown(self) -> bool:
        """Return whether a statement made the row, and did not say which it is."""
        return self.state is None and self.identity is None


class Change(NamedTuple):
    """One reference taken (+1) or dropped (-1)."""

    sign: int
    ref: Ref
    owner: Owner


class Dead(NamedTuple):
    """An object to delete.

    Attributes:
        ref: The object.
        owners: The rows that must not hold it any more.
        file: Of the marker of a claimed upload: the file, which they must not hold either.
    """

    ref: Ref
    owners: tuple[Owner, ...]
    file: Ref | None = None


class Entry(NamedTuple):
    """What an outbox was told of a file.

    Attributes:
        bind: Engine of the outbox.
        outbox: The outbox.
        kind: ``"drop"`` or ``"take"``.
        ref: The file.
        table: Full name of its row's table.
        key: The row's encoded primary key.
    """

    bind: Any
    outbox: Any
    kind: str
    ref: Ref
    table: str | None
    key: str | None


@dataclass(slots=True)
class Frame:
    """One boundary.

    Attributes:
        created: Objects written inside it.
        markers: Those of claimed uploads, each with its claim; they stay unless it rolls back, or no row got the file.
        changes: References taken and dropped.
        discard: Objects of boundaries inside it that rolled back.
        requests: Objects that were asked to be deleted.
        asked: Rows to ask before an object is deleted, beside those that took or dropped it.
        uncertain: Objects that rows may hold although nobody noted it: their statement failed.
        entries: What the outboxes were told.
        undo: Called, last first, when it rolls back: files become what they were before.
        committed: Whether its COMMIT, or RELEASE, succeeded.
    """

    created: list[Ref] = field(default_factory=list)
    markers: dict[Ref, Claim] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    discard: list[Dead] = field(default_factory=list)
    requests: list[Ref] = field(default_factory=list)
    asked: list[tuple[Ref, Owner]] = field(default_factory=list)
    uncertain: set[Ref] = field(default_factory=set)
    entries: set[Entry] = field(default_factory=set)
    undo: list[Callable[[], object]] = field(default_factory=list)
    committed: bool = False

    def note(self, saving: Saving) -> None:
        """Note a save that is about to begin.

        Under a fresh key lies nothing but what this save writes, so it counts from the start, however the save ends.
        Under a key that the caller named there may be somebody else's object: it counts once it was written.
        """
        self.undo.append(saving.undo)
        saving.noted = True
        if saving.is_fresh:
            self.created.append(saving.ref)
        else:
            saving.on_finish = partial(self.created.append, saving.ref)

    def merge(self, inner: Frame) -> None:
        """Take over a released savepoint."""
        self.created += inner.created
        self.markers |= inner.markers
        self.changes += inner.changes
        self.discard += inner.discard
        self.requests += inner.requests
        self.asked += inner.asked
        self.uncertain |= inner.uncertain
        self.entries |= inner.entries
        self.undo += inner.undo

    def roll_back(self) -> list[Dead]:
        """Undo what happened to the files, and return the objects that are left over."""
        for call in reversed(self.undo):
            call()
        return [*self.discard, *self._with_owners(self.created), *self._idle_markers(frozenset())]

    def net(self) -> Counter[Ref]:
        """Return for each object how many rows took it more than dropped it."""
        net: Counter[Ref] = Counter()
        for change in self.changes:
            net[change.ref] += change.sign
        return net

    def only_creates(self) -> bool:
        """Return whether rows took all that was written, and nothing else: so it is in most transactions."""
        if self.discard or self.requests or self.markers or self.uncertain:
            return False
        taken = {change.ref for change in self.changes if change.sign > 0}
        return len(taken) == len(self.changes) and taken == set(self.created)

    def dead(self) -> list[Dead]:
        """Return what nobody needs once this has been committed."""
        if self.only_creates():
            return []
        net = self.net()
        dropped = [ref for ref, count in net.items() if count < 0]
        got = {change.ref for change in self.changes if change.sign > 0} | self.uncertain
        copied = [claim.upload for claim in self.markers.values() if claim.file in got and claim.file != claim.upload]
        unused = [ref for ref in [*self.created, *self.requests, *copied] if net[ref] <= 0]
        discarded = [item for item in self.discard if net[item.ref] <= 0 and item.ref not in self.markers]
        return [*discarded, *self._with_owners([*unused, *dropped]), *self._idle_markers(got)]

    def _idle_markers(self, got: Collection[Ref]) -> list[Dead]:
        """Return the markers of claims whose file no row got: the flush that made them failed, say."""
        idle = {marker: claim.file for marker, claim in self.markers.items() if claim.file not in got}
        owners = {item.ref: item.owners for item in self._with_owners(idle.values())}
        return [Dead(marker, owners[file], file) for marker, file in idle.items()]

    def _with_owners(self, refs: Iterable[Ref]) -> list[Dead]:
        owners: dict[Ref, list[Owner]] = {}
        for ref, owner in [*((change.ref, change.owner) for change in self.changes), *self.asked]:
            owners.setdefault(ref, []).append(owner)
        return [Dead(ref, tuple(owners.get(ref, ()))) for ref in dict.fromkeys(refs)]


class Ledger:
    """The frames of one root transaction.

    Attributes:
        sent: Whether the COMMIT was handed to a database, as far as can be told.
        autocommit: Whether a connection commits each statement, so that a rollback proves nothing.
        edits: File columns that the flush under way changes, by row and column.
        watched: Connections that rows with files were written through.
        heard: Those whose COMMIT is listened for.
        schemas: Where a connection translates names of schemas, by engine; fresh ones have to do the same.
        begun: Whether its root transaction has begun; a delete may be queued before.
        closing: Called when it is settled.
        joined: Whether the session works inside somebody else's transaction, so that its own end proves nothing.
        is_ending: Whether the outboxes were told, so that they must hear of what comes later.
    """

    def __init__(self) -> None:
        self.sent = False
        self.joined = False
        self.autocommit = False
        self.edits: dict[Any, Any] = {}
        self.watched: set[Any] = set()
        self.heard: set[Any] = set()
        self.schemas: dict[Any, Any] = {}
        self.is_ending = False
        self.begun = False
        self.closing: list[Callable[[], object]] = []
        self._root = Frame()
        self._nested: dict[Any, Frame] = {}

    def stop_listening(self) -> None:
        """Let go of the connections, whose listeners hold this ledger: contents of files would live on in a circle."""
        for stop in self.closing:
            stop()
        self.closing.clear()
        for connections in (self.watched, self.heard):
            connections.clear()

    @cached_property
    def nonce(self) -> bytes:
        """What markers of claimed uploads hold, so that their transaction knows them again."""
        return new_id().encode()

    def frame(self, boundary: Any | None) -> Frame:
        """Return the frame of a SAVEPOINT, or of the root for None."""
        return self._root if boundary is None else self._nested.setdefault(boundary, Frame())

    def frames(self) -> Iterator[Frame]:
        """Yield all open frames."""
        yield self._root
        yield from self._nested.values()

    def let_go(self) -> set[Ref]:
        """Return what no row holds as far as this transaction goes: dropped more than taken, or just written."""
        whole = self.whole()
        net = whole.net()
        dropped = {ref for ref, count in net.items() if count < 0} | {ref for ref in whole.created if net[ref] <= 0}
        return dropped - whole.uncertain

    def whole(self) -> Frame:
        """Return all that happened so far, in open savepoints too; only to be read."""
        if not self._nested:
            return self._root
        whole = Frame()
        for frame in self.frames():
            whole.merge(frame)
        return whole

    def end_nested(self, boundary: Any, parent: Any | None) -> None:
        """Fold a SAVEPOINT that ended into the boundary around it."""
        inner = self._nested.pop(boundary, None)
        if inner is None:
            return
        if inner.committed:
            self.frame(parent).merge(inner)
        else:
            self.frame(parent).discard += inner.roll_back()

    def adopted(self) -> Iterator[tuple[Change, bool]]:
        """Yield the takes of files that were there before, and whether another row of this transaction had them."""
        whole = self.whole()
        created = set(whole.created) - {entry.ref for entry in whole.entries if entry.kind == "drop"}
        dropped = {change.ref for change in whole.changes if change.sign < 0}
        for change in whole.changes:
            if change.sign > 0 and change.ref not in created:
                yield change, change.ref in dropped

    def engine(self, bind: Any) -> Any:
        """Return an engine whose fresh connections look where those of the transaction looked."""
        return bind.execution_options(schema_translate_map=self.schemas[bind]) if bind in self.schemas else bind

    def boxed(self) -> dict[tuple[Any, Any], set[Ref]]:
        """Return the files that the outboxes were told to delete, by engine and outbox."""
        boxed: dict[tuple[Any, Any], set[Ref]] = {}
        for entry in self.whole().entries:
            if entry.kind == "drop":
                boxed.setdefault((entry.bind, entry.outbox), set()).add(entry.ref)
        return boxed

    def settle(self) -> tuple[Outcome, list[Dead]]:
        """Return how the root ended, and which objects are to be deleted now."""
        if self._root.committed:
            return Outcome.COMMITTED, self._root.dead()
        if self.sent or self.autocommit:
            return Outcome.UNKNOWN, []
        return Outcome.ROLLED_BACK, self._root.roll_back()

    def is_empty(self) -> bool:
        """Return whether nothing happened to any file."""
        return not any(
            frame.created or frame.changes or frame.discard or frame.requests or frame.markers
            for frame in self.frames()
        )
