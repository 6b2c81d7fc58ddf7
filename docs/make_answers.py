"""Writes docs/reference/answers.md from the answers' types: `python docs/make_answers.py`. A test compares them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from field_types import type_name
from pydantic import BaseModel

from dp_tools.explain.explanation import Explanation
from dp_tools.tasks import TASKS
from dp_tools.tasks.task import Answer, Item, OverriddenRule, UsedRule

PAGE = Path(__file__).parent / "reference" / "answers.md"
HEAD = """\
# Fields of the answers

What the tasks answer, in Python and over MCP alike. This page is written by `python docs/make_answers.py` from the
types themselves. Each answer has a list of items, one for each question, and what all items share.
"""


def reference() -> str:
    """The page."""
    items = {task.name: _item_of(task.answer) for task in TASKS.values()}
    parts = [
        HEAD,
        _section("Every answer", Answer),
        _section("Every item", Item),
        *(
            _section(f"`{name}`: an item of `{listed}`", item, without=Item.model_fields)
            for name, (listed, item) in items.items()
        ),
        _section("A used rule", UsedRule),
        _section("An overridden rule", OverriddenRule),
        _section("An explanation", Explanation),
    ]
    return "\n".join(parts)


def _item_of(answer: type[Answer]) -> tuple[str, type[Item]]:
    """The field of an answer that lists its items, and the type of these."""
    for name, field in answer.model_fields.items():
        for kind in getattr(field.annotation, "__args__", ()):
            if isinstance(kind, type) and issubclass(kind, Item):
                return name, kind
    raise LookupError(f"{answer.__name__} lists no items")


def _section(title: str, model: type[BaseModel], without: Iterable[str] = ()) -> str:
    return "\n".join([f"## {title}\n", "| field | type | |", "| --- | --- | --- |", *_rows(model, set(without)), ""])


def _rows(model: type[BaseModel], without: set[str]) -> Iterator[str]:
    schema = model.model_json_schema(mode="serialization")
    for name, field in schema["properties"].items():
        if name not in without:
            yield f"| `{name}` | {type_name(field)} | {field.get('description', '')} |"


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
