"""No secret is in a text that Holdfast makes or passes on: reprs, pickles, errors and their chains, logs, telemetry."""

import base64
import io
import json
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from holdfast import FileObject, StorageBackend, storages
from holdfast.backends.fsspec import FSSpecBackend
from holdfast.backends.observing import observers
from holdfast.backends.obstore import ObstoreBackend
from holdfast.backends.opentelemetry import OpenTelemetry
from holdfast.backends.secret_texts import has_secret
from holdfast.backends.texts import summary
from tests.errors.answering import answering
from tests.errors.services import close, impatient
from tests.servers.ports import HOST, free_port

CANARY = "tweety7c1d93ab"  # in every secret below, in plain text or in base64
IN_BASE64 = base64.b64encode(CANARY.encode() * 3).decode()
SAS = f"sv=2024-11-04&ss=b&srt=sco&sp=rwdl&se=2099-01-01T00:00:00Z&spr=http&sig={CANARY}%3D"
ONCE = {"max_retries": 0}


def opened(kind: Callable[..., StorageBackend], fs: Any, **options: Any) -> Callable[[str], StorageBackend]:
    """Return what opens a storage at an address: AT, or HOST for the part without the scheme, stands for it."""

    def fill(value: Any, address: str) -> Any:
        if isinstance(value, dict):
            return {name: fill(each, address) for name, each in value.items()}
        if isinstance(value, str):
            host, _, port = address.removeprefix("http://").partition(":")
            return value.replace("AT", address).replace("HOST", host).replace("PORT", port)
        return value

    def at(address: str) -> StorageBackend:
        filled = fill(options, address)
        if isinstance(filled.get("port"), str):
            filled["port"] = int(filled["port"])
        return kind("docs", fill(fs, address), **filled)

    return at


