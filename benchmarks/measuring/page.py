"""The figures of a run as Markdown, between two marks of a page whose other text is written by hand."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.measuring.players import is_ours
from benchmarks.measuring.plots import plot

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from benchmarks.measuring.race import Race

Line = dict[str, Any]
BEGIN, END = "<!-- figures -->", "<!-- /figures -->"
REASONS = "What holds it back"  # the heading for what has no heading of its own
GROUPS = {
    "Rows, sessions, imports": ("rows", "commits", "loading", "untouched", "import"),
    "Large files on local disk": ("local",),
    "S3": ("s3",),
    "Serving": ("serving",),
    "Many files, for long": ("listing", "maintaining", "soak", "memory"),
}
OTHERS = "Everything else"


@dataclass(frozen=True)
class Result:
    """What came of a race."""

    race: Race
    players: tuple[Line, ...]
    targets: tuple[Line, ...]


def render(lines: Iterable[Line], races: Iterable[Race], page: Path) -> None:
    """Write the figures into a page, and its plots into the folder `images` beside it."""
    lines = list(lines)
    text = page.read_text()
    start, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    for image in page.parent.glob("images/performance-*.svg"):
        image.unlink()
    blocks = [machine_table(line["machine"]) for line in lines if "machine" in line]
    for title, results in grouped(results_of(lines, races)):
        image = page.parent / "images" / f"performance-{slug(title)}.svg"
        plot(results, image)
        blocks += [f"## {title}", f"![{title}, as bars](images/{image.name})"]
        blocks += [block for result in results for block in race_blocks(result, headings(text))]
    page.write_text("\n\n".join([text[:start], *blocks, text[end:]]))


def read(path: Path) -> list[Line]:
    """Return the lines that a run has left."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def results_of(lines: list[Line], races: Iterable[Race]) -> list[Result]:
    """Return what the lines say of each race that was run."""
    results = []
    for race in races:
        of_race = [line for line in lines if line.get("race") == race.name]
        players = tuple(line for line in of_race if "median" in line)
        targets = tuple(line for line in of_race if "target" in line)
        if players:
            results.append(Result(race, players, targets))
    return results


def grouped(results: list[Result]) -> Iterator[tuple[str, list[Result]]]:
    """Yield the kinds of work, and the races of each; a race belongs where the first word of its name does."""
    kinds = {word: title for title, words in GROUPS.items() for word in words}
    for title in (*GROUPS, OTHERS):
        found = [result for result in results if kinds.get(result.race.name.partition("-")[0], OTHERS) == title]
        if found:
            yield title, found


def machine_table(machine: dict[str, str]) -> str:
    """Return the machine as a table."""
    return table(["measured", machine["date"]], [[name, text] for name, text in machine.items() if name != "date"])


def race_blocks(result: Result, anchors: set[str]) -> Iterator[str]:
    """Yield the title of a race, its table, and its targets."""
    race = result.race
    yield f"### {race.title}"
    head = [
        "",
        race.unit,
        "lowest to highest",
        "processor, s",
        "memory, MB",
        *(f"{name}, {unit}" for name, unit in race.more.items()),
    ]
    yield table(head, [player_row(race, line) for line in result.players])
    if result.targets:
        yield table(["target", "reached", ""], [target_row(line, anchors) for line in result.targets])


def player_row(race: Race, line: Line) -> list[str]:
    """Return the cells of one player."""
    figures = [line["median"], f"{number(line['low'])} to {number(line['high'])}", line["cpu"], line["growth"]]
    figures += [line.get(name, "") for name in race.more]
    cells = [line["player"], *map(number, figures)]
    return [f"**{cell}**" if is_ours(line["player"]) and cell else cell for cell in cells]


def target_row(line: Line, anchors: set[str]) -> list[str]:
    """Return the cells of one target; a missed one leads to the reason, below a heading with the name of its race."""
    reason = line["race"] if line["race"] in anchors else slug(REASONS)
    figure = "" if line["figure"] == "speed" else f"{line['figure']} "
    verdict = "met" if line["met"] else f"[not met](#{reason})"
    return [f"{line['player']}: {figure}{line['target']}", number(line["value"]), verdict]


def table(head: list[str], rows: list[list[str]]) -> str:
    """Return a table: names to the left, figures to the right."""
    marks = ["---", *("---:" for _ in head[1:])]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, marks, *rows))


def number(value: float | str) -> str:
    """Return a figure with commas between thousands."""
    return f"{value:,}" if isinstance(value, int | float) else value


def headings(text: str) -> set[str]:
    """Return the anchors of the text that is written by hand."""
    start, end = text.index(BEGIN), text.index(END)
    return {slug(heading) for heading in re.findall(r"^#+ (.*)$", text[:start] + text[end:], re.MULTILINE)}


def slug(heading: str) -> str:
    """Return the anchor of a heading."""
    return re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-")
