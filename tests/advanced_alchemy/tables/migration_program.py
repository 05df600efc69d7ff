"""The documents' script that migrates files, in a process of its own, which may be killed on its way.

Arguments, as JSON: how names come to be Holdfast's, the database, both storages, the session's setting, where to die.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import warnings
from typing import Any

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Mapped, mapped_column

ARGUMENTS = json.loads(sys.argv[1])

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    if ARGUMENTS["names"] == "installed":
        from holdfast.contrib import advanced_alchemy

        advanced_alchemy.install()
        from advanced_alchemy.types import FileObject, StoredObject
        from advanced_alchemy.types.file_object import storages
        from advanced_alchemy.types.file_object.backends.fsspec import FSSpecBackend
        from advanced_alchemy.types.file_object.backends.obstore import ObstoreBackend
    else:
        from holdfast import FileObject, StoredObject, storages
        from holdfast.backends.fsspec import FSSpecBackend
        from holdfast.backends.obstore import ObstoreBackend
    from advanced_alchemy.base import UUIDAuditBase

logger = logging.getLogger("migration")


class Document(UUIDAuditBase):
    __tablename__ = "paper"
    title: Mapped[str]
    file: Mapped[FileObject | None] = mapped_column(StoredObject(backend="local-legacy"))


session: Any = None  # which the documents leave to the application


async def migrate_files_to_s3() -> None:
    """Migrate files from local to S3, exactly as the documents have it."""
    from sqlalchemy import select

    stmt = select(Document).where(Document.file.isnot(None))
    result = await session.execute(stmt)
    documents = list(result.scalars())

    for doc in documents:
        if doc.file.backend == "local-legacy":
            # Get file content
            content = await doc.file.get_content_async()

            # Create new file on S3
            new_file = FileObject(
                backend="s3-new",
                filename=doc.file.filename,
                content_type=doc.file.content_type,
                metadata=doc.file.metadata,
                content=content,
            )

            # Save to S3
            await new_file.save_async()

            # Delete old file
            await doc.file.delete_async()

            # Update document
            doc.file = new_file
            await session.commit()

            logger.info(f"migrated file: {doc.file.filename}")  # noqa: G004  # as it is there


def die_at(point: str, turn: int, engine: Any) -> None:
    """Die at the n-th time that something happens."""
    left = [turn]

    def count(*_: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            os._exit(9)

    if point == "commit":
        event.listen(engine, "commit", count)
        return
    # After a save or a delete by hand; or where an object is deleted, once its row was committed.
    owner, name = (FileObject, point) if point.endswith("_async") else (storages.get("local-legacy"), "delete_async")
    whole = getattr(owner, name)

    async def wrapped(*args: Any, **options: Any) -> Any:
        if point == "object":
            count()
        result = await whole(*args, **options)
        if point != "object":
            count()
        return result

    setattr(owner, name, wrapped)


async def main() -> None:
    """Run it."""
    global session
    logging.basicConfig(level=logging.INFO, format="%(name)s %(levelname)s %(message)s")
    storages.register_backend(FSSpecBackend(key="local-legacy", fs="file", prefix=ARGUMENTS["folder"]))
    storages.register_backend(ObstoreBackend(key="s3-new", **ARGUMENTS["s3"]))
    engine = create_async_engine(ARGUMENTS["url"])
    if ARGUMENTS["die"]:
        die_at(*ARGUMENTS["die"], engine.sync_engine)
    async with AsyncSession(engine, expire_on_commit=ARGUMENTS["expire"]) as session:
        await migrate_files_to_s3()
    await engine.dispose()


asyncio.run(main())