_S3 = {"aws_endpoint": "AT", "aws_allow_http": True, "aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "retry_config": ONCE}
_AZURE = {"azure_storage_endpoint": "AT/account", "azure_storage_account_name": "account", "retry_config": ONCE}
_AZURE["azure_storage_allow_http"] = True
_SLOW = {"config_kwargs": {"retries": {"max_attempts": 0}, "connect_timeout": 1, "read_timeout": 1}}
_S3FS = {"endpoint_url": "AT", "username": "AKIAIOSFODNN7EXAMPLE", "prefix": "bucket", **_SLOW}
_ACCOUNT = json.dumps(
    {"gcs_base_url": "AT", "disable_oauth": True, "client_email": "", "private_key": CANARY, "private_key_id": ""}
)

KINDS = {
    "S3 secret": opened(ObstoreBackend, "s3://bucket", **_S3, aws_secret_access_key=CANARY),
    "S3 session token": opened(
        ObstoreBackend, "s3://bucket", **_S3, aws_secret_access_key=CANARY, aws_session_token=CANARY
    ),
    "S3 encryption key": opened(
        ObstoreBackend,
        "s3://bucket",
        **_S3,
        aws_secret_access_key=CANARY,
        aws_server_side_encryption="sse-c",
        aws_sse_customer_key_base64=IN_BASE64,
    ),
    "S3 proxy password": opened(
        ObstoreBackend, "s3://bucket", **_S3, aws_secret_access_key="x", proxy_url=f"http://user:{CANARY}@HOST:PORT"
    ),
    "Azure account key": opened(ObstoreBackend, "az://box", **_AZURE, azure_storage_account_key=IN_BASE64),
    "Azure SAS": opened(ObstoreBackend, "az://box", **_AZURE, azure_storage_sas_token=SAS),
    "Azure bearer token": opened(ObstoreBackend, "az://box", **_AZURE, azure_storage_token=CANARY),
    "GCS service account": opened(
        ObstoreBackend, "gs://bucket", google_service_account_key=_ACCOUNT, google_allow_http=True, retry_config=ONCE
    ),
    "GCS bearer token": opened(
        ObstoreBackend,
        "gs://bucket",
        google_base_url="AT",
        google_bearer_token=CANARY,
        google_allow_http=True,
        retry_config=ONCE,
    ),
    "s3fs secret": opened(FSSpecBackend, "s3", **_S3FS, password=CANARY),
    "s3fs session token": opened(FSSpecBackend, "s3", **_S3FS, password=CANARY, token=CANARY),
    "adlfs connection string": opened(
        FSSpecBackend,
        "abfs",
        prefix="box",
        connection_string=f"DefaultEndpointsProtocol=http;AccountName=account;AccountKey={IN_BASE64};BlobEndpoint=AT/a;",
    ),
    "adlfs SAS": opened(
        FSSpecBackend,
        "abfs",
        prefix="box",
        connection_string=f"BlobEndpoint=AT/account;SharedAccessSignature={SAS};",
    ),
    "HTTP header": opened(
        FSSpecBackend, "http", prefix="AT/files", client_kwargs={"headers": {"Authorization": f"Bearer {CANARY}"}}
    ),
    "HTTP password in the URL": opened(FSSpecBackend, f"http://user:{CANARY}@HOST:PORT/files"),
    "WebDAV password": opened(FSSpecBackend, "webdav", base_url="AT", auth=("user", CANARY)),
    "FTP password": opened(FSSpecBackend, "ftp", host="HOST", port="PORT", username="user", password=CANARY),
    "FTP password in the URL": opened(FSSpecBackend, f"ftp://user:{CANARY}@HOST:PORT/files"),
    "SFTP password": opened(
        FSSpecBackend, "sftp", prefix="/files", host="HOST", port="PORT", username="user", password=CANARY
    ),
}
"""Storages with a canary in each place where a secret goes."""


@contextmanager
def refusing() -> Iterator[str]:
    """Nobody listens."""
    yield f"http://{HOST}:{free_port()}"


def saying(status: str) -> Callable[[], Any]:
    """Return what has every request answered with a status."""
    return lambda: answering(status, b"<Error><Code>Trouble</Code><Message>In words.</Message></Error>")


TROUBLES = {
    "connection refused": refusing,
    "403": saying("403 Forbidden"),
    "404": saying("404 Not Found"),
    "500": saying("500 Internal Server Error"),
}

MALFORMED: dict[str, Callable[[], Any]] = {
    "misspelt name": lambda: ObstoreBackend("docs", "s3://bucket", aws_secret_acces_key=CANARY),
    "endpoint without a scheme": lambda: ObstoreBackend("docs", "s3://b", aws_endpoint=f"user:{CANARY}@host:9000"),
    "password in the endpoint": lambda: ObstoreBackend("docs", "s3://b", aws_endpoint=f"https://u:{CANARY}@host"),
    "s3fs endpoint without a scheme": lambda: FSSpecBackend(
        "docs", "s3", prefix="b", endpoint_url=f"user:{CANARY}@host:9000"
    ),
    "password in the URL of a bucket": lambda: ObstoreBackend("docs", f"s3://user:{CANARY}@bucket/prefix"),
    "password in the URL of an unknown scheme": lambda: ObstoreBackend("docs", f"sftp://user:{CANARY}@host/"),
    "unknown scheme through fsspec": lambda: FSSpecBackend("docs", f"sftpp://user:{CANARY}@host/"),
    "SAS of Azure": lambda: ObstoreBackend(
        "docs", "az://box", azure_storage_account_name="account", azure_storage_sas_token=CANARY
    ).read("a"),
    "account key that is no base64": lambda: ObstoreBackend(
        "docs", "az://box", azure_storage_account_name="account", azure_storage_account_key=f"{CANARY}!"
    ).read("a"),
    "connection string": lambda: ObstoreBackend(
        "docs", "az://box", azure_storage_connection_string=f"AccountKey={CANARY}"
    ).read("a"),
    "adlfs connection string": lambda: FSSpecBackend(
        "docs", "abfs", prefix="box", connection_string=f"AccountKey={CANARY}"
    ).read("a"),
    "service account that is no JSON": lambda: ObstoreBackend(
        "docs", "gs://bucket", google_service_account_key=f'{{"private_key": "{CANARY}'
    ).read("a"),
    "in place of a switch": lambda: ObstoreBackend("docs", "s3://b", aws_allow_http=CANARY),
    "in place of a switch of the store": lambda: ObstoreBackend("docs", "s3://b", aws_skip_signature=CANARY),
    "in place of a duration": lambda: ObstoreBackend("docs", "s3://b", connect_timeout=CANARY),
    "in place of a number": lambda: ObstoreBackend("docs", "s3://b", pool_max_idle_per_host=CANARY),
    "in place of a dict": lambda: ObstoreBackend("docs", "s3://b", client_options=CANARY),
    "in the retries": lambda: ObstoreBackend("docs", "s3://b", retry_config={"max_retries": CANARY}),
    "in the back-off": lambda: ObstoreBackend("docs", "s3://b", retry_config={"backoff": {"base": CANARY}}),
    "in place of permission bits": lambda: FSSpecBackend("docs", "file", prefix="/tmp/docs", mode=CANARY),
    "in place of a switch of the disk": lambda: FSSpecBackend("docs", "file", prefix="/tmp/docs", durable=CANARY),
    "token of GCS that looks like a path": lambda: FSSpecBackend("docs", "gs", prefix="b", token=f"ya29/{CANARY}"),
    "in place of a mapping of settings": lambda: ObstoreBackend("docs", "s3://b", object_settings=CANARY),
    "encryption key": lambda: ObstoreBackend(
        "docs", "s3://b", aws_server_side_encryption="sse-c", aws_sse_customer_key_base64=f"{CANARY}!"
    ).read("a"),
}
"""Forms that are refused, at once or at the first use."""

OPERATIONS: tuple[Callable[[StorageBackend], Any], ...] = (
    lambda storage: storage.put("a.txt", b"content"),
    lambda storage: storage.read("a.txt"),
    lambda storage: storage.stat("a.txt"),
    lambda storage: list(storage.list()),
    lambda storage: storage.delete(["a.txt", "b.txt"]),
    lambda storage: storage.copy("a.txt", "b.txt"),
    lambda storage: storage.clear_partial_uploads(0, delete=False),
    lambda storage: FileObject(backend="docs", filename="a.txt", content=b"content").save(),
    lambda storage: FileObject(backend="docs", filename="a.txt", to_filename="a.txt").get_content(),
)


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and all that hangs on it, suppressed or not."""
    waiting, seen = [error], set()
    while waiting:
        each = waiting.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            yield each
            waiting += [each.__cause__, each.__context__, *getattr(each, "exceptions", ())]


def pickled(error: BaseException) -> bytes:
    """Pickle an error as Python does it: `distributed`, once imported, takes tracebacks and causes along."""
    buffer = io.BytesIO()
    pickler = pickle.Pickler(buffer)
    pickler.dispatch_table = {}
    pickler.dump(error)
    return buffer.getvalue()


def texts_of(error: BaseException) -> Iterator[str]:
    """Yield every text that a program may make of an error."""
    yield "".join(traceback.format_exception(error))
    yield repr(pickled(error))
    for each in chain(error):
        yield from (str(each), repr(each), repr(getattr(each, "__notes__", ())))


@pytest.fixture
def telling(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[str]]]:
    """Return what gives all texts of logs and telemetry."""
    caplog.set_level(0, logger="holdfast")
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    spans, meters = TracerProvider(shutdown_on_exit=False), MeterProvider([reader], shutdown_on_exit=False)
    spans.add_span_processor(SimpleSpanProcessor(exporter))
    observer = observers.add(OpenTelemetry(spans, meters))

    def texts() -> list[str]:
        records = [record for record in caplog.records if record.name.startswith("holdfast")]
        found = [span.to_json() for span in exporter.get_finished_spans()]
        metrics = reader.get_metrics_data()
        formatter = logging.Formatter()
        return [
            *found,
            metrics.to_json() if metrics else "",
            *(str(vars(record)) for record in records),
            *(formatter.format(record) for record in records),
        ]

    yield texts
    observers.remove(observer)
    meters.shutdown()
    spans.shutdown()


@pytest.fixture(autouse=True)
def registry() -> Iterator[None]:
    """Leave the registry as it was found."""
    before = dict(storages._backends)
    yield
    storages._backends.clear()
    storages._backends.update(before)


def refuse_canary(texts: Iterator[str] | list[str]) -> None:
    """Fail where the canary sings."""
    for text in texts:
        assert CANARY not in text, text
        assert IN_BASE64 not in text, text


CASES = [
    pytest.param(kind, trouble, id=f"{kind}: {trouble}")
    for kind in KINDS
    for trouble in TROUBLES
    if "FTP" not in kind or trouble == "connection refused"  # they do not speak HTTP
]


@pytest.mark.parametrize(("kind", "trouble"), CASES)
def test_s22_no_secret_in_any_text(kind: str, trouble: str, telling: Callable[[], list[str]]) -> None:
    """Whatever the storage and whatever goes wrong."""
    failed = 0
    with TROUBLES[trouble]() as address:
        try:
            storage = storages.register_backend(KINDS[kind](address))
        except ValueError as error:  # refused at once
            refuse_canary(texts_of(error))
            return
        file = FileObject(backend=storage, filename="a.txt", to_filename="a.txt")
        refuse_canary([repr(storage), str(storage), repr(storage._plain), str(vars(storage))])
        refuse_canary([repr(file), str(file), repr(pickle.dumps(file)), json.dumps(file.to_dict())])
        with suppress(TypeError, AttributeError, NotImplementedError, pickle.PicklingError):
            refuse_canary([repr(pickle.dumps(storage))])
        with suppress(Exception):  # it cannot be made, as the operations will say
            impatient(storage)
        for operation in OPERATIONS:
            try:
                operation(storage)
            except Exception as error:  # noqa: BLE001  # some are refused as not supported
                failed += 1
                refuse_canary(texts_of(error))
        refuse_canary(telling())
        with suppress(OSError):  # it never came to have a connection
            close(storage)
    assert failed > 2


@pytest.mark.parametrize("case", MALFORMED)
def test_s22_no_secret_in_refusals(case: str, telling: Callable[[], list[str]]) -> None:
    """An option that cannot be used is named, and its value is not shown."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # ConfigurationError, told apart below
        MALFORMED[case]()
    assert type(caught.value).__module__ == "holdfast.errors"
    refuse_canary(texts_of(caught.value))
    refuse_canary(telling())


@pytest.mark.parametrize(
    "text",
    [
        f"GET http://host/box/a?sv=1&sig={CANARY} failed",
        f"X-Amz-Signature={CANARY}&X-Amz-Date=1",
        f"AccountName=a;AccountKey={CANARY};",
        f"http://user:{CANARY}@host/path",
        f"ftp://{CANARY}@host/path",
        f"Authorization: Bearer {CANARY}",
        f'{{"private_key": "{CANARY}"}}',
        f"x-amz-security-token: {CANARY}",
        f"<Token>{CANARY}</Token>",
        f"'password': '{CANARY}'",
        f"SharedAccessSignature={CANARY};BlobEndpoint=x",
        f"?X-Goog-Signature={CANARY}&X-Goog-Date=1",
        f"https://host/a?x=1&sig={CANARY}",
        f"(sig={CANARY})",
        f"aws_secret_access_key='{CANARY}'",
        f"{{'aws_session_token': '{CANARY}'}}",
        f"x-amz-server-side-encryption-customer-key: {CANARY}",
        f"GOOGLE_SERVICE_ACCOUNT private_key={CANARY}",
        f"login failed for password: {CANARY}",
        f"Authorization: Basic {CANARY}",
        f"authorization: AWS4-HMAC-SHA256 Credential={CANARY}/20260101/us-east-1/s3/aws4_request, Signature={CANARY}",
        f'"Authorization": "SharedKey account:{CANARY}"',
        f"<SessionToken>{CANARY}</SessionToken>",
        f"<SecretAccessKey>{CANARY}</SecretAccessKey>",
        f"sftp://user:{CANARY}@host:22/files",
        f"postgresql+psycopg://user:{CANARY}@host/db",
        f"grant_type=refresh_token&refresh_token={CANARY}&client_secret={CANARY}",
        f"pwd={CANARY}",
    ],
)
def test_what_looks_like_a_secret(text: str) -> None:
    """It is found in texts of other libraries, and taken out."""
    assert has_secret(text)
    assert CANARY not in summary(ValueError(text))


@pytest.mark.parametrize(
    "text",
    [
        "The authorization header is malformed",
        "http://host:9000/path@v2",
        "no token was found",
        "Object at location a/b.txt not found",
        "The AWS Access Key Id you provided does not exist in our records.",
        "the storage cannot sign: give it an account key",
        "this signer: none",
        "design=modern&assignee=bob",
        "the signature: it does not match",
        "invalid token: expired",
        "config=yes, insignia=no",
        "password=None, token=False",
        'give account_key="…"',
        "Basic authentication is not supported",
        "the bearer of bad news",
        "secret: wrong length",
        "Authorization: none",
        "mail to somebody@example.com about http://host/path",
        "key 'signed/sig/token/secret.txt' not found",
        "<StringToSign>AWS4-HMAC-SHA256",
        "The request signature we calculated does not match the signature you provided.",
    ],
)
def test_what_does_not(text: str) -> None:
    """Other texts stay as they are."""
    assert not has_secret(text)
    assert summary(ValueError(text)).rstrip(".") == text.rstrip(".")
