"""Candidate rules from labelled cases: what distinguishes the cases of one label from the others.

Code finds them, a measured score keeps them (see `dp_tools.evaluation.rule_trials.learn`).
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from dp_tools.profiling.value_patterns import GENERALIZATIONS, SEEN
from dp_tools.records import is_missing
from dp_tools.rules.checks import Check
from dp_tools.rules.discovery.pattern_rules import matching
from dp_tools.rules.injection import Subject
from dp_tools.rules.rule import ALL, Rule

Labelled = Sequence[tuple[Subject, str]]
"""Cases with their right answers: yes, no, or the value."""

MOST_PATTERNS = 12
"""Ways of writing that one check may list."""
VALUES = 60
"""Values that one closed set may list."""
SURE = 0.97
"""Share of the cases that a candidate decides on which it must be right."""


def contrast(task: str, cases: Labelled, *, dataset: str = ALL) -> tuple[Rule, ...]:
    """Candidate rules that are right on (nearly) all labelled cases they decide; most cases decided first.

    Args:
        task: detect_errors, match_entities or impute; other tasks have no candidates.
        cases: labelled cases in the task's own form.
        dataset: the dataset the rules are to hold for.
    """
    found = _FINDERS[task](cases) if task in _FINDERS else ()
    rules: dict[str, tuple[int, Rule]] = {}
    for name, attribute, statement, check, decides in found:
        slug = re.sub(r"[^a-z0-9]+", "-", f"learned-{dataset}-{attribute}-{name}".casefold()).strip("-")[:90]
        rule = Rule(
            id=slug,
            task=task,
            dataset=dataset,
            attribute=attribute,
            statement=statement,
            check=check,
            decides="both" if decides else "fail",
            source="learned",
            status="proposed",
        )
        decided, right = decided_rightly(task, rule, cases)
        text = json.dumps([attribute, check])
        if decided >= SEEN and right >= SURE * decided and text not in rules:
            rules[text] = (decided, rule)
    return tuple(rule for _, rule in sorted(rules.values(), key=lambda pair: -pair[0]))


Found = Iterator[tuple[str, str, str, dict[str, Any], bool]]
"""(name, attribute, statement, check, whether it decides both)."""


def _errors(cases: Labelled) -> Found:
    by_attribute: dict[str, list[tuple[str | None, str]]] = defaultdict(list)
    for subject, label in cases:
        value = subject["value"]
        by_attribute[subject["attribute"]].append((None if is_missing(value) else value, label))
    for attribute, cells in by_attribute.items():
        yield from _gaps(attribute, [label for value, label in cells if value is None])
        right = [value for value, label in cells if value is not None and label == "no"]
        wrong = [value for value, label in cells if value is not None and label == "yes"]
        if len(wrong) >= SEEN:
            yield from _patterns(attribute, right, wrong)
            yield from _edges(attribute, right, wrong)
            yield from _vocabulary(attribute, right)


def _gaps(attribute: str, labels: list[str]) -> Found:
    if labels.count("yes") >= SEEN:
        yield "gap", attribute, f"A missing {attribute} is an error.", {"type": "string"}, False
    elif len(labels) >= SEEN:
        check = {"x-when": {"type": "null"}, "type": ["null", "string"]}
        yield "gap", attribute, f"A missing {attribute} is not an error.", check, True


def _patterns(attribute: str, right: list[str], wrong: list[str]) -> Found:
    for name, generalize in GENERALIZATIONS.items():
        fine, bad = {generalize(value) for value in right}, {generalize(value) for value in wrong}
        if 0 < len(fine) <= MOST_PATTERNS and not fine & bad:
            yield f"form-{name}", attribute, f"{attribute} has its usual form.", matching(fine), True
        times = Counter(generalize(value) for value in wrong)
        only_bad = sorted(form for form in bad - fine if times[form] >= 2)
        if 0 < len(only_bad) <= MOST_PATTERNS:
            check: dict[str, Any] = {"not": {"type": "string", "pattern": f"^({'|'.join(only_bad)})$"}}
            yield f"bad-form-{name}", attribute, f"{attribute} is not written in another form.", check, False


def _edges(attribute: str, right: list[str], wrong: list[str]) -> Found:
    """The shortest beginnings or endings that (nearly) all wrong values have and no right one has."""
    for where in ("begins", "ends"):
        for size in (1, 2, 3):
            edge = slice(size) if where == "begins" else slice(-size, None)
            fine = {value[edge] for value in right}
            bad = Counter(value[edge] for value in wrong if value[edge] not in fine)
            bad = Counter({text: count for text, count in bad.items() if count >= 2})
            if 0 < len(bad) <= MOST_PATTERNS and bad.total() >= SURE * len(wrong):
                edges = "|".join(_escaped(text) for text in sorted(bad))
                pattern = f"^({edges})" if where == "begins" else f"({edges})$"
                check = {"not": {"type": "string", "pattern": pattern}}
                yield where, attribute, f"{attribute} never {where} with {_listed(bad)}.", check, True
                break


def _escaped(text: str) -> str:
    return "".join(sign if sign.isalnum() or sign == " " or not sign.isascii() else f"\\{sign}" for sign in text)


def _listed(edges: Counter[str]) -> str:
    shown = [edge.strip() for edge, _ in edges.most_common(3)]
    return " or ".join(shown) if len(edges) <= 3 and all(shown) else "what only wrong values have"


def _vocabulary(attribute: str, right: list[str]) -> Found:
    counts = Counter(right)
    if len(right) >= 10 and len(counts) <= MOST_PATTERNS and min(counts.values()) >= 2:
        yield "values", attribute, f"{attribute} is one of {len(counts)} values.", {"enum": sorted(counts)}, True


def _pairs(cases: Labelled) -> Found:
    shared = [name for name in cases[0][0]["left"] if name in cases[0][0]["right"]] if cases else []
    for name in shared:
        differ = {"type": "object", "not": {"x-differ": [name]}}
        yield f"differ-{name}", ALL, f"Another {name} is another thing."[:200], differ, False
        same = {"type": "object", "x-when": {"x-same": [name]}}
        yield f"same-{name}", ALL, f"The same {name} is the same thing."[:200], same, True


def _values(cases: Labelled) -> Found:
    by_attribute: dict[str, list[tuple[Subject, str]]] = defaultdict(list)
    for subject, label in cases:
        by_attribute[subject["attribute"]].append((subject, label))
    for attribute, known in by_attribute.items():
        labels = Counter(label for _, label in known)
        if len(labels) <= VALUES and len(known) >= SEEN * len(labels):
            yield "values", attribute, f"{attribute} is one of {len(labels)} values.", {"enum": sorted(labels)}, False
        for by in known[0][0]["record"]:
            groups: dict[str, Counter[str]] = defaultdict(Counter)
            for subject, label in known:
                value = subject["record"].get(by)
                if not is_missing(value):
                    groups[str(value).strip()][label] += 1
            values = {value: next(iter(of)) for value, of in groups.items() if len(of) == 1 and of.total() >= SEEN}
            if values:
                lookup = {"by": [by], "of": attribute, "values": values}
                check = {"type": "object", "x-lookup": lookup}
                yield f"from-{by}", attribute, f"{by} determines {attribute}."[:200], check, False


_FINDERS: dict[str, Callable[[Labelled], Found]] = {
    "detect_errors": _errors,
    "match_entities": _pairs,
    "impute": _values,
}


def decided_rightly(task: str, rule: Rule, cases: Labelled) -> tuple[int, int]:
    """(cases that the rule decides, how many of them rightly); a closed set of values decides all, rightly."""
    check = Check.of(rule)
    decided = right = 0
    for subject, label in cases:
        if task == "impute":
            if subject["attribute"] != rule.attribute:
                continue
            answer = label if check.allowed(rule.attribute) else check.value_for(subject)
        else:
            passed = check.judge(subject)
            yes = passed if task == "match_entities" else passed is False
            is_decided = passed is False or (passed is True and rule.decides == "both")
            answer = ("yes" if yes else "no") if is_decided else None
        decided += answer is not None
        right += answer == label
    return decided, right
