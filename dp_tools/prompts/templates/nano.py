"""The embedded model's prompt template: short, what is shared first, and no frame that data could imitate.

A prompt is turns, each opened by the control token <|im_start|> and a word: the task with its rules and choices, the
data, the question with its own rules and evidence, the answer. Two Amazon-Google records with everything around them
stay under 100 tokens; the published format takes 378.
"""

from __future__ import annotations

import re

from dp_tools.engine.questions import Segment
from dp_tools.prompts.prompt import Prompt

_OPEN = Segment("<|im_start|>", control=True)
_SPACES = re.compile(r"\s+")


class NanoFormat:
    """See the module. Every line that may be shared is a segment of its own."""

    name = "nano"
    yes = "Yes"
    no = "No"
    none = "unknown"
    end = "<|im_end|>"

    def render(self, prompt: Prompt) -> tuple[Segment, ...]:
        segments = [_OPEN, Segment(prompt.task.replace("_", " ") + "\n")]
        if prompt.instruction:
            segments.append(_line("instruction", prompt.instruction))
        segments += [_line("rule", rule) for rule in prompt.rules]
        if prompt.options:
            segments.append(_line("choices", " | ".join(prompt.options)))
        for block in prompt.blocks:
            segments += [_OPEN, Segment(f"{block.role}\n"), Segment(f"{block.text}\n")]
        if prompt.attribute or prompt.near_rules or prompt.evidence:
            segments += [_OPEN, Segment("ask\n")]
            if prompt.attribute:
                segments.append(Segment(prompt.attribute + ("\n" if not prompt.value else ":")))
            segments += self._about(prompt)
        return (*segments, _OPEN, Segment("answer\n"))

    @staticmethod
    def _about(prompt: Prompt) -> list[Segment]:
        about = [Segment(f" {prompt.value}\n")] if prompt.value else []
        about += [_line("rule", rule) for rule in prompt.near_rules]
        if prompt.form and prompt.near_rules:
            about.append(_line("form", prompt.form))
        if prompt.evidence:
            about.append(Segment("facts: " + "; ".join(prompt.evidence) + "\n"))
        return about


def _line(word: str, text: str) -> Segment:
    return Segment(f"{word}: {_SPACES.sub(' ', text).strip()}\n")
