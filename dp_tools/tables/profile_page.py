"""A profile as one HTML page with pictures, drawn by matplotlib and held in the page: it opens without a network."""

from __future__ import annotations

import html
import io
import warnings
from typing import Any

from dp_tools.errors import TableUnavailable
from dp_tools.tables.table_profile import ColumnProfile, TableProfile

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:62rem;padding:0 1rem;color:#222}
section{border-top:1px solid #ddd;padding:1rem 0;display:grid;grid-template-columns:1fr 24rem;gap:1rem}
h2{font-size:1.1rem;margin:0}table{border-collapse:collapse}td,th{padding:.15rem .6rem .15rem 0;text-align:left}
code{background:#f3f3f3;padding:0 .2rem}svg{width:100%;height:auto}p{margin:.3rem 0}
"""


def profile_page(profile: TableProfile) -> str:
    """The page. A column of numbers gets a histogram, any other its most frequent values.

    Raises:
        TableUnavailable: matplotlib is not installed.
    """
    title = html.escape(profile.table)
    parts = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>',
        f"<h1>{title}</h1><p>{profile.records:,} records, {len(profile.columns)} columns, read as "
        f"{html.escape(profile.format)}.</p>",
        *(f"<p>{html.escape(note)}</p>" for note in profile.notes),
        _filled_picture(profile),
        *(_section(column) for column in profile.columns),
        _dependencies(profile),
        "</html>",
    ]
    return "\n".join(parts)


def _section(column: ColumnProfile) -> str:
    facts = [
        ("kind", column.kind),
        ("holds", f"{column.holds} ({column.holds_probability:.0%})"),
        ("filled", f"{column.filled:.1%}"),
        ("distinct", f"{column.distinct:,}"),
        ("characters", f"{column.shortest} to {column.longest}"),
    ]
    if column.low is not None:
        facts.append(("numbers", f"{column.low:g} to {column.high:g}, median {column.median:g}"))
    rows = "".join(f"<tr><th>{name}</th><td>{html.escape(value)}</td></tr>" for name, value in facts)
    formats = ", ".join(f"<code>{html.escape(entry.text)}</code> {entry.count}" for entry in column.formats[:5])
    gaps = ", ".join(f"<code>{html.escape(entry.text)}</code> {entry.count}" for entry in column.placeholders)
    return (
        f"<section><div><h2>{html.escape(column.name)}</h2><table>{rows}</table><p>Formats: {formats}</p>"
        + (f"<p>Gaps written as: {gaps}</p>" if gaps else "")
        + f"</div><div>{_column_picture(column)}</div></section>"
    )


def _dependencies(profile: TableProfile) -> str:
    if not profile.dependencies:
        return ""
    rows = "".join(
        f"<tr><td>{html.escape(d.left)}</td><td>{html.escape(d.right)}</td><td>{d.confidence:.1%}</td>"
        f"<td>{d.exceptions}</td></tr>"
        for d in profile.dependencies
    )
    return (
        "<h2>What determines what</h2><table><tr><th>attribute</th><th>determines</th><th>records that agree</th>"
        f"<th>exceptions</th></tr>{rows}</table>"
    )


def _figure(height: float) -> tuple[Any, Any]:
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        raise TableUnavailable("Pictures need matplotlib: install dp-tools[plots].") from None
    matplotlib.rcParams["svg.hashsalt"] = "dp-tools"
    matplotlib.rcParams["svg.fonttype"] = "none"
    figure = Figure(figsize=(5, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _svg(figure: Any) -> str:
    text = io.StringIO()
    with warnings.catch_warnings():
        # Text stays text in the picture, so the reader's fonts draw it; ours may well lack a glyph.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(text, format="svg", metadata={"Date": None})
    drawn = text.getvalue()
    return drawn[drawn.index("<svg") :]


def _filled_picture(profile: TableProfile) -> str:
    figure, axes = _figure(0.6 + 0.2 * len(profile.columns))
    names = [_label(column.name) for column in profile.columns]
    places = range(len(names))
    axes.barh(places, [100 * column.filled for column in profile.columns], color="#4878a8")
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("filled, %")
    return _svg(figure)


def _column_picture(column: ColumnProfile) -> str:
    if column.histogram:
        figure, axes = _figure(1.8)
        lows = [low for low, _ in column.histogram]
        axes.bar(lows, [count for _, count in column.histogram], width=lows[1] - lows[0], align="edge", color="#4878a8")
        return _svg(figure)
    if not column.top:
        return ""
    figure, axes = _figure(0.5 + 0.18 * len(column.top))
    places = range(len(column.top))
    axes.barh(places, [entry.count for entry in column.top], color="#4878a8")
    axes.set_yticks(places, [_label(entry.text) for entry in column.top])
    axes.invert_yaxis()
    return _svg(figure)


def _label(text: str) -> str:
    """Text as a label: no mathematics, no control characters, not too long."""
    shown = "".join(character if character.isprintable() else " " for character in text)
    return (shown if len(shown) <= 24 else shown[:23] + "…").replace("$", r"\$")
