"""Fixtures that more than one test file uses.

Tests ask the tiny model: it is made and loaded in a second, and what they test does not depend on what it says. What
the embedded model says is tested in tests/real_model, one file a task.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest
from engines import Lent
from hypothesis import settings
from snippets import fill
from tiny_model import write_tiny_model
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from dp_tools.engine.local import LocalEngine
from dp_tools.engine.questions import Engine
from dp_tools.models.catalogue import CATALOGUE, ModelSpec
from dp_tools.preprocessor import Preprocessor

_CACHE = Path(__file__).parent.parent / ".pytest_cache" / "dp-tools"
_ONE_PROCESS = ("real_model", "workers")
"""Folders whose files share what takes long to start."""
_HOME = Path(tempfile.mkdtemp(prefix="dp-tools-tests-"))


def pytest_configure() -> None:
    """The user's own rules, jobs and answers are never read or written; optimized weights stay for the next run.

    Examples of property tests have no deadline: a busy machine would fail them.
    """
    settings.register_profile("suite", deadline=None)
    settings.load_profile("suite")
    (_CACHE / "answers.db").unlink(missing_ok=True)
    os.environ.update(
        XDG_DATA_HOME=str(_HOME / "data"), XDG_STATE_HOME=str(_HOME / "state"), DP_TOOLS_CACHE=str(_CACHE)
    )


def pytest_unconfigure() -> None:
    """Nothing of a run is left behind."""
    shutil.rmtree(_HOME, ignore_errors=True)


class _FilesTogether(LoadScopeScheduling):
    """A file stays in one process; so do all files of the embedded model, which it loads once, and of a Ray cluster."""

    def _split_scope(self, nodeid: str) -> str:
        file = PurePosixPath(nodeid.partition("::")[0])
        return str(file.parent if file.parent.name in _ONE_PROCESS else file)


# The scheduler that comes for this, `--dist loadgroup`, does not see its groups under pytest 9.2.
@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    return _FilesTogether(config, log)


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of the tiny model, which has the whole vocabulary of the embedded one."""
    return write_tiny_model(tmp_path_factory.mktemp("tiny-model") / "tiny.gguf")


@pytest.fixture(scope="session")
def engine(tiny_model: Path) -> Iterator[Engine]:
    """The tiny model, loaded once for all tests; in tests/real_model the embedded one. Answers are not kept."""
    opened = LocalEngine(ModelSpec("tiny", str(tiny_model), "nano"), threads=1)
    yield opened
    opened.close()


@pytest.fixture
def lent_engine(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Lent:
    """Whoever opens an engine in this process gets the session's."""
    lent = Lent(engine)
    for module in ("preprocessor", "cli.bench"):
        monkeypatch.setattr(f"dp_tools.{module}.open_engine", lambda *_, **__: lent)
    return lent


@pytest.fixture
def preprocessor(engine: Engine) -> Iterator[Preprocessor]:
    """The public API on the session's engine, with the shipped packs and nothing else."""
    with Preprocessor("nano", ":memory:", engine=Lent(engine)) as opened:
        yield opened


@pytest.fixture
def tiny_nano(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelSpec:
    """In this process "nano" is the tiny model, in a package as the embedded one is, without a shipped adapter."""
    package = tmp_path / "tiny-nano" / "dp_tools_tiny"
    package.mkdir(parents=True)
    (package / tiny_model.name).symlink_to(tiny_model)
    monkeypatch.syspath_prepend(str(package.parent))
    spec = replace(CATALOGUE["nano"], source=f"package:{package.name}/{tiny_model.name}")
    monkeypatch.setitem(CATALOGUE, "nano", spec)
    monkeypatch.setattr("dp_tools.models.catalogue.SHIPPED_ADAPTER", tmp_path / "none.gguf")
    monkeypatch.setenv("DP_TOOLS_CACHE", str(tmp_path / "cache"))
    return spec


@pytest.fixture
def snippet_folder(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with what snippets of the documentation work on; rules and jobs are kept in it as well."""
    fill(tmp_path, tiny_model)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("dp_tools.rules.store.knowledge_file.default_path", lambda: tmp_path / "own.db")
    return tmp_path
