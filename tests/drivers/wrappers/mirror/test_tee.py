"""One content for several writers."""

from holdfast.drivers.wrappers.mirror.tee import Channel, Tee
from holdfast.sources import Source


class Recut(Source):
    """A content that is cut in another way each time it is read."""

    size = 12
    step = 5

    def _open(self):
        step, self.step = self.step, self.step - 2
        for start in range(0, 12, step):
            yield b"0123456789ab"[start : start + step]


def test_a_second_reading_goes_on():
    """What a channel got of a reading that broke off does not come again."""
    channel = Channel(12)
    tee = Tee(Recut(), [channel])
    first = tee.chunks()
    assert bytes(next(first)) == b"01234"
    assert b"".join(tee.chunks()) == b"0123456789ab"
    channel.end()
    assert b"".join(channel.chunks()) == b"0123456789ab"
