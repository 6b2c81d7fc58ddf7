"""`python -m lab`: the commands that make and measure the shipped adapter."""

from __future__ import annotations

from typing import ClassVar

import click

from dp_tools.cli import LazyCommands


class _LabCommands(LazyCommands):
    table: ClassVar = {
        "examples": ("lab.commands.train:examples", "Make the examples that a training on another machine reads."),
        "train": ("lab.commands.train:train", "Train the shipped adapter from a folder of labelled data."),
        "calibrate": ("lab.commands.calibrate:calibrate", "Fit a model's calibration on labelled data."),
        "judge": ("lab.commands.judge:judge", "Measure the prior of pairs beside the model, datasets left out."),
        "bench-rules": ("lab.commands.bench_rules:bench_rules", "Measure how the model follows rules."),
        "bench-explain": ("lab.commands.bench_explain:bench_explain", "Measure the explanations on labelled data."),
        "speed": ("lab.commands.speed:speed", "Measure how fast the model answers on this machine."),
        "patience": ("lab.commands.patience:patience", "Measure whether long calls answer before a client leaves."),
        "prompt-tokens": ("lab.commands.prompt_tokens:prompt_tokens", "Count the tokens of each part of a prompt."),
        "scale": ("lab.commands.scale:scale", "Measure how whole tables scale with their records."),
        "scaling": ("lab.commands.scaling:scaling", "Measure how answering scales with workers."),
        "wide": ("lab.commands.wide:wide", "Measure how whole tables scale with their columns."),
        "model": ("lab.commands.model:model", "Measure what trainings give."),
        "lists": ("lab.commands.lists:lists", "Measure dedupe and match on lists whose truth is known."),
        "register": ("lab.commands.register:register", "Measure an entity register over monthly files."),
        "columns": ("lab.commands.columns:columns", "Measure schema matching on exports whose mapping is known."),
        "scout": ("lab.commands.scout:scout", "Measure what counted evidence settles before the model is asked."),
        "cascade": ("lab.commands.cascade:cascade", "Measure how few questions a match takes."),
        "pair-labels": ("lab.commands.pair_labels:pair_labels", "Measure what a few labelled pairs are worth."),
        "gaps": ("lab.commands.gaps:gaps", "Measure how a half-empty column of categories is filled."),
        "labels": ("lab.commands.labels:labels", "Measure what labelled rows are worth on whole tables."),
        "cleaning": ("lab.commands.cleaning:cleaning", "Measure cleaning on tables whose columns are of known kinds."),
        "field": ("lab.commands.field:field", "Measure the command line on a folder of files with right values."),
        "extraction": ("lab.commands.extraction:extraction", "Fit how far an extraction can be believed."),
        "workbench": ("lab.commands.workbench:workbench", "Measure the workbench with a long queue and a long table."),
        "knowledge": ("lab.commands.knowledge:knowledge", "Measure the knowledge store."),
    }


@click.group(cls=_LabCommands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """The laboratory: make and measure the shipped adapter."""


if __name__ == "__main__":
    main(prog_name="python -m lab")
