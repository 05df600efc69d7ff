"""The two servers that stand for Google Cloud Storage."""

import json

import obstore as obs
from obstore.store import GCSStore


def test_the_emulator_speaks_json(gcs_bucket):
    """A bucket is there, and empty."""
    answer = json.loads(gcs_bucket.server.request("GET", f"/storage/v1/b/{gcs_bucket.name}/o"))
    assert answer.get("items", []) == []


def test_the_other_speaks_xml(gcs_xml_bucket):
    """obstore writes and reads, without a token."""  # noqa: D403
    options = {"allow_http": True}
    store = GCSStore(gcs_xml_bucket.name, service_account_key=gcs_xml_bucket.service_account, client_options=options)
    obs.put(store, "a b/é", b"bytes")
    assert bytes(obs.get(store, "a b/é").bytes()) == b"bytes"
