"""Rows that a notebook or a script can work with: counted, walked through, shown, and turned into a frame."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

SHOWN = 20
"""Rows that a notebook shows."""
_WIDEST = 80
"""Characters of a cell that a notebook shows."""
T_co = TypeVar("T_co", covariant=True)


class Tabular(Generic[T_co]):
    """What every answer can do: `len()`, iteration, indexing, a short repr, a table in a notebook, and frames out.

    A subclass gives `_rows` (what is walked through), `_columns` (the frame's columns by name, each with the type of
    its values and the values of all rows, or of so many) and `_headline` (one line).
    """

    def _rows(self) -> Sequence[T_co]:
        raise NotImplementedError

    def _columns(self, most: int | None = None) -> Mapping[str, tuple[type, Sequence[Any]]]:
        raise NotImplementedError

    def _headline(self) -> str:
        raise NotImplementedError

    def to_dicts(self) -> list[dict[str, Any]]:
        """One dictionary per row."""
        columns = {name: values for name, (_, values) in self._columns().items()}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def to_polars(self) -> pl.DataFrame:
        """A polars frame, one row per item."""
        import polars as pl

        kinds = {bool: pl.Boolean, int: pl.Int64, float: pl.Float64}
        return pl.DataFrame(
            [
                pl.Series(name, values, dtype=kinds.get(kind, pl.String))
                for name, (kind, values) in self._columns().items()
            ]
        )

    def to_pandas(self) -> pd.DataFrame:
        """A pandas frame, one row per item; pandas has to be installed.

        Gaps in whole numbers and in yes/no columns are `pd.NA` (nullable types), so that 5 stays 5.
        """
        import pandas as pd

        kinds: dict[type, str] = {bool: "boolean", int: "Int64", float: "float64"}
        return pd.DataFrame(
            {
                name: pd.Series(list(values), dtype=kinds.get(kind, "object"))
                for name, (kind, values) in self._columns().items()
            }
        )

    def __len__(self) -> int:
        return len(self._rows())

    def __iter__(self) -> Iterator[T_co]:
        return iter(self._rows())

    @overload
    def __getitem__(self, place: int) -> T_co: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[T_co]: ...
    def __getitem__(self, place: int | slice) -> T_co | Sequence[T_co]:
        return self._rows()[place]

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._headline()}>"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        columns = self._columns(SHOWN)
        head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
        shown = [values for _, values in columns.values()]
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(_shown(value))}</td>" for value in row) + "</tr>"
            for row in zip(*shown, strict=True)
        )
        more = len(self) - SHOWN
        rest = f"<p>{more:,} more rows</p>" if more > 0 else ""
        return (
            f"<p>{html.escape(self._headline())}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            f"{rest}"
        )


def _shown(value: Any) -> str:
    if value is None:
        return ""
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"
