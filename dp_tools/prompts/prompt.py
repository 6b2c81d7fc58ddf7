"""The slots of a prompt, independent of any prompt template, ordered by how widely they are shared."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Block:
    """A named stretch of data: a record, one side of a pair, a column, a text.

    Args:
        role: what it is, a word: "record", "a", "b", "column", "table", "text".
        text: the serialized data, one line or several.
        fields: what `text` says, as (name, quoted value), for formats that write records in another way.
    """

    role: str
    text: str
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question with everything the model should read, most widely shared first.

    Args:
        task: the task's name, which selects the wording in each prompt template.
        instruction: a person's own instruction, or a reworded task description; "" for the format's own.
        rules: statements that hold for every question of the batch, general first.
        options: the answers to choose from, when they are listed in the prompt.
        blocks: the data, most widely shared first.
        attribute: the attribute the question is about, or "".
        value: its value as the model reads it, quoted, or "".
        near_rules: statements that hold for this attribute only, most binding last.
        form: how the value is written, which is shown where `near_rules` may be about it, or "".
        evidence: facts that code computed about this question, in a short fixed form.
    """

    task: str
    instruction: str = ""
    rules: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    blocks: tuple[Block, ...] = ()
    attribute: str = ""
    value: str = ""
    near_rules: tuple[str, ...] = ()
    form: str = ""
    evidence: tuple[str, ...] = field(default=())
