"""A team's logo, which everybody may see, and its files, which take a signed URL.

python app.py [.env]
"""

import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, StoredObject, storages
from holdfast.config import configure


class Base(DeclarativeBase):
    """The tables."""


class Team(Base):
    """A team with a public and a private file."""

    __tablename__ = "team"

    id: Mapped[int] = mapped_column(primary_key=True)
    logo: Mapped[FileObject] = mapped_column(StoredObject(backend="public"))
    plan: Mapped[FileObject] = mapped_column(StoredObject(backend="private"))


def public_url(file: FileObject) -> str:
    """Return the address of a file in the public bucket: endpoint, bucket and key, without a signature."""
    return file.sign(expires_in=60).partition("?")[0]


def status(url: str) -> int:
    """Return how the server answers somebody without credentials."""
    try:
        with urlopen(url, timeout=10) as answer:  # noqa: S310  # an address of the storage
            return int(answer.status)
    except HTTPError as error:
        return error.code


def main(env: Path) -> None:
    """Store a team, ask for its files as anybody could, and delete it."""
    configure(env)
    print("storages:", ", ".join(storages.all()))
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        team = Team(
            logo=FileObject(filename="logo.svg", content_type="image/svg+xml", content=b"<svg/>"),
            plan=FileObject(filename="plan.txt", content_type="text/plain", content=b"secret plan"),
        )
        session.add(team)
        session.commit()
        print("logo, by its plain address:", status(public_url(team.logo)))
        print("plan, by its plain address:", status(public_url(team.plan)))
        print("plan, by a signed URL:", status(team.plan.sign(expires_in=60)))
        session.delete(team)
        session.commit()
    engine.dispose()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / ".env"))
