"""What somebody does with a signed URL who has nothing else."""

from http.client import HTTPConnection
from urllib.parse import urlsplit


def send(method, url, body=None, **headers):
    """Send a request as the URL says it, and return status, headers and body of the answer."""
    parts = urlsplit(url)
    connection = HTTPConnection("127.0.0.1", parts.port, timeout=30)
    headers = {"Host": parts.netloc, **{name.replace("_", "-"): value for name, value in headers.items()}}
    try:
        connection.request(method, url.split(parts.netloc, 1)[1], body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()
