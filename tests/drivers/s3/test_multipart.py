"""Multipart uploads with a server that answers as S3 may, but the servers of the tests do not."""

from urllib.parse import parse_qs, urlsplit

import pytest

from holdfast.drivers.s3.multipart import begin, finish
from tests.drivers.s3.double import serving

BEGUN = "<InitiateMultipartUploadResult><Key>k</Key><UploadId>a&amp;b</UploadId></InitiateMultipartUploadResult>"
DONE = '<?xml version="1.0"?><CompleteMultipartUploadResult><ETag>"t"</ETag></CompleteMultipartUploadResult>'
GONE = "<Error><Code>NoSuchUpload</Code><Message>gone</Message></Error>"
TAKEN = "<Error><Code>PreconditionFailed</Code><Message>no</Message></Error>"
CONFLICT = "<Error><Code>ConditionalRequestConflict</Code><Message>no</Message></Error>"
FAILED = "<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>"


def listed(*numbers, following=None, size=10):
    """Return the answer of ListParts."""
    parts = "".join(
        f'<Part><PartNumber>{number}</PartNumber><ETag>"&lt;{number}"</ETag><Size>{size}</Size></Part>'
        for number in numbers
    )
    more = f"<IsTruncated>true</IsTruncated><NextPartNumberMarker>{following}</NextPartNumberMarker>"
    return f"<ListPartsResult>{parts}{more if following else ''}</ListPartsResult>"


@pytest.fixture
def double():
    """A server of one's own choice of answers."""
    with serving() as found:
        yield found


def test_it_begins(double):
    """With the headers that the object is to have; S3's name of it is taken as it is."""
    double.answers = [(200, BEGUN)]
    assert begin(double.bucket, "a b", {"content-type": "a/b", "x-amz-storage-class": "STANDARD_IA"}) == "a&b"
    assert double.seen == [("POST", "/bucket/a%20b?uploads=")]
    headers, body = double.sent[0]
    assert (headers["content-type"], headers["x-amz-storage-class"], body) == ("a/b", "STANDARD_IA", "")


@pytest.mark.parametrize("answer", ["", "<html>", "<ListBucketResult/>", "<InitiateMultipartUploadResult/>"])
def test_it_does_not_begin(double, answer):
    """Any web server may answer 200."""
    double.answers = [(200, answer)]
    with pytest.raises(OSError, match="S3"):
        begin(double.bucket, "a", {"content-type": "a/b"})


def test_all_pages_of_parts_are_read(double):
    """And all of the parts are in the object, each with its tag."""
    double.answers = [(200, listed(1, 2, following="2")), (200, listed(3)), (200, f"   {DONE}")]
    finish(double.bucket, "a", "u&v", 30, {"if-none-match": "*"})
    queries = [parse_qs(urlsplit(path).query) for _, path in double.seen]
    assert queries == [{"uploadId": ["u&v"]}, {"uploadId": ["u&v"], "part-number-marker": ["2"]}, {"uploadId": ["u&v"]}]
    headers, body = double.sent[2]
    assert headers["if-none-match"] == "*"
    parts = "".join(f'<Part><PartNumber>{n}</PartNumber><ETag>"&lt;{n}"</ETag></Part>' for n in (1, 2, 3))
    assert body == f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>"


@pytest.mark.parametrize("answer", [FAILED, "", "<html>"])
def test_an_error_inside_a_success(double, answer):
    """S3 says 200 before it knows; what is no success is an error."""
    double.answers = [(200, listed(1)), (200, answer)]
    with pytest.raises(OSError, match="InternalError" if answer == FAILED else "S3 answered 200"):
        finish(double.bucket, "a", "u", 10)


@pytest.mark.parametrize("answer", [(412, TAKEN), (409, CONFLICT), (404, GONE), (200, GONE)])
def test_somebody_else_was_faster(double, answer):
    """The upload is gone and the object is there: it is done."""
    double.answers = [(200, listed(1)), answer, (404, GONE), (200, "")]
    finish(double.bucket, "a", "u", 10)
    assert [method for method, _ in double.seen] == ["GET", "POST", "GET", "HEAD"]


@pytest.mark.parametrize("answer", [(412, TAKEN), (409, CONFLICT)])
def test_another_object_is_in_the_way(double, answer):
    """The upload is still there, so that the object is none of it."""
    double.answers = [(200, listed(1)), answer, (200, listed(1))]
    with pytest.raises(FileExistsError):
        finish(double.bucket, "a", "u", 10)


def test_a_server_without_conditions(double):
    """It is asked again without one: the key is one that nobody else makes."""
    unknown = "<Error><Code>NotImplemented</Code><Message>A header you provided</Message></Error>"
    double.answers = [(200, listed(1)), (501, unknown), (200, DONE)]
    finish(double.bucket, "a", "u", 10, {"if-none-match": "*"})
    assert [headers["if-none-match"] for headers, _ in double.sent] == [None, "*", None]


def test_it_was_aborted(double):
    """Neither upload nor object: nothing is found."""
    double.answers = [(404, GONE), (404, "")]
    with pytest.raises(FileNotFoundError):
        finish(double.bucket, "a", "u", 10)


@pytest.mark.parametrize(
    "answer",
    [
        (404, "<Error><Code>NoSuchBucket</Code></Error>"),
        (403, ""),
        (200, "<html>"),
        (200, "<ListBucketResult/>"),
        (200, "<ListPartsResult><Part><PartNumber>1</PartNumber></Part></ListPartsResult>"),
        (200, listed("one")),
    ],
)
def test_parts_that_cannot_be_listed(double, answer):
    """Nothing is made of them."""
    double.answers = [answer]
    with pytest.raises(OSError, match="S3"):
        finish(double.bucket, "a", "u", 10)
    assert len(double.seen) == 1
