"""`python -m lab lists`: dedupe and match on lists whose truth is known, beside other tools."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import get_args

import click

from dp_tools.cli.answering import MODEL
from dp_tools.preprocessor import Preprocessor
from lab.benchmarks.list_peers import equal_values, golden_match, splink
from lab.benchmarks.lists import (
    KnownList,
    Tool,
    by_counting,
    febrl_list,
    labelled_list,
    measured,
    synthetic_lists,
    with_model,
)
from lab.synthetic.lists import KINDS
from lab.synthetic.lists.insurance import Insured

PEERS: dict[str, Tool] = {
    "by counting": by_counting,
    "equal values": equal_values,
    "splink": splink,
    "goldenmatch": golden_match,
}
TOOLS = ("dp-tools", *PEERS)


@click.command()
@click.argument("files", type=click.Path(path_type=Path, exists=True, dir_okay=False), nargs=-1)
@click.option("--kind", "kinds", type=click.Choice(KINDS), multiple=True, help="A synthetic list; may be given again.")
@click.option("--records", type=click.IntRange(10), default=300, show_default=True, help="Of each synthetic list.")
@click.option("--of", "whole", type=click.IntRange(10), help="They are the beginning of lists of so many records.")
@click.option("--seeds", type=click.IntRange(1), default=1, show_default=True, help="Synthetic lists of each kind.")
@click.option("--two", is_flag=True, help="Cut synthetic lists into two tables and match them.")
@click.option("--insured", type=click.Choice(get_args(Insured)), help="Who has the insurance of synthetic patients.")
@click.option("--febrl", type=click.IntRange(1, 4), multiple=True, help="A set of FEBRL; may be given again.")
@click.option("--tool", "tools", type=click.Choice(TOOLS), multiple=True, default=TOOLS[:1], show_default=True)
@MODEL
def lists(
    files: tuple[Path, ...],
    kinds: tuple[str, ...],
    records: int,
    whole: int | None,
    seeds: int,
    two: bool,
    insured: Insured | None,
    febrl: tuple[int, ...],
    tools: tuple[str, ...],
    model: str,
) -> None:
    """Measure tools on FILES, synthetic lists of the held-back generator and FEBRL's sets; writes a Markdown table.

    A list NAME.csv has its truth in NAME.truth.json beside it (`entity_of_row`); two tables are NAME_a.csv, which is
    named, and NAME_b.csv (`pairs_of_rows_a_b`, from 1). Shares are of pairs: blocking is the recall of the candidates.
    "by counting" is dp-tools without its model.
    """

    def known() -> Iterator[KnownList]:
        yield from map(labelled_list, files)
        yield from synthetic_lists(kinds, records, range(1, seeds + 1), two=two, whole=whole, insured=insured)
        yield from map(febrl_list, febrl)

    with ExitStack() as stack:
        found = {name: PEERS[name] for name in tools if name in PEERS}
        if "dp-tools" in tools:
            preprocessor = stack.enter_context(Preprocessor(model, ":memory:", cache=False, adapters=False))
            preprocessor.decider.wait_until_optimized()
            found = {"dp-tools": with_model(preprocessor), **found}
        click.echo("| list | records | pairs | tool | precision | recall | F1 | blocking | questions | seconds |")
        click.echo("| --- | --: | --: | --- | --: | --: | --: | --: | --: | --: |")
        for one in known():
            size = len(one.left) + len(one.right or ())
            for name, tool in found.items():
                try:
                    figures = measured(one, tool(one))
                except Exception as error:
                    if name not in PEERS:
                        raise
                    # A peer may refuse a list, which the others are measured on all the same.
                    click.echo(f"| {one.name} | {size} | {len(one.pairs)} | {name} | | | | | | |")
                    click.echo(f"{name} on {one.name}: {type(error).__name__}", err=True)
                    continue
                blocking = "" if figures.blocking is None else f"{figures.blocking:.3f}"
                click.echo(
                    f"| {one.name} | {size} | {len(one.pairs)} | {name} | {figures.precision:.3f} | "
                    f"{figures.recall:.3f} | {figures.f1:.3f} | {blocking} | {figures.questions} | "
                    f"{figures.seconds:.1f} |"
                )
