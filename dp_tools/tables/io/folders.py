"""Tables that lie in a folder of parts, on a disk or in object storage: listed, fetched and written part by part."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from dp_tools import leftovers
from dp_tools.errors import TableUnavailable
from dp_tools.tables.io.paths import Disk, fingerprint, make_folder, new_file

PART_ENDINGS = (".csv", ".tsv", ".parquet")
"""Endings that the parts of a table may have; all parts of one table have the same."""
_SCHEME = "://"


class PartFolder(Protocol):
    """A folder of files, each named by its path below the folder, with "/" between names."""

    @property
    def address(self) -> str:
        """Where it is."""

    def names(self) -> list[str]:
        """Its files, sorted; those that are hidden, or lie in a folder that is, and those that begin with "_" are left
        out."""

    def version(self, name: str) -> str:
        """A text that changes when the file does."""

    def fetched(self, name: str) -> contextlib.AbstractContextManager[Path]:
        """The file on this machine, for as long as the block lasts."""

    def put(self, made: Path, name: str, is_own: Callable[[str, str], bool]) -> None:
        """Put a copy of a file of this machine there, whole or not at all.

        Args:
            made: the file.
            name: its name in the folder.
            is_own: given where the file goes and the fingerprint of what is to go there, whether it may replace what
                stands there.
        """


def is_address(path: str | Path) -> bool:
    """Whether a path names a place that is no disk of this machine, such as s3://bucket/folder."""
    return _SCHEME in str(path)


def is_folder(path: str | Path, disk: Disk) -> bool:
    """Whether a table is a folder of parts."""
    return is_address(path) or disk.real(path).is_dir()


def open_folder(path: str | Path, disk: Disk) -> PartFolder:
    """A folder of parts, which need not exist yet.

    Raises:
        TableUnavailable: it may not be used, or its address cannot be reached.
    """
    if not is_address(path):
        return LocalFolder(disk.real(path), disk)
    disk.require_address(str(path))
    return RemoteFolder.of(str(path))


def folder_beside(address: str, word: str) -> str:
    """The folder beside another with a word behind its name: "orders" and "clean" give "orders.clean"."""
    return f"{address.rstrip('/')}.{word}"


def parts_of(folder: PartFolder) -> list[str]:
    """The parts of a table that lies in a folder, sorted.

    Raises:
        TableUnavailable: there are none, or not all files are parts of one table.
    """
    names = folder.names()
    if not names:
        raise TableUnavailable(f"{folder.address} holds no parts: give a folder of {_listed()} files.")
    endings = {name: PurePosixPath(name).suffix.lower() for name in names}
    odd = next((name for name, ending in endings.items() if ending not in PART_ENDINGS), None)
    if odd is not None:
        raise TableUnavailable(
            f"{odd} in {folder.address} is no part of a table: keep {_listed()} files alone in the folder."
        )
    if len(set(endings.values())) > 1:
        raise TableUnavailable(
            f"{folder.address} holds parts of several formats ({', '.join(sorted(set(endings.values())))}): "
            "give a folder of one."
        )
    return names


def digest_of_folder(folder: Path) -> str:
    """SHA-256 of a folder of this machine: the names and bytes of all its files.

    Raises:
        TableUnavailable: a file cannot be read.
    """
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(folder)}\n{fingerprint(path)}\n".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


