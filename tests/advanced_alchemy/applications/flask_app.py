"""The documents' Flask application."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from advanced_alchemy.extensions.flask import AdvancedAlchemy, SQLAlchemySyncConfig
from flask import Flask, Response, request

from tests.advanced_alchemy.applications.models import SyncDocumentService, configure_storage, file_of, shown


def create_app(database: str, storage: str, world: str) -> Flask:
    """Make the application."""
    assert world == "sync"
    app = Flask(__name__)
    with app.app_context():
        configure_storage(storage)
    config = SQLAlchemySyncConfig(connection_string=database, commit_mode="autocommit", create_all=True)
    alchemy = AdvancedAlchemy(config, app)

    def service() -> SyncDocumentService:
        return SyncDocumentService(session=alchemy.get_sync_session())

    def sent() -> Any:
        data = request.files["data"]
        return data.filename, file_of(data.filename, data.content_type, data.read())

    @app.post("/upload")
    def upload() -> Any:
        name, file = sent()
        return shown(service().create({"title": name, "file": file})), 201

    @app.put("/documents/<uuid:document_id>")
    def replace(document_id: UUID) -> Any:
        return shown(service().update({"file": sent()[1]}, item_id=document_id))

    @app.get("/download/<uuid:document_id>")
    def download(document_id: UUID) -> Any:
        file = service().get(document_id).file
        return Response(file.get_content(), content_type=file.content_type)

    @app.delete("/documents/<uuid:document_id>")
    def remove(document_id: UUID) -> Any:
        service().delete(document_id)
        return "", 204

    @app.post("/fail")
    def fail() -> Any:
        service().create({"title": "x", "file": sent()[1]})
        return {"error": "refused"}, 404

    return app
