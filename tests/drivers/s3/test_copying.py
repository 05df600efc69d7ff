"""Copies inside S3, with a server that answers as S3 may, but the servers of the tests do not."""

import pytest

from holdfast.drivers.s3 import copying
from holdfast.drivers.s3.copying import Original, Written, copy
from holdfast.object_settings import ObjectSettings
from tests.drivers.s3.double import serving

DONE = "<CopyObjectResult><ETag>&quot;t&quot;</ETag></CopyObjectResult>"
PART = "<CopyPartResult><ETag>&quot;p&quot;</ETag></CopyPartResult>"
BEGUN = "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
COMPLETED = "<CompleteMultipartUploadResult/>"
PLAIN = Written(None, {}, ObjectSettings())
SMALL = Original("other", "a b/ÿ", 5, "tag")


def error(code):
    """Return the document of an error."""
    return f"<Error><Code>{code}</Code><Message>no</Message></Error>"


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """Make no pauses."""
    monkeypatch.setattr(copying, "_PAUSES", (0.0, 0.0))


@pytest.fixture
def double():
    """A server of one's own choice of answers."""
    with serving() as found:
        yield found


def test_what_is_asked_for(double):
    """The original by bucket, key and tag; nothing of it but the bytes, and all of it only if the key is free."""
    settings = ObjectSettings(tags={"a": "&"}, checksum_algorithm="SHA256", encryption_key="k")
    double.answers = [(200, f"  {DONE}")]
    assert copy(double.bucket, SMALL, "new/key", Written("text/x", {"who": "Ada"}, settings)) is None
    assert double.seen == [("PUT", "/bucket/new/key")]
    headers, body = double.sent[0]
    sent = {name.lower(): value for name, value in headers.items() if name.lower().startswith("x-amz-")}
    for name in ("x-amz-date", "x-amz-content-sha256"):
        del sent[name]
    assert sent == {
        "x-amz-copy-source": "other/a%20b/%C3%BF",
        "x-amz-copy-source-if-match": '"tag"',
        "x-amz-metadata-directive": "REPLACE",
        "x-amz-tagging-directive": "REPLACE",
        "x-amz-meta-who": "Ada",
        "x-amz-tagging": "a=%26",
        "x-amz-checksum-algorithm": "SHA256",
        "x-amz-server-side-encryption": "aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id": "k",
    }
    assert (headers["content-type"], headers["if-none-match"], body) == ("text/x", "*", "")


def test_no_content_type(double):
    """The copy gets none that nobody said."""
    double.answers = [(200, DONE)]
    copy(double.bucket, SMALL, "key", PLAIN)
    assert double.sent[0][0]["content-type"] is None


def test_a_server_without_conditions_or_tags(double):
    """It is asked again without: of tags, if the copy has none."""
    unknown = (501, error("NotImplemented"))
    double.answers = [unknown, unknown, (200, DONE)]
    assert copy(double.bucket, SMALL, "key", PLAIN) is None
    told = [(headers["if-none-match"], headers["x-amz-tagging-directive"]) for headers, _ in double.sent]
    assert told == [("*", "REPLACE"), (None, "REPLACE"), (None, None)]
    double.answers = [unknown] * 2
    tagged = Written(None, {}, ObjectSettings(tags={"a": "b"}))
    assert copy(double.bucket, SMALL, "key", tagged).lasting
    assert double.answers == []


@pytest.mark.parametrize("answer", [(412, error("PreconditionFailed")), (409, error("ConditionalRequestConflict"))])
def test_a_taken_key(double, answer):
    """What came there first stays."""
    double.answers = [answer]
    with pytest.raises(FileExistsError):
        copy(double.bucket, SMALL, "key", PLAIN)


@pytest.mark.parametrize(
    ("status", "code", "lasting"),
    [
        (403, "AccessDenied", True),
        (403, "InvalidObjectState", False),
        (404, "NoSuchKey", False),
        (400, "InvalidRequest", True),
        (301, "PermanentRedirect", True),
        (405, "MethodNotAllowed", True),
        (501, "NotImplemented", True),
        (200, "AccessDenied", True),
    ],
)
def test_a_refusal(double, status, code, lasting):
    """It says what S3 says, and whether that is about more than this object."""
    double.answers = [(status, error(code))] * 3
    refusal = copy(double.bucket, SMALL, "key", PLAIN)
    assert refusal is not None
    assert code in refusal.reason
    assert refusal.lasting is lasting


def test_what_passes(double):
    """S3 may fail after it said 200, or before; it is asked again, and in the end the failure is told."""
    busy, failed = (503, error("SlowDown")), (200, error("InternalError"))
    double.answers = [busy, failed, (200, DONE)]
    assert copy(double.bucket, SMALL, "key", PLAIN) is None
    double.answers = [busy, failed, busy]
    with pytest.raises(ConnectionError, match="SlowDown"):
        copy(double.bucket, SMALL, "key", PLAIN)
    assert double.answers == []


@pytest.mark.parametrize("answer", ["", "<html>", "<ListBucketResult/>", "<CopyObjectResult/>"])
def test_another_answer(double, answer):
    """Any web server may answer 200."""
    double.answers = [(200, answer)]
    assert copy(double.bucket, SMALL, "key", PLAIN) is not None


LARGE = SMALL._replace(size=11)


@pytest.fixture
def small_parts(monkeypatch):
    """Copy in parts of five bytes what has more than ten."""
    monkeypatch.setattr(copying, "_LIMIT", 10)
    monkeypatch.setattr(copying, "_PART", 5)
    monkeypatch.setattr(copying, "_pool", copying.threads.Pool("one-by-one", 1))


@pytest.mark.usefixtures("small_parts")
def test_parts(double):
    """Each has its bytes of the same original; together they become an object if the key is free."""
    double.answers = [(200, BEGUN), *[(200, PART)] * 3, (501, error("NotImplemented")), (200, COMPLETED)]
    assert copy(double.bucket, LARGE, "key", PLAIN) is None
    assert [line for line, _ in double.seen] == ["POST", "PUT", "PUT", "PUT", "POST", "POST"]
    parts = [headers for headers, _ in double.sent[1:4]]
    assert [part["x-amz-copy-source-range"] for part in parts] == ["bytes=0-4", "bytes=5-9", "bytes=10-10"]
    assert {part["x-amz-copy-source-if-match"] for part in parts} == {'"tag"'}
    assert double.sent[0][0]["content-type"] == "binary/octet-stream"
    assert [headers["if-none-match"] for headers, _ in double.sent[4:]] == ["*", None]
    assert '<PartNumber>3</PartNumber><ETag>"p"</ETag>' in double.sent[-1][1]


@pytest.mark.usefixtures("small_parts")
def test_a_part_that_fails(double):
    """The upload is dropped, after the last part that was under way."""
    double.answers = [(200, BEGUN), (200, PART), (403, error("AccessDenied")), *[(200, PART)] * 2, (204, "")]
    assert copy(double.bucket, LARGE, "key", PLAIN).lasting
    assert double.seen[-1] == ("DELETE", "/bucket/key?uploadId=u")


@pytest.mark.usefixtures("small_parts")
def test_parts_with_a_checksum(double):
    """They are left to an upload, which knows it."""
    settings = ObjectSettings(checksum_algorithm="SHA256")
    assert copy(double.bucket, LARGE, "key", Written(None, {}, settings)) is not None
    assert double.seen == []