@dataclass(frozen=True)
class LocalFolder:
    """A folder on a disk of this machine.

    Args:
        root: the folder.
        disk: where files may be read and written.
    """

    root: Path
    disk: Disk

    @property
    def address(self) -> str:
        return str(self.root)

    def names(self) -> list[str]:
        found = []
        for place, folders, files in os.walk(self.root):
            folders[:] = [folder for folder in folders if not folder.startswith((".", "_"))]
            found += [(Path(place) / file).relative_to(self.root).as_posix() for file in files if file[0] not in "._"]
        return sorted(found)

    def version(self, name: str) -> str:
        return fingerprint(self._read(name))

    @contextlib.contextmanager
    def fetched(self, name: str) -> Iterator[Path]:
        yield self._read(name)

    def put(self, made: Path, name: str, is_own: Callable[[str, str], bool]) -> None:
        target = self.root / name
        below = [self.root / parent for parent in PurePosixPath(name).parents]
        for folder in reversed(below):
            make_folder(self.disk.folder_to_write(folder))
        target = self.disk.to_write(target, {target.suffix.lower()})
        mark = fingerprint(made)
        if target.exists() and fingerprint(target) == mark:
            return
        with new_file(target, overwrite=is_own(str(target), mark)) as part:
            shutil.copyfile(made, part)

    def _read(self, name: str) -> Path:
        return self.disk.to_read(self.root / name)


@dataclass(frozen=True)
class RemoteFolder:
    """A folder that fsspec reaches: object storage, mostly. Credentials are those that its driver finds by itself.

    Args:
        address: as it was given, without a slash at the end.
        system: the file system.
        root: the folder in it.
    """

    address: str
    system: Any
    root: str

    @classmethod
    def of(cls, address: str) -> RemoteFolder:
        """The folder of an address.

        Raises:
            TableUnavailable: there is no driver for it, or it is no address.
        """
        scheme, _, rest = address.rstrip("/").partition(_SCHEME)
        if not rest:
            raise TableUnavailable(f"{address} names no folder; add the bucket and the folder.")
        try:
            from fsspec.core import url_to_fs  # an extra

            # What a listing said is not believed later: other processes write there, too.
            system, root = url_to_fs(address.rstrip("/"), use_listings_cache=False)
        except ImportError:
            raise TableUnavailable(
                f"{scheme}:// needs a driver of fsspec: install dp-tools[s3] for s3://, or gcsfs for gs://, adlfs for "
                "az://."
            ) from None
        except (ValueError, OSError) as error:
            raise TableUnavailable(f"{address} is no address that can be used ({_why(error)}).") from None
        return cls(address.rstrip("/"), system, str(root).rstrip("/"))

    def names(self) -> list[str]:
        with self._reached("be listed"):
            try:
                found = self.system.find(self.root)
            except FileNotFoundError:
                found = []
        below = f"{self.root}/"
        names = (path.removeprefix(below) for path in map(str, found) if path.startswith(below) and path[-1] != "/")
        return sorted(name for name in names if not any(part[:1] in ("", ".", "_") for part in name.split("/")))

    def version(self, name: str) -> str:
        with self._reached("be read", name):
            return str(self.system.ukey(self._place(name)))

    @contextlib.contextmanager
    def fetched(self, name: str) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="dp-tools-") as place:
            leftovers.note(Path(place))
            path = Path(place) / PurePosixPath(name).name
            with self._reached("be read", name):
                self.system.get_file(self._place(name), str(path))
            yield path

    def put(self, made: Path, name: str, is_own: Callable[[str, str], bool]) -> None:
        place = f"{self.address}/{name}"
        with self._reached("be written", name):
            is_there = self.system.exists(self._place(name))
        if not is_own(place, fingerprint(made)) and is_there:
            raise TableUnavailable(f"{place} already exists; write elsewhere, or ask for it to be overwritten.")
        with self._reached("be written", name):
            # Object storage shows a file once it is whole.
            self.system.put_file(str(made), self._place(name))

    def _place(self, name: str) -> str:
        return f"{self.root}/{name}"

    @contextlib.contextmanager
    def _reached(self, what: str, name: str = "") -> Iterator[None]:
        """Say what cannot be done in one sentence, whatever the driver raises."""
        try:
            yield
        except Exception as error:
            place = f"{self.address}/{name}" if name else self.address
            raise TableUnavailable(
                f"{place} cannot {what} ({_why(error)}); check the address, and the credentials in the environment."
            ) from None


def _why(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _listed() -> str:
    return f"{', '.join(PART_ENDINGS[:-1])} or {PART_ENDINGS[-1]}"
