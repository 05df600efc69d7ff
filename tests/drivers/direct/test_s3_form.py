"""A form posted to S3 is held to its policy, by a server that checks it; and the policy is AWS's own."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from functools import cache

import boto3
import pytest
from botocore.config import Config
from hypothesis import example, given, settings
from hypothesis import strategies as st

from holdfast.drivers import forms
from holdfast.drivers.canonical import Signer
from holdfast.drivers.optional import UploadTerms
from holdfast.drivers.s3 import uploads
from holdfast.drivers.s3.requests import Bucket
from holdfast.drivers.s3.signature import ALGORITHM, Credentials, place, signature_of
from holdfast.errors import UnsupportedError
from tests.drivers.direct.clients import BODY, CHECKSUM, TERMS, post
from tests.drivers.signing.strategies import HEADERS, KEYS, ODD

FORM = TERMS._replace(as_form=True)


def test_s8_a_form_as_agreed(s3):
    """It is stored with the type that was agreed, not with the one that the browser has for the file."""
    offer = s3.offer_upload(FORM)
    assert post(offer) in {200, 204}
    assert s3.read(FORM.key) == BODY
    assert s3.stat(FORM.key).content_type == "image/png"
    assert (offer.method, offer.creates_only, offer.checks_checksum, offer.headers) == ("POST", False, False, {})


@pytest.mark.parametrize("key", ["a$b", "$key", 'a"b', "${a}", "a$(b)", "é/日本/\U0001f600", "a<b>&c"])
def test_s8_a_form_for_any_name(s3, key):
    """Dollar signs and quotes mean something in a policy."""
    offer = s3.offer_upload(FORM._replace(key=key))
    assert post(offer) in {200, 204}
    assert [info.key for info in s3.list()] == [key]
    assert s3.read(key) == BODY


def test_s8_a_name_that_s3_would_change(s3):
    """It puts the name of the client's file there: such a key is refused."""
    with pytest.raises(UnsupportedError, match="the file's name"):
        s3.offer_upload(FORM._replace(key="a/${filename}"))


def test_s8_a_form_with_another_body(s3):
    """A larger one and a smaller one are refused."""
    offer = s3.offer_upload(FORM)
    for body in (BODY + b"x", BODY[:-1], b""):
        assert post(offer, body) == 400
    assert not s3.exists(FORM.key)


@pytest.mark.parametrize(
    "changed",
    [
        {"key": "other"},
        {"Content_Type": "text/html"},
        {"Content_Type": None},
        {"acl": "public-read"},
        {"x_amz_meta_a": "b"},
        {"success_action_redirect": "https://evil.example"},
        {"x_amz_signature": "0" * 64},
        {"x_amz_date": "20300101T000000Z"},
        {"policy": base64.b64encode(b'{"expiration": "2999-01-01T00:00:00Z", "conditions": []}').decode()},
    ],
)
def test_s8_a_form_that_was_changed(s3, changed):
    """Another key, another type, a field more, another policy: none of it is what was signed."""
    offer = s3.offer_upload(FORM)
    assert post(offer, **changed) in {400, 403}
    assert [info.key for info in s3.list()] == []
    assert post(offer) in {200, 204}


def test_s8_a_form_for_another_bucket(s3, ministack):
    """The bucket is in the policy: the account's other buckets are closed."""
    offer, other = s3.offer_upload(FORM), ministack.make_bucket()
    assert post(offer._replace(url=f"{ministack.endpoint}/{other.name}/")) in {400, 403}


def test_s8_a_form_that_has_expired(s3_bucket):
    """Signed an hour ago for a minute, it is refused; for two hours it works."""
    server = s3_bucket.server
    who = Credentials(server.access_key, server.secret_key)
    signer = Signer("X-Amz-", ALGORITHM, who.access_key, place(server.region), lambda *to: signature_of(who, *to))
    then = datetime.now(UTC) - timedelta(hours=1)
    for expires_in, statuses in ((60, {403}), (7200, {200, 204})):
        terms = FORM._replace(expires_in=expires_in)
        fields = forms.signed_fields(s3_bucket.name, terms, {}, signer, then)
        offer = uploads.UploadOffer("POST", f"{server.endpoint}/{s3_bucket.name}/", fields=fields)
        assert post(offer) in statuses


SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
CREDENTIALS = {"AKIDEXAMPLE": None, "ASIAEXAMPLE": "token/+=="}


@cache
def amazon(access_key, token):
    """Return AWS's own client."""
    return boto3.client(
        "s3",
        region_name="eu-west-1",
        aws_access_key_id=access_key,
        aws_secret_access_key=SECRET,
        aws_session_token=token,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )


@pytest.fixture(scope="module", autouse=True)
def _amazon():
    """Make the clients, which takes long."""
    for access_key, token in CREDENTIALS.items():
        amazon(access_key, token)


def amazons(client, terms, more):
    """Return the fields of AWS's own client."""
    fields = {"Content-Type": terms.content_type, **more}
    conditions = [*({name: value} for name, value in fields.items())]
    conditions.append(["content-length-range", terms.size, terms.size])
    return client.generate_presigned_post("bucket", terms.key, fields, conditions, terms.expires_in)


def policy_of(fields):
    """Return a policy without regard to the order of its conditions, which means nothing."""
    policy = json.loads(base64.b64decode(fields["policy"]))
    conditions = sorted(json.dumps(condition, sort_keys=True) for condition in policy.pop("conditions"))
    return {**policy, "conditions": conditions}


@pytest.mark.parametrize(("access_key", "token"), CREDENTIALS.items())
@settings(deadline=None)  # AWS's client
@given(terms=st.tuples(KEYS, st.integers(0, 2**32), st.just(300), HEADERS).map(lambda of: UploadTerms(*of)))
@example(terms=UploadTerms(ODD, 100, 300, 'image/png; a="$b\\"', CHECKSUM))
def test_s8_a_policy_is_amazons(access_key, token, terms):
    """The same fields, conditions and, of the same policy, the same signature; also with a checksum."""
    terms = terms._replace(as_form=True)
    address = "https://s3.eu-west-1.amazonaws.com/bucket"
    bucket = Bucket(address, "eu-west-1", Credentials(access_key, SECRET, token), name="bucket")
    offer = uploads.offer(bucket, terms)
    digest = hashlib.sha256(BODY).digest()
    more = {"x-amz-checksum-sha256": base64.b64encode(digest).decode()} if terms.checksum else {}
    theirs = amazons(amazon(access_key, token), terms, more)
    fields, expected = dict(offer.fields), theirs["fields"]
    assert offer.url.rstrip("/") == theirs["url"].rstrip("/")
    assert set(fields) == set(expected)
    for name in set(expected) - {"policy", "x-amz-signature", "x-amz-date"}:
        assert fields[name] == expected[name]
    ours, its = policy_of(fields), policy_of(expected)
    times = [json.dumps({"x-amz-date": found["x-amz-date"]}) for found in (fields, expected)]
    assert set(ours["conditions"]) - {times[0]} == set(its["conditions"]) - {times[1]}
    assert not offer.checks_checksum  # a claim reads the object: not every copy of S3 looks at it
    expiry = datetime.fromisoformat(ours["expiration"]) - datetime.fromisoformat(its["expiration"])
    assert abs(expiry) <= timedelta(seconds=10)
    scope = fields["x-amz-credential"].removeprefix(f"{access_key}/")
    assert signature_of(Credentials(access_key, SECRET), scope, expected["policy"]) == expected["x-amz-signature"]
    assert signature_of(Credentials(access_key, SECRET), scope, fields["policy"]) == fields["x-amz-signature"]


def test_a_bucket_without_a_name():
    """Without it a form would be good for all buckets: it is refused."""
    bucket = Bucket("https://h", "r", Credentials("k", "s"))
    with pytest.raises(NotImplementedError, match="name of the bucket"):
        uploads.offer(bucket, FORM)
