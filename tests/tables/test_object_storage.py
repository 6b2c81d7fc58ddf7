"""Folders in object storage: read, cleaned and undone through a server that speaks S3, and refused in one sentence."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner
from tables_job import ScriptedEngine, stopped_once

from dp_tools import Preprocessor
from dp_tools.cli import main
from dp_tools.errors import Cancelled, TableUnavailable
from dp_tools.tables.io.folders import open_folder
from dp_tools.tables.io.paths import Disk

ROWS = [("35233", "Birmingham"), ("35801", "Huntsville"), ("36201", "Anniston"), ("36301", "Dothan")]
BUCKET = "s3://warehouse"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server of object storage with an empty memory."""
    moto = pytest.importorskip("moto.server", reason="object storage needs moto[server]")
    running = moto.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """A bucket with a table in three parts; who asks finds its address and credentials in the environment."""
    s3fs = pytest.importorskip("s3fs", reason='object storage needs the extra "dp-tools[s3]"')
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    s3fs.S3FileSystem.clear_instance_cache()
    name = f"{BUCKET}-{tmp_path.name.replace('_', '-')}"[:60].rstrip("-")
    system = s3fs.S3FileSystem()
    system.mkdir(name)
    for number in range(3):
        with system.open(f"{name}/orders/day={number}/part.csv", "wb") as file:
            file.write(part(number))
    return name


def part(number: int) -> bytes:
    """Sixty shops with one city that is misspelt."""
    rows = [ROWS[(row + number) % 4] for row in range(60)]
    lines = ["zip,city,note", *(f"{zip_code},{city},n{row % 7}" for row, (zip_code, city) in enumerate(rows))]
    lines[20 + number] = (
        lines[20 + number].replace("ng", "gn").replace("st", "ts").replace("vi", "iv").replace("th", "ht")
    )
    return "\n".join([*lines, ""]).encode()


def opened(tmp_path: Path) -> Preprocessor:
    return Preprocessor(knowledge=":memory:", engine=ScriptedEngine(), state=tmp_path / "state")


def files_in(address: str) -> dict[str, bytes]:
    folder = open_folder(address, Disk())
    found = {}
    for name in folder.names():
        with folder.fetched(name) as path:
            found[name] = path.read_bytes()
    return found


def test_a_folder_in_object_storage_is_cleaned_there_as_on_a_disk(tmp_path, bucket):
    here = tmp_path / "orders"
    for name, data in files_in(f"{bucket}/orders").items():
        (here / name).parent.mkdir(parents=True)
        (here / name).write_bytes(data)
    with opened(tmp_path) as pre:
        local = pre.clean(here, ["city"])
        remote = pre.clean(f"{bucket}/orders/", ["city"])
        assert remote.figures == local.figures
        assert remote.figures["changed"] == 3
        assert remote.files == []
        assert remote.to_dicts() == local.to_dicts()
        assert list(remote.changes) == list(local.changes)
        written = files_in(f"{bucket}/orders.clean")
        assert written == {
            path.relative_to(tmp_path / "orders.clean").as_posix(): path.read_bytes()
            for path in (tmp_path / "orders.clean").rglob("*.csv")
        }
        assert remote.undo(f"{bucket}/back")
        pre.clean(f"{bucket}/orders", ["city"], output=tmp_path / "copy")
    assert files_in(f"{bucket}/back") == files_in(f"{bucket}/orders")
    assert {path.name for path in (tmp_path / "copy").rglob("*.csv")} == {"part.csv"}


def test_duplicates_in_a_folder_of_object_storage_are_written_to_a_disk(tmp_path, bucket):
    with opened(tmp_path) as pre:
        found = pre.dedupe(f"{bucket}/orders", attributes=["city"], output=tmp_path / "found.csv")
        rows = sum(len(data.splitlines()) - 1 for data in files_in(f"{bucket}/orders").values())
        assert f" of {rows} records stand in " in found.summary
        assert {row["row"] for row in found.to_dicts()} <= set(range(1, rows + 1))
    assert (tmp_path / "found.csv").exists()


def test_what_stands_there_is_not_replaced_and_a_stopped_job_goes_on(tmp_path, bucket):
    output = f"{bucket}/out"
    with opened(tmp_path) as pre:
        with stopped_once(lambda: files_in(output)), pytest.raises(Cancelled):
            pre.clean(f"{bucket}/orders", output=output)
        first = files_in(output)
        assert 1 <= len(first) < 3
        pre.clean(f"{bucket}/orders", output=output)
        assert len(files_in(output)) == 3
        with pytest.raises(TableUnavailable, match="already exists; write elsewhere"):
            pre.clean(f"{bucket}/orders", ["zip"], output=output)
        pre.clean(f"{bucket}/orders", ["zip"], output=output, overwrite=True)


def test_the_command_line_takes_addresses(tmp_path, bucket, tiny_model):
    given = ["--model", str(tiny_model), "--knowledge", ":memory:", "--state", str(tmp_path / "state")]
    found = CliRunner().invoke(main, ["clean", f"{bucket}/orders", "-a", "city", *given])
    assert found.exit_code == 0, found.output
    assert json.loads(found.stdout)["changed"] == 3
    assert f"{bucket}/orders.clean: the parts of the result" in found.stderr
    back = CliRunner().invoke(main, ["undo", f"{bucket}/orders.clean", "-o", str(tmp_path / "back")])
    assert back.exit_code == 0, back.output
    assert (tmp_path / "back/day=2/part.csv").read_bytes() == part(2)


def test_what_goes_wrong_is_said_in_one_sentence(tmp_path, bucket, monkeypatch):
    with opened(tmp_path) as pre:
        for address, said in [
            (f"{bucket}/missing", "missing holds no parts: give a folder of"),
            ("s3://no-such-bucket-anywhere/x", "cannot be listed|holds no parts"),
            ("s3://", "names no folder; add the bucket"),
            ("nowhere://x/y", "no address that can be used|needs a driver"),
            ("gs://bucket/x", "needs a driver of fsspec"),
        ]:
            with pytest.raises(TableUnavailable, match=said) as raised:
                pre.clean(address)
            assert "\n" not in str(raised.value)
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        pytest.importorskip("s3fs").S3FileSystem.clear_instance_cache()
        with pytest.raises(TableUnavailable, match=r"cannot be listed .*check the address, and the credentials"):
            pre.clean(f"{bucket}/orders", output=tmp_path / "out")


def test_without_the_extra_the_sentence_names_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fsspec.core", ModuleType("fsspec.core"))
    with opened(tmp_path) as pre, pytest.raises(TableUnavailable, match=r"install dp-tools\[s3\] for s3://"):
        pre.clean("s3://warehouse/orders")
