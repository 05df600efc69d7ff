"""The page of figures: rendered from lines, and from a race that is really run."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks.measuring import page
from benchmarks.measuring.figures import lines
from benchmarks.measuring.machine import machine
from benchmarks.measuring.race import Entry, Race, Target
from benchmarks.measuring.running import open_folder, run
from benchmarks.races import RACES

WORK = {"size": 1024, "batch": 5}
RACE = Race(
    "rows-few",
    "Ten rows with files",
    "files/s",
    10,
    (
        Entry("Holdfast", "rows_holdfast:Sync", WORK),
        Entry("advanced-alchemy", "rows_alchemy:Sync", WORK | {"driver": "obstore"}),
        Entry("the database alone", "rows_raw:Rows", WORK),
    ),
    (Target("Holdfast", 1e9, ("advanced-alchemy",)), Target("Holdfast", 0.0, ("the database alone",))),
)
TEXT = f"# Performance\n\nBy hand.\n\n{page.BEGIN}\nstale\n{page.END}\n\n## What holds it back\n"
LINE = {"unit": "files/s", "median": 2.0, "low": 1.0, "high": 3.0, "rounds": 1, "cpu": 0.5, "growth": 1500}


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """Return a page with figures of an earlier run."""
    path = tmp_path / "performance.md"
    path.write_text(TEXT)
    return path


def test_a_race_from_its_start_to_the_page(document: Path) -> None:
    """All players play, and the page has their rows, the verdicts, the machine and a picture."""
    with open_folder() as folder:
        found = [{"machine": machine(folder)}, *lines(RACE, run(RACE, folder, 1))]
    page.render(json.loads(json.dumps(found)), [RACE], document)
    text = document.read_text()
    assert text.startswith("# Performance\n\nBy hand.\n\n")
    assert text.endswith("\n\n## What holds it back\n")
    assert "stale" not in text
    assert re.search(r"^\| \*\*Holdfast\*\* \| \*\*[0-9,.]+\*\* \|", text, re.MULTILINE)
    assert re.search(r"^\| advanced-alchemy \| [0-9,.]+ \|", text, re.MULTILINE)
    assert re.search(r"1e\+09 x advanced-alchemy \| [0-9.]+ \| \[not met\]\(#what-holds-it-back\)", text)
    assert re.search(r"0 x the database alone \| [0-9.]+ \| met", text)
    assert re.search(r"^\| filesystem \| \w+ \|$", text, re.MULTILINE)
    (image,) = re.findall(r"\]\((images/.*\.svg)\)", text)
    words = {element.text for element in ET.parse(document.parent / image).iter() if element.text}
    assert {"Holdfast", "advanced-alchemy", "the database alone"} <= words


def test_the_same_figures_make_the_same_bytes(document: Path) -> None:
    """Page and pictures, so that a change of either is a change of figures."""
    found = [{"race": RACE.name, "player": entry.name, **LINE} for entry in RACE.entries]

    def rendered() -> list[bytes]:
        page.render(found, [RACE], document)
        return [path.read_bytes() for path in sorted(document.parent.rglob("*.*"))]

    assert rendered() == rendered()


def test_a_missed_target_leads_to_its_reason(document: Path) -> None:
    """If one is given, below the race's own name."""
    missed = {"race": RACE.name, "player": "Holdfast", "target": "≥ 2", "figure": "growth", "value": 1.0, "met": False}
    found = [{"race": RACE.name, "player": "Holdfast", **LINE}, missed]
    document.write_text(f"{TEXT}\n### rows-few\n\nBecause.\n")
    page.render(found, [RACE], document)
    assert "| Holdfast: growth ≥ 2 | 1.0 | [not met](#rows-few) |" in document.read_text()


def test_no_two_races_share_a_name() -> None:
    """Or one would get the figures of the other."""
    assert len({race.name for race in RACES}) == len(RACES)


def test_targets_are_of_players() -> None:
    """A name that is spelt otherwise would never be judged."""
    for race in RACES:
        players = {entry.name for entry in race.entries}
        for target in race.targets:
            assert {target.player, *target.of} <= players, race.name


def test_the_page_has_room_for_figures() -> None:
    """Between its two marks, in this order."""
    text = (Path(__file__).parents[2] / "docs/performance.md").read_text()
    assert text.index(page.BEGIN) < text.index(page.END)
