"""Pages of other sites: those that are named may use signed URLs by script, and nobody else."""

import pytest

from holdfast import StorageBackend
from holdfast.errors import ConfigurationError
from tests.serving.signed.conftest import Site

APP = "https://app.example.com"
ALLOW = "access-control-allow-origin"


def preflight(site: Site, url: str, origin: str, method: str = "PUT") -> dict[str, str]:
    """Ask as a browser does before it uploads."""
    asked = {
        "origin": origin,
        "access-control-request-method": method,
        "access-control-request-headers": "content-type",
    }
    answer = site.client.options(url, headers=asked)
    assert (answer.status_code, answer.content) == (204, b"")
    return dict(answer.headers)


def test_a_site_that_is_allowed(site: Site, docs: StorageBackend) -> None:
    """It may upload, and see what it needs of the answer; so may a second one."""
    site.serve(allow_origins=[APP, "http://localhost:3000"])
    url = docs.sign("a.txt", for_upload=True)
    for origin in (APP, "http://localhost:3000"):
        found = preflight(site, url, origin)
        assert found[ALLOW] == origin
        assert "PUT" in found["access-control-allow-methods"].split(", ")
        assert "content-type" in found["access-control-allow-headers"].split(", ")
        assert found["vary"] == "origin"
        answer = site.client.put(url, content=b"x", headers={"origin": origin})
        assert (answer.status_code, answer.headers[ALLOW]) == (201, origin)
        assert "etag" in answer.headers["access-control-expose-headers"].split(", ")
        assert site.get(docs.sign("a.txt"), origin=origin).headers[ALLOW] == origin


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example.com", "https://app.example.com.evil.com", "http://app.example.com", "https://APP.example.com",
     "https://app.example.com:443", "https://app.example.com/", "null", "*", "https://app.example.co"],
)  # fmt: skip
def test_a_site_that_is_not(site: Site, docs: StorageBackend, origin: str) -> None:
    """It is answered, and its browser keeps the answer from it; no cache takes the one for the other."""
    site.serve(allow_origins=[APP])
    url = docs.sign("a.txt", for_upload=True)
    assert ALLOW not in preflight(site, url, origin)
    for answer in (site.get(url, origin=origin), site.get(url)):
        assert ALLOW not in answer.headers
        assert answer.headers["vary"] == "origin"


def test_errors_can_be_read_as_well(site: Site, docs: StorageBackend) -> None:
    """Else a page could not say why an upload was refused."""
    site.serve(allow_origins=[APP])
    docs.put("there.txt", b"x")
    for answer in (
        site.get(docs.sign("gone"), origin=APP),
        site.get(f"{site.world.base_url}/x/y", origin=APP),
    ):
        assert answer.status_code in {403, 404}
        assert answer.headers[ALLOW] == APP


def test_by_default_nobody(site: Site, docs: StorageBackend) -> None:
    """An application of one site needs none of this, and its answers do not vary."""
    url = docs.sign("a.txt", for_upload=True)
    assert ALLOW not in preflight(site, url, APP)
    assert "vary" not in site.get(url, origin=APP).headers


def test_s16_a_preflight_tells_nothing(site: Site, docs: StorageBackend) -> None:
    """It is the same for a good URL, a bad one, and none."""
    site.serve(allow_origins=[APP])
    good = docs.sign("a.txt", for_upload=True)
    found = [preflight(site, url, APP) for url in (good, good + "x", site.world.base_url)]
    for each in found:
        each.pop("date", None)
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize(
    "origins",
    ["https://x.y", ["*"], ["x.y"], ["https://x.y/"], ["https://x.y/path"], ["null"], ["https://X.y"], ["https://*.x.y"],
     ["https://x.y\r\nx: y"], [""], [None], [b"https://x.y"], ["ftp://x.y"]],
)  # fmt: skip
def test_what_is_no_origin(site: Site, origins: object) -> None:
    """It is an error, instead of a rule that never holds; there are no wildcards."""
    with pytest.raises(ConfigurationError, match="allow_origins"):
        site.serve(allow_origins=origins)
