"""Flask: downloads, uploads that stream, files in JSON, ready-made routes.

Example:
    A whole application is in ``docs/frameworks/flask.md``; this is its frame::

        app = Flask(__name__)
        init_app(app)
        app.register_blueprint(file_blueprint(Document.file, session=sessions, authorize=may), url_prefix="/documents")
"""

from holdfast.contrib.flask.application import init_app
from holdfast.contrib.flask.forms import upload_form
from holdfast.contrib.flask.responses import FileResponse
from holdfast.contrib.flask.routes import file_blueprint

__all__ = ["FileResponse", "file_blueprint", "init_app", "upload_form"]
