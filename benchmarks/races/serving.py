"""Files of the local disk over ASGI: uvicorn with uvloop and httptools, one process.

Judged is the processor's time that the server takes for an answer, or a byte, as the ratio of what one core can serve.
What was really served in a second stands beside it; that also depends on what else the machine does, and on the client.
"""

from benchmarks.measuring.race import Entry, Race, Target

OURS, STARLETTE, RAW, EMPTY, NGINX = (
    "Holdfast",
    "Starlette FileResponse",
    "raw obstore in a Response",
    "an empty reply",
    "nginx",
)
SERVERS = {OURS: "holdfast", STARLETTE: "starlette", RAW: "obstore", EMPTY: "empty", NGINX: "nginx"}
ANSWERS = {"rate": "answers/s", "each": "µs of the processor"}
GIGABYTES = {"rate": "GB/s", "each": "s of the processor"}
SMALL, PART, LARGE = "16 KiB", "16 KiB of 1 GiB", "1 GiB"
PER_CORE = "answers for a second of the processor"
GB_PER_CORE = "GB for a second of the processor"


def entries(player: str, asks: str, *names: str) -> tuple[Entry, ...]:
    """Return the same player with each server."""
    return tuple(Entry(name, f"serving:{player}", {"server": SERVERS[name], "asks": asks}) for name in names)


def small(name: str, what: str, asks: str) -> Race:
    """Return a race of small answers that Python asks for."""
    names = (OURS, STARLETTE, RAW, EMPTY)
    targets = (Target(OURS, 10.0, (STARLETTE,)), Target(OURS, 1.0, (RAW,)))
    title = f"Serving {what}, local disk"
    return Race(name, title, PER_CORE, 4000, entries("Small", asks, *names), targets, rounds=3, more=ANSWERS)


def wrk(name: str, what: str, asks: str) -> Race:
    """Return a race of small answers that wrk asks for, nginx being the ceiling."""
    names = (OURS, STARLETTE, RAW, EMPTY, NGINX)
    title = f"Serving {what}, local disk, asked by wrk"
    target = (Target(OURS, 10.0, (STARLETTE,)),)
    every = entries("Wrk", asks, *names)
    return Race(name, title, PER_CORE, 2, every, target, rounds=3, is_long=True, more=ANSWERS)  # seconds


def large(name: str, *names: str, is_long: bool = False) -> Race:
    """Return a race of large answers."""
    targets = (Target(OURS, 3.0, (STARLETTE,)), Target(OURS, 1.0, (RAW,)))
    title = f"Serving {LARGE}, local disk{', beside nginx' if is_long else ''}"
    every = entries("Large", "large", *names)
    return Race(name, title, GB_PER_CORE, 1024, every, targets, rounds=3, is_long=is_long, more=GIGABYTES)


RACES = (
    small("serving-small", SMALL, "small"),
    small("serving-part", PART, "part"),
    large("serving-large", OURS, STARLETTE, RAW),
    wrk("serving-small-wrk", SMALL, "small"),
    wrk("serving-part-wrk", PART, "part"),
    large("serving-large-nginx", OURS, STARLETTE, RAW, NGINX, is_long=True),
)
