"""Uploads of clients through wrappers."""

import pytest

from holdfast.backends.obstore import ObstoreBackend
from holdfast.backends.wrappers import CachedBackend, LimitedBackend, MirrorBackend, PrefixBackend, ReadOnlyBackend
from holdfast.errors import AlreadyExistsError, UnsupportedError
from tests.drivers.direct.clients import BODY, TERMS, put, put_part
from tests.drivers.signing.places import obstore_s3


def folder(inner, _):
    """A folder of it."""
    return PrefixBackend("outer", inner, "a b")


def limited(inner, _):
    """With limits."""
    return LimitedBackend("outer", inner)


def cached(inner, path):
    """With a cache."""
    return CachedBackend("outer", inner, folder=path, max_bytes=10**6)


def both(inner, path):
    """With limits in a folder behind a cache."""
    return cached(limited(folder(inner, path), path), path)


@pytest.mark.parametrize("wrap", [folder, limited, cached, both])
@pytest.mark.parametrize("in_parts", [False, True])
def test_uploads_through(s3_bucket, tmp_path, wrap, in_parts):
    """What a client sends is what the wrapper has under that name, and behind it with the folder's."""
    inner = obstore_s3(s3_bucket)
    outer = wrap(inner, tmp_path)
    offer = outer.offer_upload(TERMS._replace(in_parts=in_parts))
    if in_parts:
        assert put_part(offer, 1, BODY) == 200
        outer.finish_upload(TERMS.key, offer.upload_id)
    else:
        assert put(offer) == 200
    assert outer.read(TERMS.key) == BODY
    assert [info.key for info in inner.list()] == [f"a b/{TERMS.key}" if wrap in {folder, both} else TERMS.key]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda inner: ReadOnlyBackend("outer", inner),
        lambda inner: MirrorBackend("outer", [inner, ObstoreBackend("other", "memory://")]),
    ],
)
def test_s8_no_uploads_around_a_wrapper(s3_bucket, wrap):
    """Who may only read lets nobody write; and what reaches one side of a mirror only is no mirror."""
    with pytest.raises(UnsupportedError):
        wrap(obstore_s3(s3_bucket)).offer_upload(TERMS)


def test_limits_know_what_is_in_the_way(s3_bucket):
    """An object that is there is no reason to try again."""
    storage = LimitedBackend("outer", obstore_s3(s3_bucket))
    offer = storage.offer_upload(TERMS._replace(in_parts=True))
    put_part(offer, 1, BODY)
    storage.put(TERMS.key, b"precious")
    with pytest.raises(AlreadyExistsError):
        storage.finish_upload(TERMS.key, offer.upload_id)
