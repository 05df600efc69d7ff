"""A certificate authority of one's own, and a server that has a certificate of it."""

import contextlib
import ipaddress
import shutil
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from socketserver import StreamRequestHandler, ThreadingTCPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"


def make_authority(folder):
    """Return the PEM text of an authority, and a context for a server on this machine."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
    authority = _certificate(issuer, issuer, authority_key.public_key(), x509.BasicConstraints(True, 0), authority_key)
    host = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST))])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    certificate = _certificate(issuer, subject, key.public_key(), host, authority_key)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "server.pem"
    path.write_bytes(private + certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return authority.decode(), context


def _certificate(issuer, subject, public_key, extension, signer):
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(issuer, subject, public_key, x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
    return builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@contextlib.contextmanager
def encrypted(upstream, context):
    """Listen with TLS in front of a port, and give the address."""

    class Handler(StreamRequestHandler):
        def handle(self):
            self.request.do_handshake()
            with socket.create_connection((HOST, upstream)) as server, server.makefile("rb") as answers:
                back = threading.Thread(target=shutil.copyfileobj, args=(Unbuffered(answers), self.wfile))
                back.start()
                with contextlib.suppress(OSError):
                    while block := self.request.recv(65536):
                        server.sendall(block)
                with contextlib.suppress(OSError):
                    server.shutdown(socket.SHUT_RDWR)
                back.join()

    class Server(ThreadingTCPServer):
        def __init__(self):
            self.opened = []
            super().__init__((HOST, 0), Handler)

        def get_request(self):
            sock, address = super().get_request()
            self.opened.append(context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False))
            return self.opened[-1], address

        def handle_error(self, request, client_address):
            """A client that does not trust the certificate goes away."""

    with Server() as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"https://{HOST}:{server.server_address[1]}"
        server.shutdown()
        for sock in server.opened:  # some clients keep their connections
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


class Unbuffered:
    """Reads what is there, and does not wait for a whole block."""

    def __init__(self, file):
        self._file = file

    def read(self, size):
        return self._file.read1(size)
