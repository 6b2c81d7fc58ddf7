"""Plots of explanations: a waterfall for a pair, a record with coloured cells, and the curves of the benchmarks.

Drawn by matplotlib, which is imported when a picture is asked for.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from dp_tools.errors import InvalidRequest
from dp_tools.explain.explanation import Contribution, Explanation
from dp_tools.explain.item_parts import GapParts, RecordParts, parts_of, single
from dp_tools.tasks.task import Request

Format = Literal["png", "svg"]

_FOR, _AGAINST, _TOTAL = "#3b7dae", "#c8693a", "#555555"
_BARS = 14
_EDGE = 0.001
"""Probabilities are drawn from here to one less it; log-odds have no end."""


def picture(request: Request, explanation: Explanation, form: Format = "png") -> bytes:
    """The picture of an explanation: of a record its cells, coloured by contribution; of anything else a waterfall.

    Args:
        request: the request whose answer was explained.
        explanation: of one of its items.
        form: png or svg.

    Raises:
        InvalidRequest: matplotlib is not installed, or there is no answer to draw.
    """
    if explanation.probability is None:
        raise InvalidRequest("There is no answer to draw.")
    view = parts_of(single(request, explanation.item))
    if isinstance(view, RecordParts):
        gap = view.request.attribute if isinstance(view, GapParts) else None
        return _record(view.record, explanation, gap, form)
    return _waterfall(explanation, form)


def curves(lines: Mapping[str, Sequence[float]], title: str, what: str, form: Format = "svg") -> bytes:
    """Lines over the number of attributes, from 0.

    Args:
        lines: by name, a value per number of attributes.
        title: of the picture.
        what: what the values are.
        form: png or svg.
    """
    figure, axes = _figure(5, 3.2)
    for (name, values), style in zip(lines.items(), ("-", "--", "-.", ":"), strict=False):
        axes.plot(range(len(values)), values, style, label=name)
    axes.set_xticks(range(max(map(len, lines.values()), default=1)))
    axes.set_xlabel("attributes")
    axes.set_ylabel(what)
    axes.set_title(title)
    axes.legend(frameon=False)
    return _saved(figure, form)


def reliability(bins: Mapping[str, Sequence[tuple[float, float, int]]], title: str, form: Format = "svg") -> bytes:
    """A reliability diagram: stated probability against observed frequency, one line each.

    Args:
        bins: by name, per bin the mean probability, the share that was so, and how many cases there are.
        title: of the picture.
        form: png or svg.
    """
    figure, axes = _figure(4, 4)
    axes.plot((0, 1), (0, 1), color="#bbbbbb", linewidth=1)
    for name, points in bins.items():
        filled = [point for point in points if point[2]]
        axes.plot([p for p, _, _ in filled], [so for _, so, _ in filled], marker="o", markersize=4, label=name)
    axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability", ylabel="share that was so", title=title)
    axes.legend(frameon=False)
    return _saved(figure, form)


def _waterfall(explanation: Explanation, form: Format) -> bytes:
    """Contributions in log-odds, stacked from what remains without them to the answer's probability."""
    assert explanation.probability is not None
    end = _log_odds(explanation.probability)
    shown = [entry for entry in explanation.decided if abs(entry.change) >= 0.0005][:_BARS]
    steps = [end - _log_odds(explanation.probability - entry.change) for entry in shown]
    start = end - sum(steps)
    names = ["all else together", *map(_name, shown), f"answer: {_label(str(explanation.answer))}"]
    lefts, widths, colours = [min(0.0, start)], [abs(start)], [_TOTAL]
    at = start
    for step in steps:
        lefts.append(min(at, at + step))
        widths.append(abs(step))
        colours.append(_FOR if step > 0 else _AGAINST)
        at += step
    lefts.append(min(0.0, end))
    widths.append(abs(end))
    colours.append(_TOTAL)
    figure, axes = _figure(7, 1.2 + 0.32 * len(names))
    places = range(len(names))
    axes.barh(places, widths, left=lefts, color=colours)
    axes.axvline(0, color="#bbbbbb", linewidth=1, zorder=0)
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    low, high = axes.get_xlim()
    ticks = [p for p in (0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999) if low <= _log_odds(p) <= high]
    axes.set_xticks([_log_odds(p) for p in ticks], [f"{p:g}" for p in ticks])
    axes.set_xlabel("probability of the answer")
    return _saved(figure, form)


def _record(record: Mapping[str, str | None], explanation: Explanation, gap: str | None, form: Format) -> bytes:
    """A row an attribute, then a row a fact or a rule, each coloured by its contribution."""
    by_name = {entry.name: entry for entry in explanation.decided if entry.kind == "attribute"}
    others = [entry for entry in explanation.decided if entry.kind != "attribute"]
    rows: list[tuple[str, str, Contribution | None]] = [
        (_label(name), _label(str(explanation.answer), 48), None)
        if name == gap
        else (_label(name), _label(value or "", 48), by_name.get(name))
        for name, value in record.items()
    ]
    if gap is not None and gap not in record:
        rows.append((_label(gap), _label(str(explanation.answer), 48), None))
    rows += [(entry.kind, _label(entry.name, 48), entry) for entry in others]
    figure, axes = _figure(7, 0.6 + 0.28 * len(rows))
    axes.set_axis_off()
    table = axes.table(
        cellText=[[name, value, f"{entry.change:+.2f}" if entry else ""] for name, value, entry in rows],
        cellColours=[["white", _shade(entry), _shade(entry)] for _, _, entry in rows],
        colLabels=["", f"answer: {_label(str(explanation.answer))}", f"{explanation.probability:.2f}"],
        colWidths=[0.28, 0.6, 0.12],
        cellLoc="left",
        loc="center",
    )
    table.auto_set_font_size(False)
    table.set_fontsize(9)
    table.scale(1, 1.3)
    return _saved(figure, form)


def _figure(width: float, height: float) -> tuple[Any, Any]:
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        raise InvalidRequest("Pictures need matplotlib: install dp-tools[plots].") from None
    matplotlib.rcParams["svg.hashsalt"] = "dp-tools"
    matplotlib.rcParams["svg.fonttype"] = "none"
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _saved(figure: Any, form: Format) -> bytes:
    drawn = io.BytesIO()
    with warnings.catch_warnings():
        # Our fonts may lack a glyph of somebody's data; a box stands for it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(drawn, format=form, dpi=120, metadata={"Date": None} if form == "svg" else None)
    return drawn.getvalue()


def _shade(entry: Contribution | None) -> tuple[float, float, float, float]:
    if entry is None:
        return (1.0, 1.0, 1.0, 1.0)
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for colour in [_colour(entry)] for i in (1, 3, 5))
    return (red, green, blue, min(0.85, abs(entry.change) ** 0.5))


def _colour(entry: Contribution) -> str:
    return _FOR if entry.change > 0 else _AGAINST


def _name(entry: Contribution) -> str:
    return _label(entry.name) if entry.kind == "attribute" else f"{entry.kind}: {_label(entry.name)}"


def _label(text: str, longest: int = 28) -> str:
    """Text as a label: one line, no mathematics, not too long."""
    shown = "".join(character if character.isprintable() else " " for character in text)
    return (shown if len(shown) <= longest else shown[: longest - 1] + "…").replace("$", r"\$")


def _log_odds(probability: float) -> float:
    clipped = min(max(probability, _EDGE), 1 - _EDGE)
    return math.log(clipped / (1 - clipped))
