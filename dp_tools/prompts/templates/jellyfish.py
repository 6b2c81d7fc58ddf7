"""The prompt templates of the published Jellyfish checkpoints, word for word, and an instruct format for other models.

Source: Zhang, Dong, Xiao, Oyamada, "Jellyfish: A Large Language Model for Data Preprocessing" (EMNLP 2024) and the
model cards of the 7B, 8B and 13B checkpoints. A checkpoint answers well only in its own words, so these stay as they
were published; the tasks that the paper did not have are worded after them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from dp_tools.engine.questions import Segment
from dp_tools.prompts.prompt import Block, Prompt

SYSTEM = "You are an AI assistant that follows instruction extremely well."
_FAITHFUL = "User will give you a question. Your task is to answer as faithfully as you can."
_HELPFUL = "Help as much as you can."
INTERPRETER = "While answering, provide detailed explanation and justify your answer."
"""The sentence that the system message of the published interpreter adds."""

_FRAME = re.compile(r"###\s*(Instruction|Response|Input)\s*:|\[\s*(/?INST)\s*\]|<\|([^|<>\n]{1,40})\|>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PublishedFormat:
    """A system message and a user message inside a model's own wrapper.

    Args:
        name: the name that the model catalogue knows it by.
        before: control text before the user's message, system message included.
        after: control text between the user's message and the answer.
        end: control text after the answer.
    """

    name: str
    before: str
    after: str
    end: str
    yes: str = "Yes"
    no: str = "No"
    none: str = "n/a"

    def render(self, prompt: Prompt) -> tuple[Segment, ...]:
        return (
            Segment(self.before, control=True),
            Segment(_neutralise(user_message(prompt))),
            Segment(self.after, control=True),
        )


JELLYFISH_13B = PublishedFormat(
    "jellyfish-13b",
    f"{SYSTEM} {_HELPFUL}\n\n### Instruction:\n\n",
    "\n\n### Response:\n\n",
    end="### Instruction:",
)
JELLYFISH_7B = PublishedFormat("jellyfish-7b", f"{SYSTEM} {_FAITHFUL}\n\n[INST]\n\n", "\n\n[/INST]\n\n", end="</s>")
JELLYFISH_8B = PublishedFormat(
    "jellyfish-8b",
    f"<|start_header_id|>system<|end_header_id|>\n\n{SYSTEM} {_FAITHFUL}<|eot_id|>"
    "<|start_header_id|>user<|end_header_id|>\n\n",
    "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
    end="<|eot_id|>",
)
CHATML = PublishedFormat(
    "chatml",
    f"<|im_start|>system\n{SYSTEM} {_FAITHFUL}<|im_end|>\n<|im_start|>user\n",
    "<|im_end|>\n<|im_start|>assistant\n",
    end="<|im_end|>",
)
REMOTE = PublishedFormat("remote", f"{SYSTEM} {_FAITHFUL}", "", end="")
"""For endpoints: the control text is the system message, the rest the user's; the server knows its own wrapper."""

_TUNED_TO_EXPLAIN = (JELLYFISH_7B, JELLYFISH_8B, JELLYFISH_13B)


def explaining(template: object) -> PublishedFormat | None:
    """The form in which a model justifies its answer, or None for one that was not tuned to."""
    if not isinstance(template, PublishedFormat) or template not in _TUNED_TO_EXPLAIN:
        return None
    spoken = _HELPFUL if _HELPFUL in template.before else _FAITHFUL
    return replace(template, before=template.before.replace(spoken, f"{spoken} {INTERPRETER}"))


def user_message(prompt: Prompt) -> str:
    """The published user message for a prompt; rules stand between the task and the data."""
    return "\n".join(line for line in _WORDING[prompt.task](prompt) if line)


def _neutralise(text: str) -> str:
    """Break the frame's own marks where data or rules contain them, so that they cannot end the user's turn."""
    return _FRAME.sub(lambda match: " ".join(match.group(0)), text)


