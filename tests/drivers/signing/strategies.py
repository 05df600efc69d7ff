"""What is signed: names that must be percent-encoded, headers with every character they may have."""

import string

from hypothesis import strategies as st

from holdfast.drivers.protocol import SignRequest
from holdfast.keys import is_key

ODD = "a b/é+%41~*'()#?&=:@!$,;\U0001f600.txt"
"""A key with what clients and servers encode differently."""

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
GETS = st.builds(SignRequest, KEYS, st.just("GET"), EXPIRY, st.none() | HEADERS, st.none() | HEADERS)
_SENT = st.none() | HEADERS.map(str.strip).filter(bool)
REQUESTS = GETS | st.builds(SignRequest, KEYS, st.just("PUT"), EXPIRY, _SENT, st.none())
UPLOADS_OF_ANY_TYPE = GETS | st.builds(SignRequest, KEYS, st.just("PUT"), EXPIRY, st.none(), st.none())
