"""Labelled datasets on disk: what the benchmark measures with and trainings learn from.

The layout is `<TASK>/<dataset>/<split>.jsonl` or `.jsonl.gz`, an object a line, missing values null. TASK is EM, SM,
ED, DI, CTA, AVE or EXTRA; a dataset may have any of the splits train, valid and test.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dp_tools.errors import TableUnavailable
from dp_tools.evaluation.instances import TASK_OF, Instance, completed, instance_of
from dp_tools.evaluation.splits import Split, table_of

SPLITS = ("train", "valid", "test")


def covers(names: Collection[str], folder: str, dataset: str) -> bool:
    """Whether the names, each "TASK/dataset" or "TASK", cover a dataset."""
    return folder in names or f"{folder}/{dataset}" in names


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset's folder.

    Args:
        folder: the task's folder, such as "EM".
        name: the dataset's name.
        files: the file of each split that is there.
    """

    folder: str
    name: str
    files: Mapping[str, Path]

    def among(self, names: Collection[str]) -> bool:
        """Whether the names, each "TASK/dataset" or "TASK", cover it."""
        return covers(names, self.folder, self.name)

    def split(self, name: str) -> Split:
        """Read one split.

        Raises:
            TableUnavailable: the split is not there, or a line of it is not an instance of the task.
        """
        if name not in self.files:
            raise TableUnavailable(
                f"{self.folder}/{self.name} has no split {name!r}: it has {', '.join(self.files) or 'none'}."
            )
        instances = tuple(self._instances(name))
        types: tuple[str, ...] = ()
        if self.folder == "CTA":
            others = (self._instances(split) for split in self.files if split != name)
            types = tuple(sorted({i.label for group in (instances, *others) for i in group if i.label is not None}))
        if self.folder == "DI" and name != "train" and "train" in self.files:
            table = tuple(completed(instance.row) for instance in self._instances("train"))
        else:
            table = table_of(self.folder, instances)
        return Split(self.folder, self.name, name, instances, types, table)

    def _instances(self, split: str) -> Iterable[Instance]:
        path = self.files[split]
        for number, line in enumerate(_lines(path), start=1):
            try:
                row = json.loads(line)
                yield instance_of(self.folder, self.name, row)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise TableUnavailable(
                    f"Line {number} of {path} is not an instance of {self.folder} ({error!r}): mend or remove it."
                ) from error


def read_datasets(data: Path, only: Sequence[str] = ()) -> list[Dataset]:
    """The datasets in a folder, by task and name.

    Args:
        data: the folder.
        only: read only these, each "TASK/dataset" or "TASK".

    Raises:
        TableUnavailable: there is no such folder, nothing in it has the layout, or a name of `only` is not there.
    """
    if not data.is_dir():
        raise TableUnavailable(f"There is no folder {data}: name one laid out as TASK/dataset/test.jsonl.gz.")
    found = [
        dataset
        for folder in TASK_OF
        for path in sorted((data / folder).glob("*/"))
        if (dataset := Dataset(folder, path.name, _files(path))).files
    ]
    if not found:
        raise TableUnavailable(
            f"There are no labelled instances in {data}: it should hold TASK/dataset/test.jsonl.gz, "
            f"TASK being one of {', '.join(TASK_OF)}."
        )
    for name in only:
        if not any(dataset.among([name]) for dataset in found):
            raise TableUnavailable(f"There is no {name} in {data}: name a TASK/dataset that is there, or a TASK.")
    return [dataset for dataset in found if not only or dataset.among(only)]


def _files(folder: Path) -> dict[str, Path]:
    paths = {split: [folder / f"{split}.jsonl", folder / f"{split}.jsonl.gz"] for split in SPLITS}
    return {split: path for split, choices in paths.items() for path in choices if path.is_file()}


def _lines(path: Path) -> Iterable[str]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            yield from (line for line in file if line.strip())
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise TableUnavailable(f"{path} cannot be read ({error}): it should be JSON Lines in UTF-8.") from error
