"""The training mixture: examples from labelled data, from what is synthetic or corrupted, and from rules that bind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

from dp_tools.adapters.training_example import TrainingExample
from dp_tools.rules.injection import statements
from dp_tools.rules.store.knowledge_store import KnowledgeStore
from lab.mixture import cells, columns, instructions, pairs, schemas, titles, values
from lab.mixture.cells import Known
from lab.mixture.people import people
from lab.mixture.recipe import Recipe
from lab.mixture.sources import Record, tables

__all__ = ["Recipe", "make_examples", "shipped_rules"]


def make_examples(data: Path, recipe: Recipe) -> list[TrainingExample]:
    """Every example of a recipe, shuffled; the same for the same data and recipe.

    Args:
        data: a folder of labelled instances (see `dp_tools.evaluation.datasets`); test splits serve only to drop
            training pairs that stand in them, too.
        recipe: the ingredients.
    """
    known = shipped_rules()
    examples: list[TrainingExample] = []
    for round_ in range(recipe.rounds):
        examples += _all(recipe.seed + round_, data, recipe, known)
    Random(recipe.seed).shuffle(examples)
    return examples


def shipped_rules() -> Known:
    """What the injector would add from the shipped packs."""
    store = KnowledgeStore.open(":memory:")

    def known(task: str, dataset: str, attribute: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return statements(store.inject(task=task, dataset=dataset, attribute=attribute).rules)

    return known


def _all(seed: int, data: Path, recipe: Recipe, known: Known) -> Iterator[TrainingExample]:
    """One round. Each kind of examples draws for itself, so that to leave one out changes no other."""

    def draw(kind: str) -> Random:
        return Random(f"{kind} {seed}")

    clean = tables(data, recipe.leave_out)
    if clean and recipe.synthetic_people:
        clean["synthetic/people"] = people(draw("people"), 600)
    kinds = [
        ("match_entities", pairs.entity_pairs(draw("entity pairs"), data, recipe, known)),
        ("match_schemas", schemas.schema_pairs(draw("schema pairs"), data, recipe, known)),
        ("detect_errors", cells.labelled_cells(draw("labelled cells"), data, recipe, known)),
        ("impute", values.labelled_gaps(draw("labelled gaps"), data, recipe, known)),
        ("extract_values", values.extractions(draw("extractions"), data, recipe)),
        ("annotate_columns", columns.labelled_columns(draw("labelled columns"), data, recipe)),
    ]
    if clean:
        kinds += _made(draw, data, clean, recipe)
    for task, examples in kinds:
        # What teaches another task than the only one wanted is not even made.
        if recipe.task in (None, task):
            yield from examples


def _made(
    draw: Callable[[str], Random], data: Path, clean: dict[str, list[Record]], recipe: Recipe
) -> Iterator[tuple[str, Iterator[TrainingExample]]]:
    """The kinds that code makes up or makes from clean tables, each with the task that it teaches."""
    yield "match_schemas", schemas.column_pairs(draw("column pairs"), clean, recipe, 1500)
    yield "annotate_columns", columns.table_columns(draw("table columns"), clean, recipe, 1500)
    yield "follow_instruction", instructions.instructions(draw("instructions"), clean, recipe, 3500)
    if recipe.synthetic_titles:
        yield "extract_values", titles.synthetic_titles(draw("titles"), recipe, 24000)
    if recipe.synthetic_products:
        yield "match_entities", pairs.synthetic_products(draw("products"), recipe, 24000)
    if recipe.generated_pairs:
        yield "match_entities", pairs.generated_pairs(draw("generated pairs"), clean, recipe, 20000)
    if recipe.generated_errors:
        yield "detect_errors", cells.generated_errors(draw("generated errors"), clean, recipe)
    if recipe.generated_gaps:
        yield "impute", values.generated_gaps(draw("generated gaps"), clean, recipe, 6000)
        yield "extract_values", values.table_extractions(draw("table extractions"), clean, recipe, 2000)
    if recipe.binding_rules:
        ruled = replace(recipe, size=recipe.size * recipe.rules)
        yield "detect_errors", cells.binding_rules(draw("binding cells"), clean, ruled, 65000)
        yield "match_entities", pairs.binding_pairs(draw("binding pairs"), data, ruled, 45000)
        yield "impute", values.binding_values(draw("binding values"), clean, ruled, 33000)
