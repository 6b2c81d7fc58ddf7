"""How labelled repairs change a value, as programs that are tried on other values of the column.

Baran (Mahdavi and Abedjan, VLDB 2020) keeps updates of characters by their place in a value that is written alike.
Here an update is a program over the runs of a value ("keep the first number", "the third run, then a dash, …"), a part
that is replaced wherever it stands, or a number written another way: one repair then teaches more values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import partial

from dp_tools.profiling.columns import number_of
from dp_tools.profiling.value_patterns import shape_of

_RUN = re.compile(r"\d+|[^\W\d_]+|\s+|.", re.DOTALL)
_LONGEST = 200
"""Characters of a value from which on only the whole value is learned."""
_FACTORS = (10.0, 100.0, 1000.0)
_DECIMALS = 6

Program = Callable[[str], str | None]
"""Makes the new value of an old one; None where it does not apply."""


@dataclass(frozen=True, slots=True)
class Update:
    """A way to change values.

    Args:
        kind: "value" (this very value), "part" (a part of it is replaced), "runs" (its runs are put together anew),
            "number" (a number is written another way), "case" (letters), "erase" (the value goes).
        name: what it does, the same for the same update.
        apply: the program.
    """

    kind: str
    name: str
    apply: Program


def updates(old: str, new: str) -> list[Update]:
    """The updates that make the new value of the old one, the most general last; none where they are equal."""
    if old == new:
        return []
    found = [_of_value(old, new)]
    if not new:
        found.append(Update("erase", f"erase {shape_of(old)}", _for_shape(old, lambda _: "")))
    elif len(old) <= _LONGEST and len(new) <= _LONGEST:
        found += [
            *_of_parts(old, new),
            *_of_runs(old, new),
            *_of_ends(old, new),
            *_of_numbers(old, new),
            *_of_case(old, new),
        ]
    return [one for one in found if one.apply(old) == new]


def _of_value(old: str, new: str) -> Update:
    return Update("value", f"{old!r} to {new!r}", lambda value: new if value == old else None)


def _for_shape(old: str, change: Callable[[str], str | None]) -> Program:
    shape = shape_of(old)
    return lambda value: change(value) if shape_of(value) == shape else None


def _of_parts(old: str, new: str) -> Iterator[Update]:
    """Parts replaced wherever they stand, and what is put before or behind a value of the same shape."""
    changes = [op[1:] for op in SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if op[0] != "equal"]
    parts = [(old[a:b], new[c:d]) for a, b, c, d in changes]
    if all(part and part != old for part, _ in parts):
        pairs = list(dict.fromkeys(parts))

        def replaced(value: str) -> str | None:
            if not all(part in value for part, _ in pairs):
                return None
            for part, other in pairs:
                value = value.replace(part, other)
            return value

        yield Update("part", f"replace {pairs}", replaced)
    if old and new.endswith(old):
        before = new[: -len(old)]
        yield Update("part", f"put {before!r} before {shape_of(old)}", _for_shape(old, lambda value: before + value))
    if old and new.startswith(old):
        behind = new[len(old) :]
        yield Update("part", f"put {behind!r} behind {shape_of(old)}", _for_shape(old, lambda value: value + behind))
    if old.startswith(new):
        end = old[len(new) :]
        yield Update(
            "part", f"drop {end!r} at the end", lambda value: value.removesuffix(end) if value.endswith(end) else None
        )
    if old.endswith(new):
        start = old[: -len(new)]
        yield Update(
            "part",
            f"drop {start!r} at the start",
            lambda value: value.removeprefix(start) if value.startswith(start) else None,
        )


def _of_runs(old: str, new: str) -> Iterator[Update]:
    """The new value as runs of the old one and as constants between them."""
    runs = _RUN.findall(old)
    if len(runs) < 2:
        return
    # One value does not tell whether its 12 is a number as it stands or one of two digits: both are tried.
    ways = [[_source_of(run, runs, order) or run for run in _RUN.findall(new)] for order in _ORDERS]
    for steps in ways if ways[0] != ways[1] else ways[:1]:
        if any(isinstance(step, tuple) for step in steps):
            yield Update("runs", f"{steps} of {shape_of(old)}", _for_shape(old, partial(_put_together, steps)))


def _put_together(steps: list[tuple[int, str] | str], value: str) -> str | None:
    own = _RUN.findall(value)
    made = ""
    for step in steps:
        if isinstance(step, str):
            made += step
        elif step[0] < len(own):
            made += _WRITTEN[step[1]](own[step[0]])
        else:
            return None
    return made


def _of_ends(old: str, new: str) -> Iterator[Update]:
    """Runs dropped at one end, whatever stands before or behind them."""
    runs, kept = _RUN.findall(old), len(_RUN.findall(new))
    if old.startswith(new) and 0 < kept < len(runs):
        end = shape_of("".join(runs[kept:]))

        def without_end(value: str) -> str | None:
            own = _RUN.findall(value)
            rest, dropped = own[: kept - len(runs)], own[kept - len(runs) :]
            return "".join(rest) if rest and shape_of("".join(dropped)) == end else None

        yield Update("runs", f"drop {end} at the end", without_end)
    if old.endswith(new) and 0 < kept < len(runs):
        start = shape_of("".join(runs[:-kept]))

        def without_start(value: str) -> str | None:
            own = _RUN.findall(value)
            dropped, rest = own[: len(runs) - kept], own[len(runs) - kept :]
            return "".join(rest) if rest and shape_of("".join(dropped)) == start else None

        yield Update("runs", f"drop {start} at the start", without_start)


def _stripped(run: str) -> str:
    return run.lstrip("0") or "0"


_WRITTEN: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "two digits": lambda run: run.zfill(2),
    "no zeros": _stripped,
    "small": str.lower,
    "capitals": str.upper,
    "title": str.capitalize,
}


_ORDERS = (tuple(_WRITTEN), ("two digits", *_WRITTEN))


def _source_of(run: str, runs: list[str], order: tuple[str, ...]) -> tuple[int, str] | None:
    """Which run of a value another run is, and how it is written; signs are never copied."""
    if not run.isalnum():
        return None
    for how in order:
        for place, other in enumerate(runs):
            if other.isalnum() and (other.isdigit() or how != "two digits") and _WRITTEN[how](other) == run:
                return place, how
    return None


def _of_numbers(old: str, new: str) -> Iterator[Update]:
    """The same number in another notation, rounded, or in another unit."""
    before, after = number_of(old.strip()), number_of(new.strip())
    if before is None or after is None:
        return
    decimals = len(new.partition(".")[2])
    for factor in (1.0, *_FACTORS, *(1 / one for one in _FACTORS)):
        for digits in dict.fromkeys((decimals, None)):

            def written(value: str, factor: float = factor, digits: int | None = digits) -> str | None:
                number = number_of(value.strip())
                if number is None:
                    return None
                return f"{number * factor:.{digits}f}" if digits is not None else f"{number * factor:.{_DECIMALS + 6}g}"

            yield Update("number", f"times {factor:g} with {digits} decimals", written)


def _of_case(old: str, new: str) -> Iterator[Update]:
    if old.casefold() == new.casefold():
        for name, write in (("small", str.lower), ("capitals", str.upper), ("title", str.title)):
            yield Update("case", name, write)
    if " ".join(old.split()) == new:
        yield Update("case", "spaces", lambda value: " ".join(value.split()))
