"""A Flask application that takes and gives files, in gunicorn: ``python flask_app.py PORT FOLDER``."""

import sys
from typing import Any

from flask import Flask, request
from gunicorn.app.base import BaseApplication
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from holdfast import FileObject, StoredObject, storages
from holdfast.contrib.flask import FileResponse, init_app, upload_form

PORT, FOLDER = int(sys.argv[1]), sys.argv[2]


class Base(DeclarativeBase):
    pass


class Document(Base):
    __tablename__ = "document"
    id: Mapped[int] = mapped_column(primary_key=True)
    file: Mapped[FileObject] = mapped_column(StoredObject(backend="large"))


def create_app() -> Flask:
    """Make the application, in the worker."""
    storages.register_backend(f"file://{FOLDER}/files/", key="large", durable=False)
    engine = create_engine(f"sqlite:///{FOLDER}/flask.db")
    Base.metadata.create_all(engine)
    app = Flask(__name__)
    init_app(app)

    def keep(file: Any) -> str:
        with Session(engine) as session:
            document = Document(file=file)
            session.add(document)
            session.commit()
            return str(document.id)

    @app.post("/object")
    def from_object() -> str:
        return keep(request.files["file"])

    @app.post("/form")
    def from_form() -> str:
        with upload_form(request, {"file": Document.file}) as form:
            return keep(form.files["file"])

    @app.get("/<int:number>")
    def download(number: int) -> FileResponse:
        with Session(engine) as session:
            return FileResponse(session.get_one(Document, number).file)

    @app.delete("/<int:number>")
    def delete(number: int) -> str:
        with Session(engine) as session:
            session.delete(session.get_one(Document, number))
            session.commit()
        return ""

    return app


class Server(BaseApplication):
    """Gunicorn with one worker, which is its only child."""

    def load_config(self) -> None:
        for name, value in {"bind": f"127.0.0.1:{PORT}", "threads": 2, "timeout": 600, "loglevel": "warning"}.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return create_app()


if __name__ == "__main__":
    Server().run()
