"""Files that a person would drop on a page, made when they are needed."""

import random
import struct
import zlib
from fractions import Fraction
from pathlib import Path

import av

ODD_NAME = "Ünï \"quoted\" 'it's' – 🎈.txt"
PAGE = b"<!doctype html><title>ran</title><script>document.title = 'ran'; parent.ran = true</script>"
DRAWING = b"""<svg xmlns="http://www.w3.org/2000/svg"><script>parent.ran = true</script></svg>"""


def picture(path: Path, color: tuple[int, int, int], width: int = 320, height: int = 240) -> Path:
    """Write a PNG with a gradient of one color."""
    rows = []
    for y in range(height):
        shade = [int(part * (0.4 + 0.6 * y / height)) for part in color]
        rows.append(b"\0" + bytes(shade) * width)
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"".join(rows))),
        (b"IEND", b""),
    ]
    framed = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(framed))
    return path


def video(path: Path, seconds: int = 60) -> Path:
    """Write a WebM of noise, so large that a browser does not fetch the whole of it before somebody seeks."""
    noise = random.Random(1)
    width, height, rate = 320, 240, 10
    with av.open(str(path), "w", format="webm") as container:
        stream = container.add_stream("libvpx", rate=rate)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.bit_rate, stream.time_base = 8_000_000, Fraction(1, rate)
        stream.codec_context.gop_size = 1  # each frame stands alone, so that one second can be repeated
        packets = []
        for number in range(rate):
            frame = av.VideoFrame(width, height, "yuv420p")
            for plane in frame.planes:
                plane.update(noise.randbytes(plane.buffer_size))
            frame.pts = number
            packets += stream.encode(frame)
        packets += stream.encode()
        for second in range(seconds):
            for number, packet in enumerate(packets):
                packet.stream, packet.pts = stream, second * rate + number
                packet.dts = packet.pts
                packet.time_base = Fraction(1, rate)
                container.mux(packet)
    return path
