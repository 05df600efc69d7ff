"""Races as horizontal bars in one SVG, the same bytes for the same figures, readable on light and on dark pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.measuring.players import is_ours, is_peer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.axes import Axes

    from benchmarks.measuring.page import Result

OURS, PEER, INK = "#2f81d8", "#9a9a9a", "#7d7d7d"  # each has a contrast of 3 and more with white and with black
SETTINGS = {
    "svg.hashsalt": "holdfast",
    "svg.fonttype": "none",  # text stays text
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}
WIDTH, BAR, HEAD = 8.0, 0.22, 0.62  # inches: of the picture, of a bar with its share of space, of a title
NAMES = 0.3  # of the width


def plot(results: Sequence[Result], image: Path) -> None:
    """Write a panel for each race, with a scale of its own, and lines from the lowest round to the highest."""
    import matplotlib as mpl  # noqa: PLC0415  # only a page needs it

    mpl.use("svg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    image.parent.mkdir(exist_ok=True)
    heights = [len(result.players) * BAR + HEAD for result in results]
    with mpl.rc_context(SETTINGS):
        figure = plt.figure(figsize=(WIDTH, sum(heights)))
        top = 1.0
        for result, height in zip(results, heights, strict=True):
            share, bars = height / sum(heights), len(result.players) * BAR / sum(heights)
            panel(figure.add_axes((NAMES, top - share, 1 - NAMES - 0.12, bars)), result)
            top -= share
        figure.savefig(image, transparent=True, metadata={"Date": None, "Creator": None})
        plt.close(figure)


def panel(axes: Axes, result: Result) -> None:
    """Draw one race, the first player on top."""
    players = result.players[::-1]
    medians = [line["median"] for line in players]
    bars: Any = axes.barh([line["player"] for line in players], medians, height=0.7)
    for bar, line in zip(bars, players, strict=True):
        bar.set(facecolor=colour(line["player"]), edgecolor=OURS if is_ours(line["player"]) else PEER)
    spread = [[line["median"] - line["low"] for line in players], [line["high"] - line["median"] for line in players]]
    axes.errorbar(medians, range(len(players)), xerr=spread, fmt="none", ecolor=INK, elinewidth=0.8)
    for place, line in enumerate(players):
        axes.annotate(
            f"{line['median']:,}",
            (max(line["high"], line["median"]), place),
            (4, 0),
            textcoords="offset points",
            va="center",
        )
    better = ", less is better" if result.race.is_less_better else ""
    axes.set_title(f"{result.race.title} ({result.race.unit}{better})", loc="left", x=-NAMES / (1 - NAMES - 0.12))
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for label in axes.get_yticklabels():
        if is_ours(label.get_text()):
            label.set(fontweight="bold", color=OURS)


def colour(player: str) -> str:
    """Ours in one colour, peers grey, floors hollow."""
    if is_ours(player):
        return OURS
    return PEER if is_peer(player) else "none"
