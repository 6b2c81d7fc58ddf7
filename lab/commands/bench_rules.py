"""`python -m lab bench-rules`: whether the model does what rules say, and nothing else because of them."""

from __future__ import annotations

from pathlib import Path

import click

from dp_tools.cli.answering import MODEL, bar, interruptible, onward
from dp_tools.engine import open_engine
from dp_tools.preprocessor import Preprocessor
from lab.benchmarks.rule_following import measure_following


@click.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder laid out as TASK/dataset/split.")
@click.option("--cases", type=click.IntRange(min=1), default=300, show_default=True, help="Questions of each sort.")
@MODEL
def bench_rules(data: Path, cases: int, model: str) -> None:
    """Measure how a model follows rules: cases of valid splits, each under a rule and its opposite, and questions with
    and without a rule that has nothing to do with them. Writes Markdown to stdout."""
    engine = open_engine(model, cache=False, wait=True)
    with (
        Preprocessor(model, ":memory:", engine=engine, adapters=False) as preprocessor,
        bar(3 * cases) as advance,
        interruptible() as cancel,
    ):
        found = measure_following(preprocessor, data, cases=cases, progress=onward(advance, 0), cancel=cancel)
    click.echo("| rule about | cases | as the rule says |\n| --- | ---: | ---: |")
    for kind in (*found.kinds, found.whole):
        click.echo(f"| {kind.name} | {kind.cases} | {100 * kind.followed / kind.cases:.1f}% |")
    click.echo(
        f"\nAn idle rule changed {found.swayed} of {found.idle} answers ({100 * found.swayed / found.idle:.1f}%)."
    )
