"""Make the sample files of the demo (``examples/demo/files/``).

The demo does not run this script: its output is kept next to it, so that the
demo needs nothing but Holdfast.  To make the files again::

    python -m pip install pillow numpy
    python examples/demo/make_samples.py            # writes examples/demo/files/
    python examples/demo/make_samples.py /some/dir  # or somewhere else

The run takes a few minutes, nearly all of it for the picture.  Everything
is drawn from fixed seeds and nothing carries a date, so a second run with the
same versions of Pillow and numpy gives the same bytes.

What is made, and what each file is good for:

* ``Lac d’Annecy à l’aube.jpg``    a few megabytes of JPEG, no EXIF: accents, spaces
  and typographic apostrophes in the name.  A computed picture, not a photograph
* ``Mode d’emploi – hangar à bateaux.pdf``   two pages of text
* ``Résumé – final (2).txt``       accents, an en dash and brackets in the name
* ``🎉 launch notes.md``           a name outside the basic multilingual plane
* ``2024/report.csv``, ``2025/report.csv``    one name twice, different contents
* ``empty.txt``                    nothing at all: zero bytes
"""

# A drawing is all numbers, and the typographic signs in the names are there on purpose.
# ruff: noqa: PLR0915, PLR2004, RUF001, RUF002

from __future__ import annotations

import io
import sys
import unicodedata
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

# --------------------------------------------------------------------------
# The picture: a lake between mountains at dawn
# --------------------------------------------------------------------------
# A height field made of gradient noise is seen from just above the water.
# Lengths are in kilometres; x points right, y up, z away from the viewer.

WIDTH, HEIGHT = 3000, 2000
SUPERSAMPLE = 1.25
FOV_SCALE = 1.05  # focal length, as a multiple of the width of the picture
HORIZON = 0.56  # as a fraction of the height of the picture
EYE = 0.0026  # height of the eye above the water
SUN = np.array([0.235, 0.120, 1.0])
SUN /= np.linalg.norm(SUN)

_table = np.random.default_rng(20240619)
_angles = _table.uniform(0, 2 * np.pi, (256, 256)).astype(np.float32)
_GX, _GY = np.cos(_angles), np.sin(_angles)


