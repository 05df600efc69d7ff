"""What S3 answers, and what somebody else might."""

import pytest

from holdfast.drivers.s3.answers import MalformedAnswerError, Page, Upload, error_code, uploads_page

PAGE = b"""<?xml version="1.0" encoding="UTF-8"?>
<ListMultipartUploadsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">
  <Bucket>bucket</Bucket>
  <KeyMarker></KeyMarker>
  <NextKeyMarker>my-movie.m2ts</NextKeyMarker>
  <NextUploadIdMarker>YW55</NextUploadIdMarker>
  <MaxUploads>3</MaxUploads>
  <IsTruncated>true</IsTruncated>
  <Upload>
    <Key>a &amp; b/\xc3\xa9.txt</Key>
    <UploadId>XMgbGlrZSBlbHZpbmcncyBub3QgaGF2aW5nIG11Y2ggbHVjaw</UploadId>
    <Initiator><ID>arn:aws:iam::111122223333:user/some</ID><Key>no</Key></Initiator>
    <Owner><ID>75aa57f09aa0c8caeab4f8c24e99d10f8e7faeebf76c078efc7c6caea54ba06a</ID></Owner>
    <StorageClass>STANDARD</StorageClass>
    <Initiated>2010-11-10T20:48:33.000Z</Initiated>
  </Upload>
  <Upload><Key>b</Key><UploadId>2</UploadId><Initiated>yesterday</Initiated></Upload>
  <Upload><Key>c</Key></Upload>
</ListMultipartUploadsResult>"""


def test_a_page_of_uploads():
    """As S3 documents it; a time that cannot be read is none, and an upload without id is none at all."""
    first = Upload("a & b/é.txt", "XMgbGlrZSBlbHZpbmcncyBub3QgaGF2aW5nIG11Y2ggbHVjaw", 1289422113.0)
    following = {"key-marker": "my-movie.m2ts", "upload-id-marker": "YW55"}
    assert uploads_page(PAGE) == Page([first, Upload("b", "2", None)], following)


def test_the_last_page():
    """It has none after it."""
    last = PAGE.replace(b"<IsTruncated>true", b"<IsTruncated>false")
    assert uploads_page(last).following is None
    assert uploads_page(PAGE.replace(b"my-movie.m2ts", b"")).following is None


def test_the_answer_to_another_question():
    """A server that overlooks ``?uploads`` lists objects: those are no uploads."""
    listing = b"<ListBucketResult><Contents><Key>precious</Key></Contents></ListBucketResult>"
    assert uploads_page(listing) is None


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<html>",
        b"not xml",
        b'<!DOCTYPE a [<!ENTITY b "bb">]><ListMultipartUploadsResult>&b;</ListMultipartUploadsResult>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><ListMultipartUploadsResult/>',
    ],
)
def test_what_is_not_s3s(document):
    """No XML, and no document type, whose entities could grow without bound."""
    with pytest.raises(MalformedAnswerError):
        uploads_page(document)
    assert error_code(document) == ("", "")


def test_an_error():
    """Its code and text."""
    document = b"<Error><Code>NoSuchUpload</Code><Message>It is gone.</Message><RequestId>1</RequestId></Error>"
    assert error_code(document) == ("NoSuchUpload", "It is gone.")
