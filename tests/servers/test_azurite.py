"""The Azurite server of the run."""

import obstore as obs
import pytest
from obstore.exceptions import BaseError
from obstore.store import AzureStore


def test_it_checks_keys(azure_container):
    """A wrong key is refused, the right one is not."""
    server = azure_container.server
    more = {"endpoint": server.endpoint, "client_options": {"allow_http": True}}
    right = AzureStore(azure_container.name, account_name=server.account, account_key=server.key, **more)
    obs.put(right, "a b/é", b"bytes")
    assert azure_container.head("a b/é")["content-length"] == "5"
    wrong = AzureStore(azure_container.name, account_name=server.account, account_key="AAAA", **more)
    with pytest.raises(BaseError, match="403"):
        obs.get(wrong, "a b/é")
