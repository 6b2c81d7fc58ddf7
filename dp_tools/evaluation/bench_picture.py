"""The benchmark as a picture: our score on each dataset beside the published ones. Drawn by matplotlib."""

from __future__ import annotations

import io
from collections.abc import Sequence

from dp_tools.errors import InvalidRequest
from dp_tools.evaluation.bench import Row

_BESIDE = {"non-LLM": ("|", "#555555"), "GPT-4o": ("s", "#b9a23c"), "Jellyfish-7B": ("o", "#c8693a")}
"""The published systems that are drawn, with marker and colour."""
_OURS = "#3b7dae"


def picture(rows: Sequence[Row]) -> str:
    """A line per dataset, as SVG: a bar for our score, a mark for each published one.

    Raises:
        InvalidRequest: matplotlib is not installed.
    """
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        raise InvalidRequest("Pictures need matplotlib: install dp-tools[plots].") from None
    matplotlib.rcParams["svg.hashsalt"] = "dp-tools"
    matplotlib.rcParams["svg.fonttype"] = "none"
    figure = Figure(figsize=(7, 0.7 + 0.24 * len(rows)), layout="constrained")
    axes = figure.subplots()
    places = range(len(rows))
    axes.barh(places, [row.result.score for row in rows], height=0.6, color=_OURS, label="dp-tools")
    for system, (marker, colour) in _BESIDE.items():
        known = [(place, row.paper[system]) for place, row in enumerate(rows) if row.paper and system in row.paper]
        if known:
            at, scores = zip(*known, strict=True)
            axes.scatter(scores, at, marker=marker, color=colour, label=system, s=28, zorder=3, clip_on=False)
    axes.set_yticks(places, [f"{row.task} {row.dataset}" for row in rows])
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("F1 or accuracy, percent")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=4, frameon=False)
    drawn = io.StringIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None})
    return drawn.getvalue()
