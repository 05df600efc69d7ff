"""Commands for operators: `verify` finds what is wrong, `sweep` deletes what nobody needs, `mirror` fills mirrors.

The first two compare what the storages list with what the rows hold, by a sorted merge on disk: memory is bounded
for any number of rows and objects.

Example:
    >>> from sqlalchemy import create_engine
    >>> from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
    >>> from holdfast import FileObject, StoredObject, storages
    >>> from holdfast.maintenance import verify
    >>> storage = storages.register_backend("memory://", key="plans")
    >>> class Base(DeclarativeBase): pass
    >>> class Plan(Base):
    ...     __tablename__ = "plan"
    ...     id: Mapped[int] = mapped_column(primary_key=True)
    ...     file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="plans"))
    >>> engine = create_engine("sqlite://")
    >>> Base.metadata.create_all(engine)
    >>> with Session(engine) as session:
    ...     session.add(Plan(file=FileObject(filename="plan.txt", content=b"Plan B")))
    ...     session.commit()
    ...     report = verify(session, Base)
    >>> report.ok, report.counts["objects"]
    (True, 1)
"""

from holdfast.maintenance.mirroring import mirror, mirror_async
from holdfast.maintenance.reports import Finding, MirrorReport, Progress, RowName, SweepReport, VerifyReport
from holdfast.maintenance.sweeping import sweep, sweep_async
from holdfast.maintenance.verification import verify, verify_async

__all__ = [
    "Finding",
    "MirrorReport",
    "Progress",
    "RowName",
    "SweepReport",
    "VerifyReport",
    "mirror",
    "mirror_async",
    "sweep",
    "sweep_async",
    "verify",
    "verify_async",
]
