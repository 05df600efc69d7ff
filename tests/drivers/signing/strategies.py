"""What is signed: names that must be percent-encoded, headers with every character they may have."""

import string

from hypothesis import strategies as st

from holdfast.drivers.optional import SignRequest
from holdfast.keys import is_key

ODD = "a b/é+%41~*'()#?&=:@!$,;\U0001f600.txt"
"""A key with what clients and servers encode differently."""

CHECKSUM = f"sha256:{'0123456789abcdef' * 4}"

DISPOSITION = "attachment; filename=\"a  b.txt\"; filename*=UTF-8''%C3%A9%20+%25.txt"

_PIECES = st.sampled_from(
    ["%", "+", " ", "#", "?", "~", "%2F", "%2f", "&", "=", "*", "'", "é", "日", "\U0001f600", "."]
)
KEYS = (
    st.lists(_PIECES | st.text(st.characters(codec="utf-8"), max_size=6), min_size=1, max_size=8)
    .map("".join)
    .flatmap(lambda name: st.sampled_from([name, f"folder/{name}", f"{name}/x"]))
    .filter(is_key)
)
HEADERS = st.text(string.printable[:95], min_size=1, max_size=60)
EXPIRY = st.integers(1, 7 * 24 * 3600)
_NONE = st.none()
_UNBOUND = {"size": _NONE, "checksum": _NONE, "if_absent": st.just(value=False)}
GETS = st.builds(SignRequest, KEYS, st.just("GET"), EXPIRY, _NONE | HEADERS, _NONE | HEADERS, **_UNBOUND)


def _puts(types=_NONE, sizes=_NONE, checksums=_NONE):
    bound = {"size": sizes, "checksum": checksums, "if_absent": st.booleans()}
    return st.builds(SignRequest, KEYS, st.just("PUT"), EXPIRY, types, _NONE, **bound)


_TYPES = _NONE | HEADERS.map(str.strip).filter(bool)
_SIZES = _NONE | st.integers(0, 5 * 1024**4)
_CHECKSUMS = _NONE | st.binary(min_size=32, max_size=32).map(lambda digest: f"sha256:{digest.hex()}")

S3_REQUESTS = GETS | _puts(_TYPES, _SIZES, _CHECKSUMS)
GCS_REQUESTS = GETS | _puts(_TYPES, _SIZES)
AZURE_REQUESTS = GETS | _puts()
"""What each of them can bind."""
