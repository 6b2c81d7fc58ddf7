"""`python -m lab register`: an entity register over monthly files, and look-ups in a large one."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from lab.benchmarks.registers import Year, grow, look_up

_AS_UNKILLED = {None: "", True: "yes", False: "no"}


@click.command()
@click.option("--size", type=click.IntRange(10), default=500, show_default=True, help="Records of a monthly file.")
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the list.")
@click.option("--kill", is_flag=True, help="Kill a first run of each month half-way.")
@click.option("--grown", type=click.IntRange(0), default=0, help="Entities of a register for look-ups.")
@click.option("--look-ups", type=click.IntRange(1), default=1000, show_default=True, help="Number of look-ups.")
def register(size: int, seed: int, kill: bool, grown: int, look_ups: int) -> None:
    """Bring twelve monthly files of held-back contacts into a register, and write Markdown tables of what came of it.

    Pairs that counting does not decide get no opinion, and nobody answers what waits for a person. "At once" is one
    grouping of all months so far by counting.
    """
    with tempfile.TemporaryDirectory() as place:
        year = Year(Path(place), size, seed)
        click.echo(
            "| month | records | entities | wait | precision | recall | F1 | F1 at once | candidates | questions "
            "| seconds | CPU seconds | ids kept | killed as unkilled |"
        )
        click.echo("|" + " --: |" * 14)
        last = None
        for month in range(year.months):
            found = year.bring(month, kill_after=last / 2 if kill and last is not None else None)
            last = found.seconds
            *_, at_once = year.at_once(month + 1)
            click.echo(
                f"| {month + 1} | {found.records:,} | {found.entities:,} | {found.waiting:,} | {found.precision:.3f} | "
                f"{found.recall:.3f} | {found.f1:.3f} | {at_once:.3f} | {found.candidates:,} | {found.questions:,} | "
                f"{found.seconds:.1f} | {found.cpu_seconds:.1f} | {found.kept:.2%} | "
                f"{_AS_UNKILLED[found.as_unkilled]} |"
            )
        gone, moved, left = year.undo(6)
        click.echo(
            f"\nUndo of month 7: {gone:,} records went, {left:,} of them are left, {moved:,} records of other months "
            "changed their entity.\n"
        )
        if grown:
            for done in grow(year.path, grown, seed + 1000):
                click.echo(f"{done:,} entities", err=True)
            looked_up = look_up(year.path, look_ups, seed)
            taken = looked_up.seconds
            size_mb = year.path.stat().st_size / 1e6
            marks = " | ".join(f"{1000 * taken[int(share * (len(taken) - 1))]:.1f}" for share in (0.5, 0.95, 0.99, 1.0))
            click.echo("| entities | MB | look-ups | p50 ms | p95 ms | p99 ms | longest ms | known | found | decided |")
            click.echo("|" + " --: |" * 10)
            shares = f"{looked_up.known:,} | {looked_up.found:,} | {looked_up.decided:,}"
            click.echo(f"| {grown:,} | {size_mb:,.0f} | {len(taken):,} | {marks} | {shares} |")
