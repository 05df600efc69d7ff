"""Uploads to Google Cloud Storage, as Google's own client would sign them.

No server here checks a signature of Google's, a header ``x-goog-content-length-range`` or a form: those are compared
with Google's client only. What its double does, as S3 does it, is parts and that nothing is replaced.
"""

import base64
import json
from datetime import datetime, timedelta
from functools import cache

import pytest
from google.cloud.storage import Client
from google.oauth2.service_account import Credentials
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from holdfast.backends.fsspec import FSSpecBackend
from holdfast.drivers.gcs.signature import ServiceAccount
from holdfast.drivers.gcs.uploads import Bucket, offer
from holdfast.drivers.optional import UploadTerms
from holdfast.errors import NotFoundError, UnsupportedError
from holdfast.object_settings import ObjectSettings
from tests.drivers.direct.clients import BODY, CHECKSUM, PART, TERMS, part_of, put, put_part
from tests.drivers.signing.accounts import EMAIL, service_account
from tests.drivers.signing.strategies import HEADERS, KEYS, ODD
from tests.drivers.signing.urls import parts

pytestmark = pytest.mark.usefixtures("small_parts")
BIG = bytes(range(256)) * (2 * PART // 256) + b"the rest"
PARTS = TERMS._replace(size=len(BIG), in_parts=True)
PLACE = "pre%20fix/%C3%BC%2B%25/"


def head(storage, bucket, key):
    """Return the headers of an object, asked for without the code under test."""
    found = bucket.head(f"{PLACE}{key}")
    return found.get("content-length"), found.get("content-type")


def test_s8_an_upload_as_agreed(gcs, gcs_xml_bucket):
    """It is stored with its type; size, type and that nothing is replaced are signed, and a replay is refused."""
    offered = gcs.offer_upload(TERMS._replace(key="x", checksum=CHECKSUM))
    assert offered.headers == {
        "content-type": "image/png",
        "x-goog-content-length-range": "1024,1024",
        "x-goog-if-generation-match": "0",
    }
    assert parts(offered.url)[2]["X-Goog-SignedHeaders"] == ";".join(sorted([*offered.headers, "host"]))
    assert (offered.creates_only, offered.checks_checksum) == (True, False)
    assert put(offered) == 200
    assert head(gcs, gcs_xml_bucket, "x") == ("1024", "image/png")
    assert put(offered, BODY[::-1]) == 412


def test_parts(gcs, gcs_xml_bucket):
    """They become an object when all of them are there; the second time nothing happens."""
    offered = gcs.offer_upload(PARTS._replace(key="x"))
    assert (len(offered.parts), offered.part_size, offered.creates_only) == (3, PART, True)
    for number in (3, 1):
        assert put_part(offered, number, part_of(BIG, number, offered)) == 200
    with pytest.raises(NotFoundError, match="part 2 of the upload is missing"):
        gcs.finish_upload("x", offered.upload_id)
    assert put_part(offered, 2, part_of(BIG, 2, offered)[1:]) == 200
    with pytest.raises(NotFoundError, match="others than were agreed"):
        gcs.finish_upload("x", offered.upload_id)
    assert put_part(offered, 2, part_of(BIG, 2, offered)) == 200
    gcs.finish_upload("x", offered.upload_id)
    gcs.finish_upload("x", offered.upload_id)
    assert head(gcs, gcs_xml_bucket, "x") == (str(len(BIG)), "image/png")
    with pytest.raises(NotFoundError):
        gcs.finish_upload("y", offered.upload_id)


# --- against Google's client

SETTINGS = ObjectSettings(storage_class="NEARLINE", cache_control="private")


@cache
def google():
    """Return Google's own client."""
    return Client(project="project", credentials=Credentials.from_service_account_info(service_account()))


@cache
def account():
    """Return an account that signs here."""
    return ServiceAccount.with_key(EMAIL, service_account()["private_key"])


@pytest.fixture(scope="module", autouse=True)
def _google():
    """Make both, which takes long."""
    google()
    account()


BUCKET = "https://storage.googleapis.com", "bucket"
ANY_TERMS = st.tuples(KEYS, st.integers(0, 2**40), st.just(300), HEADERS.map(str.strip).filter(bool))


@hypothesis_settings(deadline=None)  # RSA, and Google's client
@given(terms=ANY_TERMS.map(lambda of: UploadTerms(*of)), settings=st.sampled_from([ObjectSettings(), SETTINGS]))
@example(terms=UploadTerms(ODD, 100, 300, 'image/png; a="$b\\"'), settings=SETTINGS)
def test_s8_a_url_is_googles(terms, settings):
    """With all that the offer tells the client to send."""
    offered = offer(Bucket(*BUCKET, account()), terms._replace(settings=settings))
    headers = {name: value for name, value in offered.headers.items() if name != "content-type"}
    theirs = google().bucket("bucket").blob(terms.key)
    url = theirs.generate_signed_url(
        version="v4", method="PUT", expiration=timedelta(seconds=300), content_type=terms.content_type, headers=headers
    )
    unsigned = ("X-Goog-Date", "X-Goog-Signature")
    ours, its = ({k: v for k, v in parts(found)[2].items() if k not in unsigned} for found in (offered.url, url))
    assert ours == its


@hypothesis_settings(deadline=None)  # RSA, and Google's client
@given(terms=ANY_TERMS.map(lambda of: UploadTerms(*of)))
@example(terms=UploadTerms(ODD, 100, 300, 'image/png; a="$b\\"'))
def test_s8_a_policy_is_googles(terms):
    """The same fields and conditions, and, of the same policy, the same signature."""
    offered = offer(Bucket(*BUCKET, account()), terms._replace(as_form=True))
    fields = {"Content-Type": terms.content_type}
    conditions = [{"Content-Type": terms.content_type}, ["content-length-range", terms.size, terms.size]]
    expiration = timedelta(seconds=300)
    theirs = google().generate_signed_post_policy_v4("bucket", terms.key, expiration, conditions, fields=fields)
    assert offered.url == theirs["url"]
    assert (offered.creates_only, offered.checks_checksum) == (False, False)
    assert set(offered.fields) == set(theirs["fields"])
    for name in set(offered.fields) - {"policy", "x-goog-signature", "x-goog-date"}:
        assert offered.fields[name] == theirs["fields"][name]
    ours, its = (json.loads(base64.b64decode(found["policy"])) for found in (offered.fields, theirs["fields"]))
    told = [
        sorted(json.dumps(condition) for condition in policy["conditions"] if "x-goog-date" not in condition)
        for policy in (ours, its)
    ]
    # Google's client has the type twice.
    assert set(told[0]) == set(told[1])
    apart = datetime.fromisoformat(ours["expiration"]) - datetime.fromisoformat(its["expiration"])
    assert abs(apart) <= timedelta(seconds=10)
    assert account().sign(theirs["fields"]["policy"].encode()).hex() == theirs["fields"]["x-goog-signature"]
    assert account().sign(offered.fields["policy"].encode()).hex() == offered.fields["x-goog-signature"]


def test_who_cannot_sign(gcs_bucket):
    """It is said what can."""
    storage = FSSpecBackend("docs", "gcs", gcs_bucket.name, **gcs_bucket.gcsfs)
    with pytest.raises(UnsupportedError, match="the file of a service account"):
        storage.offer_upload(TERMS)
