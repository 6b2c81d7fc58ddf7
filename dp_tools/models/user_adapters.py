"""User adapters: small adapters on top of the embedded model, stored in the user's folder by dataset and task."""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path

import platformdirs

from dp_tools.errors import InvalidRequest
from dp_tools.models.calibration import PlattCalibration
from dp_tools.models.catalogue import ModelSpec
from dp_tools.models.digest import identity


@dataclass(frozen=True, slots=True)
class About:
    """What is known of an adapter.

    Args:
        dataset: the dataset whose calls it answers, as its scope key.
        task: the task.
        base: digest of the weights it was trained on; on others it is not used.
        cases: labelled cases it learned from.
        held: labelled cases it was scored on, none of them learned from.
        metric: what the scores are.
        before, after: the scores on the held-back cases without and with it, in percent.
        calibration: its calibration: what learned from the dataset's own labels is sure of other things than the model
            beneath it.
    """

    dataset: str
    task: str
    base: str
    cases: int
    held: int
    metric: str
    before: float
    after: float
    calibration: PlattCalibration = field(default_factory=PlattCalibration)


@dataclass(frozen=True, slots=True)
class UserAdapter:
    """An adapter that is kept: its file, and what is known of it."""

    path: Path
    about: About


def default_folder() -> Path:
    """Where user adapters are kept: the user's data folder, or DP_TOOLS_ADAPTERS."""
    chosen = os.environ.get("DP_TOOLS_ADAPTERS")
    return Path(chosen) if chosen else Path(platformdirs.user_data_dir("dp-tools")) / "adapters"


def base_of(spec: ModelSpec) -> str:
    """The digest of a model's weights and shipped adapter, whatever format they are optimized in."""
    return " ".join(identity(path) for path in (spec.locate(), spec.adapter) if path is not None)


class UserAdapters:
    """The adapters in a folder: `TASK/DATASET.gguf`, with what is known of it beside it as `TASK/DATASET.json`.

    Args:
        folder: the folder; it need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def all(self) -> list[About]:
        """Every adapter, by task and dataset; what is not one is passed over."""
        found = (_about(path) for path in sorted(self.folder.glob("*/*.gguf")))
        return [about for about in found if about is not None]

    def find(self, dataset: str, task: str, spec: ModelSpec) -> UserAdapter | None:
        """The adapter for a dataset (its scope key) and task, if there is one that was trained on this model."""
        path = self._path(dataset, task)
        about = _about(path)
        if about is None or not spec.optimizable or about.base != base_of(spec):
            return None
        return UserAdapter(path, about)

    def install(self, adapter: Path, about: About) -> Path:
        """Keep an adapter, in the place of the one before; copied beside and renamed."""
        path = self._path(about.dataset, about.task)
        path.parent.mkdir(parents=True, exist_ok=True)
        notes = path.with_suffix(".json")
        notes.unlink(missing_ok=True)  # without it the file is no adapter, so there is never half of one
        beside = path.with_suffix(".part")
        shutil.copyfile(adapter, beside)
        beside.replace(path)
        beside.write_text(json.dumps(asdict(about), indent=2) + "\n", encoding="utf-8")
        beside.replace(notes)
        return path

    def remove(self, dataset: str, task: str) -> None:
        """Remove an adapter.

        Raises:
            InvalidRequest: there is none.
        """
        path = self._path(dataset, task)
        if _about(path) is None:
            raise InvalidRequest(f"There is no adapter for {task} on {dataset}: dp-tools models adapters lists them.")
        path.with_suffix(".json").unlink()
        path.unlink()

    def _path(self, dataset: str, task: str) -> Path:
        # A scope key may hold any letter; in a file's name it may not climb.
        return self.folder / task / (re.sub(r"\W", "-", dataset) + ".gguf")


def _about(path: Path) -> About | None:
    if not path.is_file():
        return None
    try:
        notes = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        return About(**{**notes, "calibration": PlattCalibration(**notes["calibration"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None
