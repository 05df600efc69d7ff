"""A WSGI application over a folder, by gunicorn, with and without nginx in front."""

import os
import shutil
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from holdfast import FileObject, StorageBackend
from holdfast.drivers.local import LocalDriver
from holdfast.errors import StorageError
from holdfast.serving.wsgi import FileResponse, Offload
from tests.servers.ports import HOST, free_port, is_listening
from tests.servers.shared import ServerFailedError, State, launch, start_once

ROOT = Path(__file__).parents[2]
NGINX = """
daemon off; master_process off; pid {folder}/pid; error_log stderr;
events {{}}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen {host}:{port};
    location / {{ proxy_pass http://{behind}; proxy_set_header X-Behind nginx; }}
    location /protected/ {{
      internal;
      alias {files}/;
      disable_symlinks on;
      add_header X-Content-Type-Options $upstream_http_x_content_type_options;
      add_header Content-Security-Policy $upstream_http_content_security_policy;
      add_header Cross-Origin-Resource-Policy $upstream_http_cross_origin_resource_policy;
    }}
  }}
}}
"""


@dataclass(frozen=True)
class Front:
    """Where a server listens, and where its files lie."""

    port: str
    files: str


def gunicorn() -> Front:
    """Start gunicorn."""
    return Front(**start_once("gunicorn-files", _start_gunicorn))


def nginx() -> Front:
    """Start nginx in front of that gunicorn."""
    return Front(**start_once("nginx-files", _start_nginx))


def application(environ, start_response):
    """Serve the file that the path names."""
    storage = StorageBackend("front", LocalDriver(Path(os.environ["HOLDFAST_FILES"]), durable=False))
    key = environ["PATH_INFO"].encode("latin-1").decode().removeprefix("/")
    found = Path(os.environ["HOLDFAST_FILES"], key).stat()
    known = {"size": found.st_size, "etag": f"{found.st_mtime_ns}-{found.st_size}"}  # as a row knows it
    file = FileObject(backend=storage, filename="photo 1.png", to_filename=key, **known)
    offload = Offload("X-Accel-Redirect", "/protected/") if "HTTP_X_BEHIND" in environ else None
    try:
        return FileResponse(file, offload=offload)(environ, start_response)
    except StorageError:
        start_response("404 Not Found", [("content-length", "0")])
        return []


def _start_gunicorn(folder: Path) -> State:
    port, files = free_port(), folder / "files"
    files.mkdir()
    command = [sys.executable, "-m", "gunicorn", "tests.serving.front:application", "--bind", f"{HOST}:{port}"]
    command += ["--workers", "1", "--chdir", str(ROOT), "--worker-tmp-dir", str(folder), "--no-control-socket"]
    environment = {"HOLDFAST_FILES": str(files), "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])}
    launch(folder, command, env=environment, ready=lambda: is_listening(port))
    return asdict(Front(str(port), str(files)))


def _start_nginx(folder: Path) -> State:
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        raise ServerFailedError("nginx is not installed: apt-get install nginx-light")
    port, behind = free_port(), gunicorn()
    config = folder / "nginx.conf"
    config.write_text(
        NGINX.format(folder=folder, host=HOST, port=port, behind=f"{HOST}:{behind.port}", files=behind.files)
    )
    launch(folder, [program, "-p", str(folder), "-c", str(config), "-e", "stderr"], ready=lambda: is_listening(port))
    return asdict(Front(str(port), behind.files))
