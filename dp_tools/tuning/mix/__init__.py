"""The training mix: lessons from labelled data, from what code makes up or spoils, and from rules that bind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

from dp_tools.rules.injection import statements
from dp_tools.rules.store import KnowledgeStore
from dp_tools.tuning.mix import cells, columns, instructions, pairs, titles, values
from dp_tools.tuning.mix.cells import Known
from dp_tools.tuning.mix.lesson import Lesson
from dp_tools.tuning.mix.people import people
from dp_tools.tuning.mix.recipe import Recipe
from dp_tools.tuning.mix.sources import tables

__all__ = ["Lesson", "Recipe", "make_lessons", "shipped_rules"]


def make_lessons(data: Path, recipe: Recipe) -> list[Lesson]:
    """Every lesson of a recipe, shuffled; the same for the same data and recipe.

    Args:
        data: a folder of labelled instances (see `dp_tools.tuning.instances`); test splits serve only to drop
            training pairs that stand in them, too.
        recipe: the ingredients.
    """
    known = shipped_rules()
    lessons: list[Lesson] = []
    for round_ in range(recipe.rounds):
        made = _all(Random(recipe.seed + round_), data, recipe, known)
        lessons += (lesson for lesson in made if recipe.task in (None, lesson.prompt.task))
    Random(recipe.seed).shuffle(lessons)
    return lessons


def shipped_rules() -> Known:
    """What the injector would add from the shipped packs."""
    store = KnowledgeStore.open(":memory:")

    def known(task: str, dataset: str, attribute: str | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return statements(store.inject(task=task, dataset=dataset, attribute=attribute).rules)

    return known


def _all(random: Random, data: Path, recipe: Recipe, known: Known) -> Iterator[Lesson]:
    clean = tables(data, recipe.leave_out)
    yield from pairs.entity_pairs(random, data, recipe, known)
    yield from pairs.schema_pairs(random, data, recipe, known)
    yield from cells.labelled_cells(random, data, recipe, known)
    yield from values.labelled_gaps(random, data, recipe, known)
    yield from values.extractions(random, data, recipe)
    yield from columns.labelled_columns(random, data, recipe)
    if not clean:
        return
    if recipe.made_titles:
        yield from titles.made_titles(random, recipe, 24000)
    if recipe.made_people:
        clean["made/people"] = people(random, 600)
    yield from pairs.column_pairs(random, clean, recipe, 1500)
    yield from columns.table_columns(random, clean, recipe, 1500)
    yield from instructions.instructions(random, clean, recipe, 3500)
    if recipe.generated_pairs:
        yield from pairs.generated_pairs(random, clean, recipe, 20000)
    if recipe.generated_errors:
        yield from cells.generated_errors(random, clean, recipe)
    if recipe.generated_gaps:
        yield from values.generated_gaps(random, clean, recipe, 6000)
        yield from values.table_extractions(random, clean, recipe, 2000)
    if recipe.binding_rules:
        yield from cells.binding_rules(random, clean, recipe, 65000)
        yield from pairs.binding_pairs(random, data, recipe, 45000)
        yield from values.binding_values(random, clean, recipe, 33000)
