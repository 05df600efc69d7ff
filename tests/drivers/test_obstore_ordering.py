"""The order of listings where a service sorts by UTF-16."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from holdfast.drivers.obstore.ordering import by_utf8, by_utf8_async, start_before
from holdfast.objects import ObjectInfo

KEYS = st.sets(st.text("az/\ue000\uff5e\U0001f389\U0010ffff", min_size=1, max_size=5))


def utf16(key):
    """Return what a service that sorts by UTF-16 compares."""
    return key.encode("utf-16-be")


async def listed(infos):
    """Yield objects as a service does."""
    for info in infos:
        yield info


async def collected(found):
    """Return the keys of a listing."""
    return [info.key async for info in found]


@given(KEYS)
def test_keys_come_in_the_order_of_utf8(keys):
    """Whether the service sorts by UTF-16 or by UTF-8 already, sync and async."""
    for order in (utf16, str.encode):
        infos = [ObjectInfo(key, 0, 0.0) for key in sorted(keys, key=order)]
        expected = sorted(keys, key=str.encode)
        assert [info.key for info in by_utf8(iter(infos))] == expected
        assert asyncio.run(collected(by_utf8_async(listed(infos)))) == expected


@given(KEYS, KEYS)
def test_no_key_is_lost_where_a_listing_starts(keys, others):
    """What comes after a key by UTF-8 comes after the start by UTF-16, and by UTF-8."""
    for after in others:
        start = start_before(after)
        for key in keys:
            if key.encode() > after.encode():
                assert utf16(key) > utf16(start)
                assert key.encode() > start.encode()
