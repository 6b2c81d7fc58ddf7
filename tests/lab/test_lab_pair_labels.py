"""`python -m lab pair-labels` measures a few labels on a list whose truth is known."""

from __future__ import annotations

from click.testing import CliRunner

from lab.__main__ import main


def test_labels_are_measured_beside_counted_evidence() -> None:
    done = CliRunner().invoke(main, ["pair-labels", "--kind", "contacts", "--records", "60", "--seeds", "2"])
    assert done.exit_code == 0, done.output
    head, _, counted, taught = done.output.splitlines()
    assert head.startswith("| table | records | pairs | way |")
    assert counted.startswith("| contacts 1 | 60 |")
    f1 = [float(line.split("|")[7]) for line in (counted, taught)]
    assert 0.5 < f1[0] <= f1[1] <= 1