def noise(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Gradient noise, about -0.7 to 0.7, repeating every 256 units."""
    xf, yf = np.floor(x), np.floor(y)
    xi, yi = xf.astype(np.int32) & 255, yf.astype(np.int32) & 255
    xj, yj = (xi + 1) & 255, (yi + 1) & 255
    u, v = (x - xf).astype(np.float32), (y - yf).astype(np.float32)
    a = _GX[xi, yi] * u + _GY[xi, yi] * v
    b = _GX[xj, yi] * (u - 1) + _GY[xj, yi] * v
    c = _GX[xi, yj] * u + _GY[xi, yj] * (v - 1)
    d = _GX[xj, yj] * (u - 1) + _GY[xj, yj] * (v - 1)
    su = u * u * u * (u * (u * 6 - 15) + 10)
    sv = v * v * v * (v * (v * 6 - 15) + 10)
    top = a + su * (b - a)
    return top + sv * (c + su * (d - c) - top)


def fbm(x: np.ndarray, y: np.ndarray, octaves: int, gain: float = 0.5) -> np.ndarray:
    """Add up octaves of noise, each twice as fine as the one before."""
    total, amplitude = np.zeros(np.shape(x), np.float32), 1.0
    for i in range(octaves):
        total += amplitude * noise(x + 17.3 * i, y - 9.1 * i)
        x, y = 1.6 * x + 1.2 * y, -1.2 * x + 1.6 * y  # twice as fine, and turned
        amplitude *= gain
    return total


def ridged(x: np.ndarray, y: np.ndarray, octaves: int) -> np.ndarray:
    """Noise with crests and side spurs, about 0 to 1."""
    total, amplitude = np.zeros(np.shape(x), np.float32), 0.5
    weight = np.float32(1.0)
    for i in range(octaves):
        n = 1 - 1.9 * np.abs(noise(x + 31.7 * i, y + 11.9 * i))
        n = np.clip(n, 0, 1) ** 1.35 * weight
        total += amplitude * n
        weight = np.clip(n * 1.5, 0, 1)
        x, y = 1.6 * x + 1.2 * y, -1.2 * x + 1.6 * y
        amplitude *= 0.43
    return total


def smoothstep(low: float, high: float, x: np.ndarray) -> np.ndarray:
    """Go from 0 at `low` to 1 at `high`, without a corner; `low` may be the greater."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def ground(x: np.ndarray, z: np.ndarray, octaves: int = 10) -> np.ndarray:
    """The height of the land; below zero there is water."""
    axis = 0.35 * np.sin(z * 0.45 + 0.6) + 0.045 * z  # the lake is not straight
    wobble = 0.55 * noise(z * 0.6 + 3.1, x * 0.6 + 7.7) + 0.12 * noise(z * 2.6, x * 2.6)
    half = 0.62 + 0.035 * z + wobble
    side = np.abs(x - axis) - half
    end = (z - 9.0 - wobble) * 0.9
    shore = np.maximum(side, end)  # how far inland, roughly
    rise = smoothstep(-0.05, 2.9, shore)
    far = smoothstep(9.0, 22.0, z)
    peaks = ridged(x * 0.29 + 5.2, z * 0.29 + 1.4, octaves)
    hills = fbm(x * 0.8 + 2.2, z * 0.8, max(octaves - 2, 1))
    height = rise * (0.06 + (1.55 + 1.25 * far) * peaks + 0.22 * hills)
    foot = 0.09 * smoothstep(-0.02, 0.5, shore) * (1 + hills)
    return np.where(shore > -0.05, height + foot - 0.004, -0.05)


def sky(dx: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """Light from the direction (dx, dy, 1), in linear RGB."""
    length = np.sqrt(dx * dx + dy * dy + 1)
    up = np.clip(dy / length, 0, 1)
    cos = np.clip((dx * SUN[0] + dy * SUN[1] + SUN[2]) / length, -1, 1)
    angle = np.arccos(cos)
    low = np.array([1.00, 0.55, 0.30])
    mid = np.array([0.58, 0.50, 0.49])
    high = np.array([0.070, 0.195, 0.39])
    t1 = smoothstep(0.0, 0.20, up)[..., None]
    t2 = smoothstep(0.06, 0.46, up)[..., None]
    colour = low * (1 - t1) + mid * t1
    colour = colour * (1 - t2) + high * t2
    colour = colour * (0.58 + 0.62 * np.exp(-((angle / 0.42) ** 1.4)))[..., None]

    # thin clouds, on a plane overhead
    reach = 1.0 / (up + 0.045)
    cx, cz = dx * reach * 0.62 + 3.0, reach * 0.62
    warp = fbm(cx * 0.8 + 9, cz * 0.8, 3)
    streak = fbm(cx * 0.9 + 0.9 * warp + 0.3 * cz, cz * 2.1 + 0.9 * warp, 8, 0.56)
    patch = fbm(cx * 0.35 + 40, cz * 0.5 + 4, 3)
    cloud = smoothstep(-0.02, 0.62, streak + 0.75 * patch) * smoothstep(0.03, 0.13, up) * 0.8
    near = np.exp(-angle / 0.30)[..., None]
    lit = np.array([0.80, 0.56, 0.50]) * (1 - near) + np.array([1.9, 1.15, 0.62]) * near
    colour = colour * (1 - cloud[..., None]) + lit * cloud[..., None]

    # the sun and its glow
    glow = 3.2 * np.exp(-angle / 0.022) + 0.60 * np.exp(-angle / 0.13)
    disc = 60.0 * smoothstep(0.0085, 0.0060, angle)
    colour = colour + glow[..., None] * np.array([1.0, 0.62, 0.27])
    return colour + disc[..., None] * np.array([1.0, 0.86, 0.62])


def land(x: np.ndarray, z: np.ndarray, dx: np.ndarray) -> np.ndarray:
    """The colour of the land at the points (x, z), haze included."""
    step = 0.0012 * z
    y = ground(x, z)
    slope_x = (ground(x + step, z) - y) / step
    slope_z = (ground(x, z + step) - y) / step
    norm = np.sqrt(slope_x**2 + slope_z**2 + 1)
    facing = (-slope_x * SUN[0] + SUN[1] - slope_z * SUN[2]) / norm
    steep = 1 - 1 / norm

    light = np.ones_like(y)
    for reach in np.geomspace(0.06, 4.0, 18):  # shadows of the land upon itself
        over = ground(x + SUN[0] * reach, z + SUN[2] * reach, 6) - (y + SUN[1] * reach)
        light = np.minimum(light, 1 - smoothstep(-0.02 * reach, 0.03 * reach, over))

    grain = fbm(x * 24, z * 24, 5, 0.65)
    trees = fbm(x * 110, z * 110, 3, 0.7)
    wood = smoothstep(1.25, 0.75, y + 0.35 * grain) * smoothstep(0.62, 0.38, steep)
    snow = smoothstep(1.45, 1.95, y + 0.30 * grain) * smoothstep(0.55, 0.30, steep)
    meadow = smoothstep(0.20, 0.36, fbm(x * 2.2, z * 2.2, 4)) * smoothstep(0.6, 0.2, y)
    rock = np.array([0.23, 0.215, 0.21]) * (1 + 0.5 * grain)[..., None]
    forest = np.array([0.040, 0.062, 0.036]) * (1 + 0.9 * trees + 0.6 * grain)[..., None]
    grass = np.array([0.115, 0.135, 0.050]) * (1 + 0.4 * grain)[..., None]
    colour = rock + (forest - rock) * wood[..., None]
    colour = colour + (grass - colour) * (meadow * wood)[..., None]
    colour = colour + (np.array([0.80, 0.82, 0.86]) - colour) * snow[..., None]

    bump = np.clip(facing + 0.16 * wood * trees, 0, 1) * light
    ambient = 0.55 + 0.45 / norm
    shade = ambient[..., None] * np.array([0.34, 0.43, 0.60])
    shade = shade + bump[..., None] * np.array([5.2, 3.0, 1.55])
    colour = np.clip(colour, 0.004, 1) * shade

    # haze grows with distance, and is thick over the water; warm toward the sun
    across = np.arctan(dx) - np.arctan(SUN[0] / SUN[2])
    warm = np.exp(-((across / 0.30) ** 2))[..., None]
    haze_colour = np.array([0.36, 0.41, 0.52]) * (1 - warm) + np.array([0.95, 0.56, 0.34]) * warm
    mist = fbm(x * 0.9, z * 0.9 + 20, 4)
    depth = z * (0.022 + 0.055 * np.exp(-np.maximum(y, 0) / 0.60))
    depth = depth + z * 0.13 * np.exp(-np.maximum(y, 0) / 0.07) * np.clip(0.75 + mist, 0, 2)
    haze = (1 - np.exp(-depth))[..., None]
    return colour * (1 - haze) + haze_colour * haze


def view(width: int, height: int, focal: float, eye: float) -> np.ndarray:
    """What is seen above the water, as if the water were not there.

    Row 0 is at the horizon plus a little, rows go upward.
    """
    margin = 12
    rows = (np.arange(height + margin) - margin + 0.5) / focal
    columns = (np.arange(width) - width / 2 + 0.5) / focal
    picture = sky(*np.meshgrid(columns, rows))

    # For each column, the smallest distance at which the land hides each row.
    depths = np.geomspace(0.5, 45.0, 2600)
    hit = np.full((height + margin, width), np.nan)
    for start in range(0, width, 250):
        part = columns[start : start + 250]
        zz = np.broadcast_to(depths[:, None], (depths.size, part.size))
        yy = ground(part[None, :] * zz, zz)
        rise = np.where(yy > 0, (yy - eye) / zz, -1.0)
        crest = np.maximum.accumulate(rise, axis=0)
        for k in range(part.size):
            index = np.searchsorted(crest[:, k], rows)
            seen = (index > 0) & (index < depths.size)
            i = index[seen]
            below, above = rise[i - 1, k], rise[i, k]
            share = np.clip((rows[seen] - below) / np.maximum(above - below, 1e-9), 0, 1)
            hit[seen, start + k] = depths[i - 1] + share * (depths[i] - depths[i - 1])
    # under the far shore there is land as well, never sky
    for row in range(margin + 2, -1, -1):
        hit[row] = np.where(np.isnan(hit[row]), hit[row + 1], hit[row])

    r, c = np.nonzero(~np.isnan(hit))
    for start in range(0, r.size, 400_000):
        rr, cc = r[start : start + 400_000], c[start : start + 400_000]
        z = hit[rr, cc]
        picture[rr, cc] = land(columns[cc] * z, z, columns[cc])
    return picture[margin:]


def water(above: np.ndarray, height: int, focal: float, rng: np.random.Generator) -> np.ndarray:
    """The lake below the horizon; ``above`` is what it mirrors."""
    width = above.shape[1]
    down = (np.arange(height) + 0.5) / focal
    across = (np.arange(width) - width / 2 + 0.5) / focal
    z = (EYE / down * 1000.0)[:, None]  # metres from here on
    x = across[None, :] * z
    z = np.broadcast_to(z, x.shape)

    def slope(scale: float, stretch: float) -> np.ndarray:
        fade = np.clip(28.0 / scale / z, 0, 1) ** 0.7  # too small to be seen further off
        return fade * fbm(x * scale * stretch, z * scale, 3, 0.55)

    calm = smoothstep(-0.15, 0.25, fbm(x * 0.004 + 2, np.log(z) * 1.6, 4))
    rough = 0.25 + 0.75 * calm
    tilt_z = (0.016 * slope(0.35, 0.5) + 0.013 * slope(1.6, 0.6) + 0.008 * slope(6.0, 0.8)) * rough
    tilt_x = (0.006 * slope(0.40, 0.9) + 0.006 * slope(1.9, 0.9)) * rough
    spread = 0.0055 * rough

    picture = np.zeros((height, width, 3))
    row = np.arange(height)[:, None]
    column = np.arange(width)[None, :]
    samples = 14
    for _ in range(samples):
        jitter = rng.normal(size=(2, height, width)).astype(np.float32)
        # what tilts toward the viewer mirrors higher sky, and more of it is seen
        up = row + 2 * focal * (tilt_z + spread * np.abs(jitter[0]) * 0.9)
        side = column + 2 * focal * (tilt_x * 0.6 + spread * 0.16 * jitter[1])
        up = np.clip(np.abs(up), 0, above.shape[0] - 1).astype(np.int32)
        side = np.clip(side, 0, width - 1).astype(np.int32)
        picture += np.minimum(above[up, side], 40.0)
    picture /= samples

    sine = np.clip(down[:, None] / np.sqrt(1 + down[:, None] ** 2) + 1.2 * tilt_z, 0.001, 1)
    mirror = (0.02 + 0.98 * (1 - sine) ** 4.2)[..., None]
    deep = np.array([0.020, 0.050, 0.066])
    return picture * mirror + deep * (1 - mirror)


def jetty(picture: np.ndarray, horizon: int, focal: float, rng: np.random.Generator) -> np.ndarray:
    """Lay a wooden jetty into the picture, with its shadow side and its posts."""
    height, width, _ = picture.shape
    eye, deck, thick = EYE * 1000, 0.62, 0.16  # metres
    origin, heading = np.array([-3.35, 6.0]), np.array([0.125, 1.0])
    heading = heading / np.linalg.norm(heading)
    reach, half = 15.5, 0.95

    yy, xx = np.mgrid[horizon + 1 : height, 0:width]
    down, across = (yy - horizon + 0.5) / focal, (xx - width / 2 + 0.5) / focal

    def plank_frame(level: float) -> tuple[np.ndarray, np.ndarray]:
        z = (eye - level) / down
        px, pz = across * z - origin[0], z - origin[1]
        return px * heading[0] + pz * heading[1], px * heading[1] - pz * heading[0]

    region = picture[horizon + 1 :]

    # mirror image of the jetty, and its dark underside: a soft stain on the water
    along, beside = plank_frame(-deck)
    wobble = 0.05 * fbm(xx / 90.0, yy / 16.0, 3)
    stain = smoothstep(half + 0.10, half - 0.02, np.abs(beside + wobble))
    stain *= smoothstep(reach + 0.1, reach - 0.1, along + 4 * wobble)
    region *= 1 - 0.78 * stain[..., None]

    def post(at: float, beside_at: float) -> None:
        foot = origin + at * heading + beside_at * np.array([heading[1], -heading[0]])
        z = foot[1]
        if z < 2.5:
            return
        centre = width / 2 + focal * foot[0] / z
        radius = 0.085 * focal / z
        top = horizon + focal * (eye - deck - 0.55) / z
        bottom = horizon + focal * eye / z
        across_post = (xx - centre) / radius
        # its mirror image, broken by the ripples
        swing = 0.9 * fbm(xx / 70.0, yy / 9.0, 3)
        ghost = smoothstep(1.15, 0.8, np.abs(across_post + swing))
        ghost *= (yy > bottom) * smoothstep(2 * bottom - top, bottom, yy + 0.0)
        region[:] = region * (1 - 0.80 * ghost[..., None])
        body = smoothstep(1.0 + 1 / radius, 1.0 - 1 / radius, np.abs(across_post))
        lid = radius * 0.28 * np.sqrt(np.clip(1 - across_post**2, 0, 1))
        body *= (yy > top - lid) & (yy < bottom + lid)
        edge = np.clip(across_post, -1, 1)
        wood = 0.020 + 0.34 * np.clip(edge - 0.35, 0, 1) ** 1.6
        wood = wood * (1 + 0.9 * fbm(across_post * 2.2 + at * 7, yy / 60.0, 4))
        wet = smoothstep(bottom - 0.22 * focal / z, bottom - 0.12 * focal / z, yy)
        wood = np.where(yy < top + lid, 0.30, wood * (1 - 0.6 * wet))
        colour = wood[..., None] * np.array([1.0, 0.66, 0.42])
        region[:] = region * (1 - body[..., None]) + colour * body[..., None]

    spots = [14.9, 11.6, 8.3, 5.0, 1.7]
    for at in spots:
        post(at, -half - 0.02)

    # the side of the deck that is seen, then the deck
    for level in np.linspace(deck - thick, deck - 0.01, 12):
        along, beside = plank_frame(float(level))
        inside = (np.abs(beside) < half) & (along < reach)
        region[inside] = np.array([0.020, 0.017, 0.016])
    along, beside = plank_frame(deck)
    pixel = (eye - deck) / down**2 / focal  # length of a pixel, along the jetty
    plank = np.floor(along / 0.145)
    within = along / 0.145 - plank
    gap_width = 0.06
    gap = smoothstep(gap_width + 0.05, gap_width - 0.02, np.minimum(within, 1 - within))
    gap = gap * np.clip(0.022 / pixel, 0, 1)
    count = int(plank.max()) - int(plank.min()) + 1
    shades = rng.uniform(0.68, 1.18, (count, 3)) ** [1.0, 1.02, 1.05]
    mean = shades.mean(axis=1, keepdims=True)
    shades = mean + 0.18 * (shades - mean)
    ends = rng.uniform(-0.014, 0.012, (count, 2))
    number = (plank - plank.min()).astype(int)
    fibres = fbm(beside * 3.0 + number * 5.3, along * 85.0, 5, 0.62)
    knots = smoothstep(0.42, 0.62, fbm(beside * 5 + number * 3.7, along * 14, 2))
    wood = shades[number] * (0.23 + 0.12 * fibres - 0.10 * knots)[..., None]
    wood = wood * np.array([1.0, 0.80, 0.66])
    # morning light skims over it and shines on the far boards; edges catch it
    towards = np.exp(-(((across - 0.05) / 0.35) ** 2))
    skim = 0.9 * np.clip(0.085 / down, 0.0, 1.6) ** 1.1 * towards
    damp = 0.75 + 0.6 * fbm(along * 0.7, beside * 1.4, 4)
    wood = wood + (skim * damp * (0.22 + 0.15 * fibres))[..., None] * np.array([1.0, 0.64, 0.40])
    wood = wood + (0.12 * smoothstep(0.80, 0.9, within) * np.clip(0.03 / pixel, 0, 1))[..., None] * np.array(
        [1.0, 0.62, 0.36]
    )
    wood = np.clip(wood, 0.008, None) * (1 - 0.88 * gap)[..., None]
    nails = np.minimum(np.abs(beside - half + 0.2), np.abs(beside + half - 0.2))
    nails = np.hypot(nails, (within - 0.5) * 0.145)
    wood = wood * (1 - 0.75 * smoothstep(0.012, 0.006, nails))[..., None]
    feather = 0.5 * (eye - deck) / down / focal
    left = smoothstep(-feather, feather, beside + half + ends[number, 0])[..., None]
    right = smoothstep(feather, -feather, beside - half - ends[number, 1])[..., None]
    far = smoothstep(reach + 0.02, reach - 0.02, along)[..., None]
    cover = left * right * far
    region[:] = region * (1 - cover) + wood * cover
    for at in spots:
        post(at, half + 0.02)
    return picture


def reeds(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A few reeds close by, at the lower right, slightly out of focus."""
    height, width, _ = picture.shape
    for count, blur, scale, dark in ((70, 2.2, 0.8, 0.030), (55, 4.5, 1.1, 0.014)):
        layer = Image.new("L", (width, height))
        draw = ImageDraw.Draw(layer)
        for _ in range(count):
            spread = rng.beta(1.0, 2.1)
            x = width * (1.01 - 0.29 * spread)
            tall = height * scale * rng.uniform(0.16, 0.42) * (1 - 0.55 * spread)
            lean = rng.normal(-0.10, 0.11) * tall
            droop = rng.normal(0, 0.10) * tall + lean * 0.9
            t = np.linspace(0, 1, 44)
            xs = x + lean * t + droop * t**3
            ys = height + 20 - tall * t + 0.22 * abs(droop) * t**4
            thick = width * 0.0026 * scale * rng.uniform(0.5, 1.1)
            w = thick * (1 - t) ** 0.55
            outline = zip(np.append(xs - w, (xs + w)[::-1]), np.append(ys, ys[::-1]), strict=True)
            draw.polygon([(float(a), float(b)) for a, b in outline], fill=255)
            if rng.random() < 0.16:  # a cat-tail
                k, m = 36, 42
                draw.line(
                    [(float(xs[k]), float(ys[k])), (float(xs[m]), float(ys[m]))],
                    fill=255,
                    width=int(thick * 3.2),
                )
        cover = np.asarray(layer.filter(ImageFilter.GaussianBlur(blur * width / 3750)), np.float64) / 255
        tint = np.array([1.0, 0.92, 0.62]) * dark
        picture = picture * (1 - cover[..., None]) + tint * cover[..., None]
    return picture


def soften(channel: np.ndarray, radius: float) -> np.ndarray:
    """Blur one channel widely."""
    image = Image.fromarray(channel.astype(np.float32))
    small = image.resize((image.width // 4, image.height // 4), Image.Resampling.BOX)
    # three box blurs stand in for a Gaussian (which Pillow does not do on floats)
    data = np.asarray(small, np.float64)
    size = max(int(radius / 4), 1)
    for _ in range(3):
        for axis in (0, 1):
            pad = [(size + 1, size) if a == axis else (0, 0) for a in (0, 1)]
            sums = np.cumsum(np.pad(data, pad, mode="edge"), axis=axis)
            n = data.shape[axis]
            high = np.take(sums, range(2 * size + 1, 2 * size + 1 + n), axis=axis)
            low = np.take(sums, range(n), axis=axis)
            data = (high - low) / (2 * size + 1)
    back = Image.fromarray(data.astype(np.float32)).resize(image.size, Image.Resampling.BICUBIC)
    return np.asarray(back, np.float64)


def draw_lake(width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    """Draw the picture: the view, the lake, what stands in it, and then lens and film."""
    rng = np.random.default_rng(7)
    w, h = round(width * SUPERSAMPLE), round(height * SUPERSAMPLE)
    focal, horizon = FOV_SCALE * w, round(HORIZON * h)

    above = view(w, horizon, focal, EYE)
    mirrored = view(w, h - horizon + 200, focal, -EYE)
    lake = water(mirrored, h - horizon, focal, rng)
    # morning mist where the lake ends
    z = EYE / ((np.arange(h - horizon) + 0.5) / focal)
    mist = (0.62 * (1 - np.exp(-z / 4.0)))[:, None, None]
    lake = lake * (1 - mist) + soften_rows(lake[:8]) * mist
    scene = np.concatenate([above[::-1], lake])
    scene = jetty(scene, horizon, focal, rng)
    scene = reeds(scene, rng)

    # lens: flare of the bright parts, fall-off toward the corners
    clipped = np.minimum(scene, 12.0)
    for radius, share in ((14, 0.05), (90, 0.05), (320, 0.05)):
        k = radius * w / 3000
        scene = scene * (1 - share) + share * np.stack([soften(clipped[..., i], k) for i in range(3)], -1)
    yy, xx = np.mgrid[0:h, 0:w]
    off = ((xx - w / 2) ** 2 + (yy - h / 2) ** 2) / (w * w / 4 + h * h / 4)
    scene = scene * (1 - 0.34 * off)[..., None]

    # film: exposure, filmic curve, a little more colour
    v = np.clip(scene * 0.84, 0, None)
    v = (v * (2.51 * v + 0.03)) / (v * (2.43 * v + 0.59) + 0.14)
    v = np.clip(v, 0, 1)
    grey = v @ np.array([0.2126, 0.7152, 0.0722])
    v = np.clip(grey[..., None] + 1.14 * (v - grey[..., None]), 0, 1)
    v = np.where(v <= 0.0031308, 12.92 * v, 1.055 * v ** (1 / 2.4) - 0.055)

    small = np.stack(
        [
            np.asarray(Image.fromarray(v[..., i].astype(np.float32)).resize((width, height), Image.Resampling.LANCZOS))
            for i in range(3)
        ],
        -1,
    ).astype(np.float64)

    # grain: two sizes, strongest in the middle tones
    luma = small @ np.array([0.299, 0.587, 0.114])
    fine = rng.normal(size=(height, width))
    fine = (fine + np.roll(fine, 1, 0) + np.roll(fine, 1, 1) + np.roll(fine, (1, 1), (0, 1))) / 2
    amount = 0.006 + 0.012 * np.sqrt(np.clip(luma * (1 - luma) * 4, 0, 1))
    small += (amount * fine)[..., None]
    small += 0.005 * rng.normal(size=small.shape)

    return Image.fromarray((np.clip(small, 0, 1) * 255 + 0.5).astype(np.uint8))


def photograph() -> bytes:
    """Give the picture as a JPEG file."""
    out = io.BytesIO()
    draw_lake().save(out, "JPEG", quality=96, subsampling=0, optimize=True, progressive=True)
    return out.getvalue()


def soften_rows(rows: np.ndarray) -> np.ndarray:
    """One smooth row out of a few."""
    row = rows.mean(axis=0)
    size = row.shape[0] // 40
    kernel = np.ones(2 * size + 1) / (2 * size + 1)
    padded = np.pad(row, [(size, size), (0, 0)], mode="edge")
    return np.stack([np.convolve(padded[:, i], kernel, "valid") for i in range(3)], -1)[None]


# --------------------------------------------------------------------------
# The PDF: written by hand
# --------------------------------------------------------------------------

TITLE = "Mode d’emploi – hangar à bateaux"
PAGES = [
    [
        ("H", "The boathouse: a short manual"),
        ("S", "Mode d’emploi – hangar à bateaux"),
        ("P", "This is a sample document. It is two pages long, so that there is something"),
        ("P", "to turn, and short enough to be read while a kettle boils."),
        ("H", "1. Before you take a boat"),
        ("P", "Write your name, the boat and the hour on the board next to the door."),
        ("P", "Look at the sky over the western ridge. If you cannot see the ridge, wait."),
        ("P", "Take one life jacket for each person, and one more. Check the straps."),
        ("P", "There are four boats:"),
        ("L", "Marguerite – two seats, dry, slow, never late"),
        ("L", "Éloïse – four seats, the oars stick a little to port"),
        ("L", "Tant pis – one seat, for people who can swim"),
        ("L", "La Bernache – six seats, needs two rowers"),
        ("H", "2. On the water"),
        ("P", "Keep two hundred metres off the reeds between April and July: the grebes"),
        ("P", "are nesting, and they were here first. The ferry has right of way, always."),
        ("P", "When the storm light on the jetty begins to blink, turn back at once."),
    ],
    [
        ("H", "3. Coming back"),
        ("P", "Tie the boat at both ends. A boat that is tied at one end is a boat that has"),
        ("P", "already left; a good knot is one that holds fast and still comes undone."),
        ("P", "Bail out the water, turn the oars upside down, wipe your name off the board."),
        ("H", "4. What things cost"),
        ("L", "One hour: 8 €"),
        ("L", "Half a day: 25 €"),
        ("L", "An oar, lost: 60 €"),
        ("L", "A grebe, disturbed: an afternoon of mending nets"),
        ("H", "5. If something goes wrong"),
        ("P", "Stay with the boat. Blow the whistle three times, count to twenty, repeat."),
        ("P", "Someone on the shore will hear you; the lake is quiet and carries far."),
        ("S", "Sample text. No such boathouse exists, and neither do its prices."),
    ],
]
STYLES = {  # font, size, space above, line height, indent, grey
    "H": ("F2", 18, 26, 22, 0, "0.10 0.22 0.34"),
    "S": ("F3", 12, 10, 20, 0, "0.40 0.42 0.45"),
    "P": ("F1", 13, 0, 21, 0, "0.10 0.10 0.10"),
    "L": ("F1", 13, 1, 21, 22, "0.10 0.10 0.10"),
}


def pdf() -> bytes:
    """Give the document as a PDF file."""

    def text(value: str) -> bytes:
        raw = value.encode("cp1252")
        for special in (b"\\", b"(", b")"):
            raw = raw.replace(special, b"\\" + special)
        return b"(" + raw + b")"

    def stream(data: bytes) -> bytes:
        packed = zlib.compress(data, 9)
        head = f"<< /Length {len(packed)} /Filter /FlateDecode >>\nstream\n".encode()
        return head + packed + b"\nendstream"

    fonts = ("Times-Roman", "Helvetica-Bold", "Times-Italic")
    first_font, first_page = 4, 4 + len(fonts)
    kids = " ".join(f"{first_page + 2 * i} 0 R" for i in range(len(PAGES)))
    used = " ".join(f"/F{i + 1} {first_font + i} 0 R" for i in range(len(fonts)))
    title = (b"\xfe\xff" + TITLE.encode("utf-16-be")).hex().upper()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /Lang (en) >>",
        f"<< /Type /Pages /Count {len(PAGES)} /Kids [{kids}] >>".encode(),
        f"<< /Title <{title}> /Producer (make_samples.py) >>".encode(),
    ]
    objects += [
        f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>".encode() for name in fonts
    ]
    for number, lines in enumerate(PAGES):
        y = 786.0
        parts = [b"0.10 0.22 0.34 rg 72 788 451 3 re f"]
        previous = ""
        for kind, value in lines:
            font, size, before, leading, indent, colour = STYLES[kind]
            y -= before + leading + (8 if previous in ("H", "S") and kind in ("P", "L") else 0)
            previous = kind
            if kind == "L":
                parts.append(f"{colour} rg 78 {y + 3:.1f} 4 4 re f".encode())
            where = f"BT {colour} rg /{font} {size} Tf {72 + indent} {y:.1f} Td ".encode()
            parts.append(where + text(value) + b" Tj ET")
        footer = text(f"{number + 1} / {len(PAGES)}")
        parts.append(b"BT 0.4 g /F1 10 Tf 290 40 Td " + footer + b" Tj ET")
        page = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] "
            f"/Resources << /Font << {used} >> >> "
            f"/Contents {first_page + 2 * number + 1} 0 R >>"
        )
        objects += [page.encode(), stream(b"\n".join(parts))]

    out, offsets = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    table = len(out)
    out += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    for offset in offsets:
        out += f"{offset:010d} 00000 n \n".encode()
    trailer = f"<< /Size {len(objects) + 1} /Root 1 0 R /Info 3 0 R >>"
    out += f"trailer\n{trailer}\nstartxref\n{table}\n%%EOF\n".encode()
    return bytes(out)


# --------------------------------------------------------------------------
# The small ones
# --------------------------------------------------------------------------

RESUME = """\
Résumé – final (2)

Le présent résumé remplace « Résumé – final.txt », qui remplaçait « Résumé.txt ».

1. La réunion a eu lieu à l’heure prévue, à quelques minutes près.
2. Le procès-verbal a été adopté à l’unanimité, moins une voix.
3. Les pièces jointes suivront : c’est tout l’intérêt de l’affaire.

Prochaine séance : dès que possible.
"""

NOTES = """\
# 🎉 Launch notes

- [x] Pick a name that survives a file system
- [x] Put an emoji in it anyway
- [ ] Tell everybody
- [ ] Sleep

> A file is only attached when the row it belongs to is committed.
"""


def report(year: int) -> str:
    """Make up the outings of a year."""
    boats = ("Marguerite", "Éloïse", "Tant pis", "La Bernache")
    rng = np.random.default_rng(year)
    lines = ["month,boat,outings,hours,income_eur"]
    for month in range(4, 11):
        for boat in boats[: 3 if year < 2025 else 4]:  # the fourth boat came in 2025
            outings = int(rng.integers(3, 40))
            hours = outings + int(rng.integers(0, outings + 1))
            lines.append(f"{year}-{month:02d},{boat},{outings},{hours},{8 * hours}")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the files."""
    default = Path(__file__).resolve().parent / "files"
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    files = {
        "empty.txt": b"",
        "2024/report.csv": report(2024).encode(),
        "2025/report.csv": report(2025).encode(),
        "Résumé – final (2).txt": RESUME.encode(),
        "🎉 launch notes.md": NOTES.encode(),
        TITLE + ".pdf": pdf(),
        "Lac d’Annecy à l’aube.jpg": photograph(),
    }
    for name, data in files.items():
        path = target / unicodedata.normalize("NFC", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        print(f"{len(data):>9}  {path.relative_to(target)}")


if __name__ == "__main__":
    main()
