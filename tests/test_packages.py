"""The packages that people install: each is built from exactly the files that it copies, and holds what it needs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The files of the wheel that the whole checkout makes."""
    return _built_from(ROOT, tmp_path_factory.mktemp("wheel"))


def _built_from(source: Path, target: Path) -> list[str]:
    """The names of the files in the wheel that a folder makes."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target), str(source)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = target.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return sorted(archive.namelist())


def test_the_wheel_holds_the_packs_the_examples_and_the_adapter_and_neither_tests_nor_the_laboratory(wheel):
    for path in ("knowledge/general.yaml", "examples/orders_dirty.csv", "models/nano-lora.gguf", "py.typed"):
        assert f"dp_tools/{path}" in wheel
    assert {name.split("/")[0] for name in wheel} == {"dp_tools", "dp_tools-0.1.0.dist-info"}


def test_the_container_copies_all_that_the_wheel_is_built_from(wheel, tmp_path):
    context = tmp_path / "context"
    context.mkdir()
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    _, build, _image = dockerfile.split("\nFROM ")
    copied = [line.split()[1:] for line in build.splitlines() if line.startswith("COPY ")]
    for *sources, target in copied:
        for source in sources:
            _copy(ROOT / source, context / (source if target == "./" else target))
    assert (context / re.search(r"bin/python (\S+)", build).group(1)).is_file(), "the script that installs is copied"
    assert _built_from(context, tmp_path / "built") == wheel


def test_the_bundle_holds_all_that_the_wheel_is_built_from(wheel, tmp_path):
    bundle = tmp_path / "dp-tools.mcpb"
    script = "import sys; from pathlib import Path; from make_mcpb import build; build(Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", script, str(bundle)], check=True, cwd=ROOT / "bundle")
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(tmp_path / "unpacked")
    server = json.loads((tmp_path / "unpacked" / "manifest.json").read_text(encoding="utf-8"))["server"]
    assert (tmp_path / "unpacked" / server["entry_point"]).is_file()
    (included,) = re.findall(r"_INCLUDE=\$\{__dirname\}/(\S+)", server["mcp_config"]["env"]["CMAKE_ARGS"])
    assert (tmp_path / "unpacked" / included).is_file()
    assert _built_from(tmp_path / "unpacked", tmp_path / "built") == wheel


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)
