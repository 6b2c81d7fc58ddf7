"""Kill the optimizing of weights sixteen times: nothing half-made is left once it has been let through.

Usage: python tests/attacks/killed_preparing.py [KILLS] [SEED]
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tiny_model import write_tiny_adapter, write_tiny_model

from dp_tools.models.catalogue import ModelSpec
from dp_tools.models.optimized import find, optimized_path


def attack(folder: Path, kills: int = 16, seed: int = 0) -> list[str]:
    """Faults after so many kills."""
    weights = write_tiny_model(folder / "tiny.gguf", words=2048)
    spec = ModelSpec("tiny", str(weights), "nano", adapter=write_tiny_adapter(folder / "adapter.gguf"))
    described = json.dumps({"name": spec.name, "source": spec.source, "adapter": str(spec.adapter)})
    models, chance, caught = folder / "models", random.Random(seed), 0

    def begun() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dp_tools.engine.format_choice", described]
        return subprocess.Popen(command, env={**os.environ, "DP_TOOLS_CACHE": str(folder)})

    for _ in range(kills):
        process = begun()
        while not list(models.glob("*.part")) and process.poll() is None:
            time.sleep(0.01)
        time.sleep(chance.uniform(0.0, 0.4))
        process.kill()
        process.wait()
        caught += bool(list(models.glob("*.part")))
        for made in models.glob("*.json"):
            made.unlink()  # so that the next one has something to do
    faults = [] if begun().wait() == 0 else ["optimizing failed"]
    faults += [] if find(optimized_path(spec, models)) else ["the weights are not whole"]
    faults += [f"left behind: {path.name}" for path in models.glob("*.part")]
    return [*faults, *([] if caught else ["no kill came at a time that matters"])]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="attack-") as place:
        found = attack(Path(place), *(int(given) for given in sys.argv[1:3]))
    print(f"{len(found)} faults", *found, sep="\n  ")
    sys.exit(1 if found else 0)
