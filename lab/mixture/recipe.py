"""What goes into a training mixture: the ingredients, each of which an ablation can leave out."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Recipe:
    """The ingredients of a mixture and how much of each.

    Args:
        seed: same seed, same data, same mixture.
        size: how many examples of each kind, as a multiple of the default; a small dataset gives what it has, at most
            a few times each, whatever the size.
        rounds: how often all of it is made, each time from the next seed: the same labelled cases in other forms,
            beside other synthetic ones.
        rules: how many examples under rules that bind, as a multiple of what `size` gives.
        leave_out: datasets ("EM/Beer") or whole tasks ("EXTRA") that must not be seen in any form.
        task: the only one that is taught; its examples are made from the records of all. None for every task.
        evidence: facts that code computed stand in most questions.
        balance: labels are brought near to real rates from rarer ones (calibration does the rest later).
        hard: positives that look different and negatives that look alike are drawn more often.
        reshape: sides flipped; attributes permuted, renamed and dropped.
        single: pairs of one attribute.
        generated_pairs: records written a second time, and others that look like them.
        generated_errors: errors made on clean tables, judged with their column's evidence.
        generated_gaps: gaps made in any attribute of any record.
        synthetic_titles: synthetic product titles, with what each of their parts is.
        synthetic_people: a synthetic table of people, among the clean tables that pairs, errors and gaps are made in.
        synthetic_products: synthetic products, as two shops list them, beside others that look like them.
        binding_rules: the same case with another answer under another rule; idle and conflicting rules.
        wordings: instructions in varied words.
    """

    seed: int = 13
    size: float = 1.0
    rounds: int = 1
    rules: float = 1.0
    leave_out: frozenset[str] = frozenset()
    task: str | None = None
    evidence: bool = True
    balance: bool = True
    hard: bool = True
    reshape: bool = True
    single: bool = True
    generated_pairs: bool = True
    generated_errors: bool = True
    generated_gaps: bool = True
    synthetic_titles: bool = True
    synthetic_people: bool = True
    synthetic_products: bool = True
    binding_rules: bool = True
    wordings: bool = True


INGREDIENTS = tuple(field.name for field in fields(Recipe) if field.default is True)
"""What an ablation can leave out."""
