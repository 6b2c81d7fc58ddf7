"""Data frames of any library, in as text and out with their own types.

Every room below reads values as text, as a file has them. A polars or Arrow frame is shown as polars writes it as text,
which is how a Parquet file is read, too. A pandas frame is shown as pandas writes it, but for one thing: pandas makes a
column of whole numbers with a gap one of fractions, and here its 5.0 is 5 again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import narwhals as nw
import polars as pl

from dp_tools.errors import InvalidRequest

if TYPE_CHECKING:
    import pandas as pd
    from narwhals.typing import IntoDataFrame

_BOOLEANS = {"true": True, "false": False}
Texts = dict[str, list[str | None]]
"""Columns by name, every value as text, None where there is none."""


def is_frame(given: object) -> bool:
    """Whether something is a data frame of a library that narwhals knows, or a lazy one."""
    return isinstance(nw.from_native(given, pass_through=True), nw.DataFrame | nw.LazyFrame)


def is_series(given: object) -> bool:
    """Whether something is a column of such a frame."""
    return isinstance(nw.from_native(given, pass_through=True, allow_series=True), nw.Series)


def texts_of(frame: IntoDataFrame) -> Texts:
    """The columns of a frame as text.

    Raises:
        InvalidRequest: the frame is lazy, has no columns, or holds something else than plain values.
    """
    found = _opened(frame)
    return {name: series_texts(found[name]) for name in found.columns}


def series_texts(series: Any) -> list[str | None]:
    """A column as text, None where there is no value.

    Args:
        series: a narwhals series, or a native one.

    Raises:
        InvalidRequest: it holds something else than plain values.
    """
    column: nw.Series[Any] = nw.from_native(series, series_only=True, pass_through=isinstance(series, nw.Series))
    if not column.implementation.is_pandas_like():
        return _arrow_texts(column)
    write = _writer(column)
    return [None if gap else write(value) for value, gap in zip(_values(column), column.is_null(), strict=True)]


def changed(frame: IntoDataFrame, changes: Mapping[str, Mapping[int, str]]) -> IntoDataFrame:
    """A frame of the same library with some cells changed.

    A column keeps its type where all its new values are of that type; otherwise it becomes a column of text.

    Args:
        frame: as `texts_of` takes it; it stays as it is.
        changes: the new values by column and row, rows from 0.
    """
    found = _opened(frame)
    columns = [_changed(found[name], cells) for name, cells in changes.items()]
    new: IntoDataFrame = found.with_columns(*columns).to_native()
    return new


def polars_of(frame: IntoDataFrame) -> pl.DataFrame:
    """Any frame as a polars frame with the types that it has; pyarrow is not needed for a pandas frame."""
    found = _opened(frame)
    if not found.implementation.is_pandas_like():
        return found.to_polars()
    return pl.DataFrame([_polars_series(found[name]) for name in found.columns])


def _polars_series(column: nw.Series[Any]) -> pl.Series:
    values = [None if gap else value for value, gap in zip(column.to_list(), column.is_null(), strict=True)]
    try:
        return pl.Series(column.name, values)
    except (TypeError, pl.exceptions.PolarsError):
        return pl.Series(column.name, series_texts(column), dtype=pl.String)


def pandas_of(frame: IntoDataFrame) -> pd.DataFrame:
    """Any frame as a pandas frame; whole numbers and booleans with gaps are of pandas' nullable types."""
    import pandas as pd

    found = _opened(frame)
    if found.implementation.is_pandas():
        return found.to_native()
    columns = {}
    for name in found.columns:
        column = found[name]
        kind = "Int64" if column.dtype.is_integer() else "boolean" if isinstance(column.dtype, nw.Boolean) else None
        plain = kind is None or column.null_count() == 0
        columns[name] = pd.Series(column.to_list(), dtype=None if plain else kind)
    return pd.DataFrame(columns)


def _opened(frame: IntoDataFrame) -> nw.DataFrame[Any]:
    try:
        found = nw.from_native(frame)
        if isinstance(found, nw.LazyFrame):
            raise InvalidRequest("The frame is lazy, so its records are not known yet: give frame.collect().")
        odd = next((name for name in found.columns if not isinstance(name, str)), None)
    except (ValueError, TypeError, nw.exceptions.NarwhalsError) as error:
        why = " ".join(str(error).split())
        raise InvalidRequest(f"The frame cannot be read ({why}): give its columns distinct names.") from None
    if odd is not None:
        raise InvalidRequest(f"The frame has a column named {odd!r}: name all columns with text.")
    if not found.columns:
        raise InvalidRequest("The frame has no columns: give one that has some.")
    return found


