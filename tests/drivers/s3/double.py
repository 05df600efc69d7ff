"""A server that answers as S3 may, but the servers of the tests do not."""

import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from holdfast.drivers.s3.requests import Bucket
from holdfast.drivers.s3.signature import Credentials

UPLOAD = "<Upload><Key>{0}</Key><UploadId>{0}-id</UploadId><Initiated>2026-11-21T10:00:00Z</Initiated></Upload>"
TIME = 1795255200.0
"""When those uploads were begun."""


def listing(*keys, following=None):
    """Return the answer of ListMultipartUploads."""
    uploads = "".join(UPLOAD.format(key) for key in keys)
    more = f"<IsTruncated>true</IsTruncated><NextKeyMarker>{following}</NextKeyMarker>" if following else ""
    return f"<ListMultipartUploadsResult>{uploads}{more}</ListMultipartUploadsResult>"


class Double:
    """A server with an answer for each request line, and the lines, headers and bodies that it saw."""

    def __init__(self, certificate=None):
        self.answers, self.seen, self.sent = [], [], []
        double = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                double.seen.append((self.command, self.path))
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                double.sent.append((self.headers, body.decode()))
                status, body, *headers = double.answers.pop(0)
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body.encode())

            do_GET = do_DELETE = do_POST = do_HEAD = do_PUT = answer  # noqa: N815  # http.server's names

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' if certificate else ''}://127.0.0.1:{self.server.server_port}"
        self.bucket = Bucket(f"{self.url}/bucket", "r", Credentials("k", "s"))


@contextmanager
def serving(certificate=None):
    """Run a server, with TLS if there is a certificate."""
    double = Double(certificate)
    thread = threading.Thread(target=double.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield double
    finally:
        double.server.shutdown()
        thread.join()
        double.server.server_close()


def make_certificate(path):
    """Write a certificate for this machine that nobody signed, and its key, and return the path."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now, day = datetime.now(UTC), timedelta(days=1)
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now - day, now + day, [])
    made = made.add_extension(names, critical=False).sign(key, hashes.SHA256())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(key.private_bytes(*form) + made.public_bytes(serialization.Encoding.PEM))
    return path
