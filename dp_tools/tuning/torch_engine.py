"""An engine on torch: measures a network while it is being tuned, on the GPU where there is one.

It answers the same questions as the engines of the product. Values are generated greedily; a closed set is scored as
labels are, and a value that must be copied counts as said by the network whether it is a copy or not.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dp_tools.engine.questions import (
    GeneratedValue,
    Labels,
    LabelScores,
    Progress,
    Question,
    Result,
    Segment,
    Unanswered,
    Value,
)
from dp_tools.errors import Cancelled
from dp_tools.tuning.tokens import Tokens


@dataclass(frozen=True, slots=True)
class _Scored:
    """Continuations of one prompt whose log-probability is wanted."""

    prompt: list[int]
    continuations: list[list[int]]


class TorchEngine:
    """See the module.

    Args:
        network: a causal network of transformers, with or without an adapter.
        tokens: the tokenizer of the same weights.
        name: the model's name in answers.
        device: "cpu" or a torch device.
        budget: tokens of a batch, padding included.
    """

    def __init__(self, network: Any, tokens: Tokens, name: str, *, device: str = "cpu", budget: int = 60_000) -> None:
        self._network, self._tokens, self._device, self._budget = network.eval(), tokens, device, budget
        self.name = name
        self.fingerprint = f"torch:{name}"

    def answer(
        self,
        questions: Sequence[Question],
        *,
        progress: Progress | None = None,
        cancel: threading.Event | None = None,
    ) -> list[Result]:
        """See `Engine.answer`."""
        results: list[Result] = [Unanswered("not reached")] * len(questions)
        prompts = self._tokens.encode_all([question.segments for question in questions])
        done = 0
        for numbers in self._batches(prompts, questions):
            if cancel is not None and cancel.is_set():
                raise Cancelled("The work was stopped.")
            for number, result in zip(numbers, self._answer(questions, prompts, numbers), strict=True):
                results[number] = result
            done += len(numbers)
            if progress is not None:
                progress(done, len(questions))
        return results

    def count_tokens(self, segments: Sequence[Segment]) -> int:
        """See `Engine.count_tokens`."""
        return len(self._tokens.encode_all([segments])[0])

    def close(self) -> None:
        """Nothing is held open."""

    def _batches(self, prompts: Sequence[list[int]], questions: Sequence[Question]) -> Iterator[list[int]]:
        """Numbers of questions answered in the same way, of like length, within the budget."""
        order = sorted(range(len(prompts)), key=lambda n: (_kind(questions[n]), len(prompts[n])))
        batch: list[int] = []
        for number in order:
            size = (len(prompts[number]) + 8) * _fan(questions[number])
            if batch and (
                (len(batch) + 1) * size > self._budget or _kind(questions[batch[0]]) != _kind(questions[number])
            ):
                yield batch
                batch = []
            batch.append(number)
        if batch:
            yield batch

    def _answer(
        self, questions: Sequence[Question], prompts: Sequence[list[int]], numbers: Sequence[int]
    ) -> list[Result]:
        answer = questions[numbers[0]].answer
        if isinstance(answer, Value) and answer.allowed is None:
            return self._generate([prompts[number] for number in numbers], answer)
        wanted = [_Scored(prompts[number], self._labels(questions[number].answer)) for number in numbers]
        results: list[Result] = []
        for number, scores in zip(numbers, self._score(wanted), strict=True):
            asked = questions[number].answer
            top = max(scores)
            weights = [math.exp(score - top) for score in scores]
            shares = [weight / sum(weights) for weight in weights]
            if isinstance(asked, Labels):
                results.append(LabelScores(tuple(shares), self.name))
                continue
            ranked = sorted(zip(shares, asked.allowed or (), strict=True), reverse=True)
            others = tuple((text, share) for share, text in ranked[1 : 1 + asked.alternatives])
            results.append(GeneratedValue(ranked[0][1], ranked[0][0], others, self.name))
        return results

    def _labels(self, answer: Labels | Value) -> list[list[int]]:
        texts = answer.texts if isinstance(answer, Labels) else answer.allowed or ()
        ids = self._tokens.encode_all([(Segment(text),) for text in texts])
        if all(len(label) == 1 for label in ids):
            return ids
        (end,) = self._tokens.encode_all([(Segment(answer.end, control=True),)])
        return [label + end for label in ids]

    def _score(self, wanted: Sequence[_Scored]) -> list[list[float]]:
        """Log-probability of every continuation."""
        import torch

        rows = [
            (item.prompt, [0] if _single(item) else continuation)
            for item in wanted
            for continuation in (item.continuations[:1] if _single(item) else item.continuations)
        ]
        longest = max(len(prompt) + len(continuation) for prompt, continuation in rows)
        ids = torch.zeros((len(rows), longest), dtype=torch.long)
        for row, (prompt, continuation) in enumerate(rows):
            whole = torch.tensor(prompt + continuation)
            ids[row, : len(whole)] = whole
        with torch.inference_mode():
            hidden = self._network.model(input_ids=ids.to(self._device), use_cache=False).last_hidden_state
            places = [
                (row, len(prompt) - 1 + step)
                for row, (prompt, continuation) in enumerate(rows)
                for step in range(len(continuation))
            ]
            picked = hidden[[row for row, _ in places], [step for _, step in places]]
            logs = torch.log_softmax(self._network.lm_head(picked).float(), -1).cpu()
        scores: list[list[float]] = []
        place = 0
        for item in wanted:
            if _single(item):
                scores.append([float(logs[place, label[0]]) for label in item.continuations])
                place += 1
                continue
            found = []
            for continuation in item.continuations:
                found.append(sum(float(logs[place + step, token]) for step, token in enumerate(continuation)))
                place += len(continuation)
            scores.append(found)
        return scores

    def _generate(self, prompts: Sequence[list[int]], answer: Value) -> list[Result]:
        import torch

        longest = max(map(len, prompts))
        (end,) = self._tokens.encode_all([(Segment(answer.end, control=True),)])
        ids = torch.full((len(prompts), longest), end[0], dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, prompt in enumerate(prompts):
            ids[row, longest - len(prompt) :] = torch.tensor(prompt)
            mask[row, longest - len(prompt) :] = 1
        with torch.inference_mode():
            made = self._network.generate(
                input_ids=ids.to(self._device),
                attention_mask=mask.to(self._device),
                max_new_tokens=min(answer.max_tokens, 40),
                do_sample=False,
                eos_token_id=end[0],
                pad_token_id=end[0],
                output_logits=True,
                return_dict_in_generate=True,
            )
            new = made.sequences[:, longest:].cpu()
            logs = torch.stack([torch.log_softmax(step.float(), -1).max(-1).values.cpu() for step in made.logits], 1)
        results: list[Result] = []
        for row in range(len(prompts)):
            tokens = new[row].tolist()
            length = tokens.index(end[0]) if end[0] in tokens else len(tokens)
            probability = math.exp(float(logs[row, : length + 1].sum()))
            results.append(GeneratedValue(self._tokens.decode(tokens[:length]), probability, (), self.name))
        return results


def _kind(question: Question) -> tuple[str, int]:
    answer = question.answer
    if isinstance(answer, Labels):
        return ("labels", 0)
    return ("allowed", 0) if answer.allowed is not None else ("value", answer.max_tokens)


def _fan(question: Question) -> int:
    answer = question.answer
    texts = answer.texts if isinstance(answer, Labels) else answer.allowed or ("",)
    return 1 if len(texts) == 2 else len(texts)


def _single(item: _Scored) -> bool:
    """Whether one pass over the prompt scores every continuation."""
    return all(len(continuation) == 1 for continuation in item.continuations)