def _arrow_texts(column: nw.Series[Any]) -> list[str | None]:
    """What polars writes, as of a Parquet file."""
    series = column.to_polars()
    if series.dtype.is_nested() or series.dtype in (pl.Binary, pl.Object):
        raise _not_plain(column)
    texts = series.cast(pl.String, strict=False)
    if series.dtype.is_float():
        texts = texts.set(series.is_nan(), None)
    return texts.to_list()


def _values(column: nw.Series[Any]) -> Sequence[Any]:
    # Fractions are taken as numpy has them: Python would show 0.1 of 32 bits as 0.10000000149011612.
    return column.to_numpy() if column.dtype.is_float() else column.to_list()  # type: ignore[return-value]


def _writer(column: nw.Series[Any]) -> Callable[[Any], str]:
    """How pandas writes the values of a column."""
    known = column.drop_nulls()
    if column.dtype.is_float() and len(known) < len(column) and _are_whole(known):
        return lambda value: str(int(value))
    if isinstance(column.dtype, nw.Datetime) and all(value.time() == value.time().min for value in known.to_list()):
        return lambda value: str(value.date())
    if column.dtype.is_nested() or isinstance(column.dtype, nw.Binary):
        raise _not_plain(column)
    if isinstance(column.dtype, nw.Object) and any(isinstance(v, bytes | list | dict | tuple | set) for v in known):
        raise _not_plain(column)
    return str


def _are_whole(known: nw.Series[Any]) -> bool:
    return bool((known.is_finite() & (known % 1 == 0)).all())


def _not_plain(column: nw.Series[Any]) -> InvalidRequest:
    return InvalidRequest(f"The column {column.name!r} holds {column.dtype}, not plain values: leave it out first.")


def _changed(column: nw.Series[Any], cells: Mapping[int, str]) -> nw.Series[Any]:
    texts = series_texts(column)
    for row, value in cells.items():
        texts[row] = value
    if column.implementation.is_pandas_like():
        new = _changed_in_place(column, cells, texts)
    else:
        series = pl.Series(column.name, texts, dtype=pl.String)
        cast = _read(series, column.to_polars().dtype)
        new = nw.from_native(cast if cast.cast(pl.String).equals(series) else series, series_only=True)
        if not column.implementation.is_polars():
            new = nw.new_series(column.name, new.to_list(), new.dtype, backend=column.implementation)
    return new.alias(column.name)


def _read(texts: pl.Series, kind: pl.DataType) -> pl.Series:
    """Texts as values of a type, null where one is none; as they are where polars reads no such type."""
    try:
        if kind == pl.Boolean:
            return texts.replace_strict(_BOOLEANS, default=None)
        if kind.is_temporal():
            return texts.str.strptime(kind, strict=False)  # type: ignore[arg-type]
        return texts.cast(kind, strict=False)
    except pl.exceptions.PolarsError:
        return texts


def _changed_in_place(column: nw.Series[Any], cells: Mapping[int, str], texts: list[str | None]) -> nw.Series[Any]:
    """A pandas column with other cells, of its own type where that fits, and with its own index."""
    native = column.to_native().copy()
    try:
        for row, value in cells.items():
            native.iloc[row] = _parsed(column.dtype, value)
        new: nw.Series[Any] = nw.from_native(native, series_only=True)
        fits = column.dtype.is_float() or series_texts(new) == texts
    except (ValueError, TypeError, LookupError, OverflowError):
        fits = False
    if not fits:
        native = column.to_native().astype("object")
        native[:] = texts
        new = nw.from_native(native, series_only=True)
    return new


def _parsed(kind: Any, text: str) -> Any:
    """A text as a value of a column's type.

    Raises:
        ValueError, LookupError: it is none.
    """
    if kind.is_integer():
        return int(text)
    if kind.is_float():
        number = float(text)
        if text not in (str(number), str(int(number))):
            raise ValueError(text)
        return number
    if isinstance(kind, nw.Boolean):
        return {"True": True, "False": False}[text]
    return text