def _detect_errors(prompt: Prompt) -> list[str]:
    return [
        "Your task is to determine if there is an error in the value of a specific attribute within the whole record "
        "provided.",
        f"The attributes may include {_names(prompt)}." if prompt.blocks else "",
        "Errors may include, but are not limited to, spelling errors, inconsistencies, or values that don't make sense "
        "given the context of the whole record.",
        *_knowledge(prompt),
        *(f"Record {_fields(block)}" for block in prompt.blocks),
        f"Attribute for Verification: [{prompt.attribute}: {prompt.value}]",
        f"Question: Is there an error in the value of {prompt.attribute}? Choose your answer from: [Yes, No].",
    ]


def _impute(prompt: Prompt) -> list[str]:
    return [
        f"You are presented with a record that is missing a specific attribute: {prompt.attribute}.",
        f"Your task is to deduce or infer the value of {prompt.attribute} using the available information in the "
        "record.",
        f"You may be provided with fields like {_names(prompt)} to help you in the inference.",
        *_knowledge(prompt),
        *_choices(prompt),
        *(f"Record: {_fields(block)}" for block in prompt.blocks),
        f"Based on the provided record, what would you infer is the value for the missing attribute "
        f"{prompt.attribute}?",
        f"Answer only the value of {prompt.attribute}.",
    ]


def _match_entities(prompt: Prompt) -> list[str]:
    return [
        "You are tasked with determining whether two records listed below are the same based on the information "
        "provided.",
        f"Carefully compare the {_names(prompt)} for each record before making your decision.",
        'Note: Missing values (N/A or "nan") should not be used as a basis for your decision.',
        *_knowledge(prompt),
        *(f"Record {side}: {_fields(block)}" for side, block in zip("AB", prompt.blocks, strict=True)),
        "Are record A and record B the same entity? Choose your answer from: [Yes, No].",
    ]


def _match_schemas(prompt: Prompt) -> list[str]:
    return [
        "Your task is to determine if the two attributes (columns) are semantically equivalent in the context of "
        "merging two tables.",
        "Each attribute will be provided by its name and a brief description.",
        "Your goal is to assess if they refer to the same information based on these names and descriptions provided.",
        *_knowledge(prompt),
        *(f"Attribute {side} is {_fields(block)}." for side, block in zip("AB", prompt.blocks, strict=True)),
        "Are Attribute A and Attribute B semantically equivalent? Choose your answer from: [Yes, No].",
    ]


def _annotate_columns(prompt: Prompt) -> list[str]:
    return [
        "Your task is to classify the column given to you into one of these types: " + ", ".join(prompt.options) + ".",
        *_knowledge(prompt),
        *(f"{block.role.capitalize()}: {block.text}" for block in prompt.blocks),
        "Answer only the type of the column.",
    ]


def _extract_values(prompt: Prompt) -> list[str]:
    return [
        f"Your task is to extract the value of the attribute {prompt.attribute} from the text below.",
        f"About the attribute: {prompt.value}" if prompt.value else "",
        *_knowledge(prompt),
        *(f"Text: {block.text}" for block in prompt.blocks),
        f'What is the value of {prompt.attribute}? Answer only the value as it stands in the text, or "n/a".',
    ]


def _follow_instruction(prompt: Prompt) -> list[str]:
    return [
        prompt.instruction,
        *_knowledge(prompt),
        *(f"Record: {_fields(block)}" for block in prompt.blocks),
        *_choices(prompt),
    ]


_WORDING: dict[str, Callable[[Prompt], list[str]]] = {
    "detect_errors": _detect_errors,
    "impute": _impute,
    "match_entities": _match_entities,
    "match_schemas": _match_schemas,
    "annotate_columns": _annotate_columns,
    "extract_values": _extract_values,
    "follow_instruction": _follow_instruction,
}


def _knowledge(prompt: Prompt) -> list[str]:
    facts = [f"Known facts: {'; '.join(prompt.evidence)}."] if prompt.evidence else []
    own = [prompt.instruction] if prompt.instruction and prompt.task != "follow_instruction" else []
    return [*own, *prompt.rules, *prompt.near_rules, *facts]


def _choices(prompt: Prompt) -> list[str]:
    return [f"Choose your answer from: [{', '.join(prompt.options)}]."] if prompt.options else []


def _fields(block: Block) -> str:
    return "[" + ", ".join(f"{name}: {value}" for name, value in block.fields) + "]"


def _names(prompt: Prompt) -> str:
    names = dict.fromkeys(name for block in prompt.blocks for name, _ in block.fields)
    return ", ".join(names)
