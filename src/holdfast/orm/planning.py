"""Which files of new values are uploaded, adopted or copied, so that every key keeps one owner."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

from holdfast.claim import used_before
from holdfast.orm import bridge, session_ledger
from holdfast.orm.claiming import Claiming
from holdfast.orm.work import Copying, Work
from holdfast.registry import storages
from holdfast.saving import Ref, prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy.orm import Session

    from holdfast.claim import Claim
    from holdfast.file import FileObject
    from holdfast.orm.ledger import Ledger
    from holdfast.saving import Place


class Edit(Protocol):
    """A new value of one file column of one row.

    Attributes:
        old: What the database holds there, locked.
        taken: References that the row takes.
    """

    old: frozenset[Ref]
    taken: list[Ref]

    @property
    def files(self) -> list[FileObject]:
        """The files of the new value."""

    def place(self) -> Place:
        """Return what a key scheme may use."""

    def exchange(self, current: FileObject, other: FileObject) -> None:
        """Put another file in the place of one."""


def carry_out(session: Session, edits: Sequence[Edit], droppable: Callable[[], set[Ref]]) -> None:
    """Do in the storages what new values need, or raise.

    Args:
        session: The session, whose ledger notes what may have to be undone.
        edits: The new values.
        droppable: Finds the references that lose their row in this transaction; asked only if it matters.
    """
    frame = session_ledger.frame(session)
    ledger = session_ledger.open_ledger(session)
    plan = _Plan(droppable, ledger)
    for edit in edits:
        for file in edit.files:
            plan.add(edit, file)
    work = plan.work
    work.claims += [Claiming(claim, frame, _is_marked(claim, ledger), ledger.nonce) for claim in plan.claims]
    work.announce(frame)
    bridge.do(work.run, work.run_async)
    for copying in work.copies:
        copying.edit.exchange(copying.original, copying.copy)
        frame.undo.append(partial(copying.edit.exchange, copying.copy, copying.original))


class _Plan:
    """Decides for each file of the new values what has to happen; no I/O."""

    def __init__(self, droppable: Callable[[], set[Ref]], ledger: Ledger) -> None:
        self.work = Work()
        self._find_droppable = droppable
        self._ledger = ledger
        self._droppable: set[Ref] | None = None
        self.claims: list[Claim] = []
        self._taken: set[Ref] = set()
        self._uploading: set[int] = set()

    def add(self, edit: Edit, file: FileObject) -> None:
        """Upload a pending file, adopt a free one, copy one that has a row already, keep what the row holds."""
        if file.is_stored and Ref(str(file.backend_key), str(file.path)) in edit.old:
            return
        if not (file.is_stored or file.has_pending_data):
            file._key()  # says what is wrong with a description, or a malformed value
        storages.get(file.backend.key)  # the row could not find its file again in one that is not registered
        place = edit.place()
        source = file._source
        self._claim(file)
        if source is not None and id(file) not in self._uploading:
            self._uploading.add(id(file))
            saving = prepare(file, source, place=place)
            self.work.savings.append(saving)
            edit.taken.append(saving.ref)
        elif source is None and self._may_own(ref := Ref(file.backend.key, str(file.path)), file):
            self.work.adopt(file, place.rules)
            edit.taken.append(ref)
        else:
            copying = Copying.of(file, place, edit)
            self.work.copies.append(copying)
            edit.taken.append(copying.ref)

    def _may_own(self, ref: Ref, file: FileObject) -> bool:
        """Return whether a row may own an object: no other does, or the one that does lets go of it."""
        if ref in self._taken:
            return False
        if file._owned:
            if self._droppable is None:
                self._droppable = self._find_droppable()
            if ref not in self._droppable:
                return False
        self._taken.add(ref)
        return True

    def _claim(self, file: FileObject) -> None:
        """Have the claim of an upload made good, unless it was before."""
        claim = file._claim_here
        if claim is None or claim in self.claims:
            return
        if claim.is_used:
            # By another transaction, whose row may not be in the database yet; if it is, this one gets a copy.
            if not file._owned and self._ledger.whole().markers.get(claim.marker) is not claim:
                raise used_before()
            return
        claim.check_time()
        if any(other.marker == claim.marker for other in self.claims):
            raise used_before()
        self.claims.append(claim)


def _is_marked(claim: Claim, ledger: Ledger) -> bool:
    """Return whether the marker lies there from this transaction: from a savepoint or a flush that failed.

    Raises:
        InvalidTokenError: The transaction has claimed the upload already.
    """
    whole = ledger.whole()
    noted = whole.markers.get(claim.marker)
    if noted is not None and noted is not claim:
        raise used_before()
    return noted is claim or any(item.ref == claim.marker for item in whole.discard)
