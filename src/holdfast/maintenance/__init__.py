"""Commands for operators: `verify` finds what is wrong, `sweep` deletes what nobody needs, `mirror` fills mirrors.

The first two compare what the storages list with what the rows hold, by a sorted merge on disk: memory is bounded
for any number of rows and objects. `migrate` and `settle` move files to another storage, `adopt` takes them over from
columns of other libraries, `copy_environment` brings them into another database; `backfill`, `rekey` and `alter` change
what rows and objects say.

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

from holdfast.maintenance.adopting.adoption import adopt, adopt_async
from holdfast.maintenance.adopting.report import AdoptReport
from holdfast.maintenance.environments.copying import copy_environment, copy_environment_async
from holdfast.maintenance.mirroring import mirror, mirror_async
from holdfast.maintenance.reports import (
    AlterReport,
    BackfillReport,
    CopyReport,
    Finding,
    MigrateReport,
    MirrorReport,
    Progress,
    RekeyReport,
    RowName,
    SettleReport,
    SweepReport,
    VerifyReport,
)
from holdfast.maintenance.rewriting.altering import alter, alter_async
from holdfast.maintenance.rewriting.backfilling import backfill, backfill_async
from holdfast.maintenance.rewriting.migration import migrate, migrate_async
from holdfast.maintenance.rewriting.rekeying import rekey, rekey_async
from holdfast.maintenance.settling import settle, settle_async
from holdfast.maintenance.sweeping import sweep, sweep_async
from holdfast.maintenance.verification import verify, verify_async

__all__ = [
    "AdoptReport",
    "AlterReport",
    "BackfillReport",
    "CopyReport",
    "Finding",
    "MigrateReport",
    "MirrorReport",
    "Progress",
    "RekeyReport",
    "RowName",
    "SettleReport",
    "SweepReport",
    "VerifyReport",
    "adopt",
    "adopt_async",
    "alter",
    "alter_async",
    "backfill",
    "backfill_async",
    "copy_environment",
    "copy_environment_async",
    "migrate",
    "migrate_async",
    "mirror",
    "mirror_async",
    "rekey",
    "rekey_async",
    "settle",
    "settle_async",
    "sweep",
    "sweep_async",
    "verify",
    "verify_async",
]
