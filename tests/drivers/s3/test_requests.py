"""Requests to a server that answers as S3 may, but the servers of the tests do not."""

from urllib.parse import parse_qs, urlsplit

import pytest

from holdfast.drivers import fetching
from holdfast.drivers.s3.answers import Upload
from tests.drivers.s3.double import TIME, listing, serving

GONE = "<Error><Code>NoSuchUpload</Code><Message>gone</Message></Error>"


@pytest.fixture
def double():
    """A server of one's own choice of answers."""
    with serving() as found:
        yield found


def test_all_pages_are_read(double):
    """Each asks for what follows the one before."""
    double.answers = [(200, listing("a/1", "a/2", following="a/2")), (200, listing("a/3"))]
    assert list(double.bucket.uploads("a/")) == [Upload(f"a/{n}", f"a/{n}-id", TIME) for n in (1, 2, 3)]
    queries = [parse_qs(urlsplit(path).query, keep_blank_values=True) for _, path in double.seen]
    assert queries[0] == {"uploads": [""], "prefix": ["a/"]}
    assert queries[1] == {**queries[0], "key-marker": ["a/2"], "upload-id-marker": [""]}


def test_a_server_that_overlooks_the_prefix(double):
    """Uploads for other keys are none of ours."""
    double.answers = [(200, listing("a/1", "ab", "b"))]
    assert [upload.key for upload in double.bucket.uploads("a/")] == ["a/1"]


@pytest.mark.parametrize(
    "answer",
    [
        (501, "<Error><Code>NotImplemented</Code></Error>"),
        (400, "<Error><Code>NotImplemented</Code></Error>"),
        (405, ""),
        (200, "<ListBucketResult><Contents><Key>a/1</Key></Contents></ListBucketResult>"),
    ],
)
def test_a_server_without_the_operation(double, answer):
    """It has no uploads to show."""
    double.answers = [answer]
    assert list(double.bucket.uploads("a/")) == []


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (
            (403, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>"),
            PermissionError,
            "403 AccessDenied: no",
        ),
        ((404, "<Error><Code>NoSuchBucket</Code></Error>"), FileNotFoundError, "404 NoSuchBucket"),
        ((503, "<html>busy</html>"), OSError, "S3 answered 503$"),
        ((200, "<html>"), OSError, "not XML"),
    ],
)
def test_a_failure(double, answer, kind, text):
    """It is told with S3's own words."""
    double.answers = [answer]
    with pytest.raises(kind, match=text):
        list(double.bucket.uploads(""))


def test_an_endless_answer(double, monkeypatch):
    """It is not read to its end."""
    monkeypatch.setattr(fetching, "LARGEST", 100)
    double.answers = [(200, listing("a", "b", "c"))]
    with pytest.raises(OSError, match="more than 100 bytes"):
        list(double.bucket.uploads(""))


def test_a_redirect_is_not_followed(double):
    """The signature goes to no other host."""
    double.answers = [(307, "", ("Location", f"{double.url}/elsewhere"))]
    with pytest.raises(OSError, match="307"):
        list(double.bucket.uploads(""))
    assert len(double.seen) == 1


def test_aborting(double):
    """One that is gone came to its end meanwhile; a bucket that is gone is an error."""
    upload = Upload("a b/é", "x+/=", TIME)
    double.answers = [(204, ""), (404, GONE), (404, GONE.replace("Upload", "Bucket"))]
    double.bucket.abort(upload)
    assert double.seen == [("DELETE", "/bucket/a%20b/%C3%A9?uploadId=x%2B%2F%3D")]
    double.bucket.abort(upload)
    with pytest.raises(FileNotFoundError, match="NoSuchBucket"):
        double.bucket.abort(upload)


def test_a_proxy(double):
    """The request goes there, with the whole address."""
    double.answers = [(200, listing("a"))]
    bucket = double.bucket._replace(url="http://nowhere.invalid/bucket", proxy=double.url)
    assert [upload.key for upload in bucket.uploads("")] == ["a"]
    assert double.seen[0][1].startswith("http://nowhere.invalid/bucket/?")
