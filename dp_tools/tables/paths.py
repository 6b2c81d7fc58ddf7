"""Where files may be read and written: only under the roots, and never half-written or over something that is there."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dp_tools import leftovers
from dp_tools.errors import TableUnavailable


@dataclass(frozen=True)
class Roots:
    """The folders in which paths may lie. Symlinks are resolved first, so a link cannot lead out.

    A relative path is looked for in each folder, and is in the first one if it is nowhere yet.

    Args:
        folders: the folders, resolved; see `Roots.of`.
    """

    folders: tuple[Path, ...]

    @classmethod
    def of(cls, folders: Sequence[str | Path] = ()) -> Roots:
        """Roots from folder names; none given means the current folder.

        Raises:
            TableUnavailable: a folder does not exist.
        """
        found = []
        for folder in folders or (Path.cwd(),):
            path = Path(folder).expanduser()
            if not path.is_dir():
                raise TableUnavailable(f"{folder} is not a folder; start with roots that exist.")
            found.append(path.resolve())
        return cls(tuple(found))

    def to_read(self, path: str | Path) -> Path:
        """The real path of an existing file under the roots.

        Raises:
            TableUnavailable: it does not exist, is not a plain file, or lies outside.
        """
        real = self._inside(path)
        if not real.exists():
            raise TableUnavailable(f"There is no file {path}; give a path to a file under {self}.")
        if not real.is_file():
            raise TableUnavailable(f"{path} is not a plain file; give a path to a file under {self}.")
        return real

    def to_write(self, path: str | Path) -> Path:
        """The real path for a new file under the roots; its folder must exist.

        Raises:
            TableUnavailable: the folder does not exist, or the path leads outside.
        """
        real = self._inside(path)
        if not real.parent.is_dir():
            raise TableUnavailable(f"There is no folder {real.parent}; make it first, or write elsewhere.")
        return real

    def _inside(self, path: str | Path) -> Path:
        if "\x00" in str(path):
            raise TableUnavailable("A path cannot contain a NUL character; give another path.")
        try:
            given = Path(path).expanduser()
            places = [given] if given.is_absolute() else [folder / given for folder in self.folders]
            real = next((place for place in places if place.exists()), places[0]).resolve()
        except (OSError, RuntimeError, ValueError):
            raise TableUnavailable(f"{str(path)[:200]!r} is no path that can be followed; give another.") from None
        if not any(real.is_relative_to(folder) for folder in self.folders):
            raise TableUnavailable(f"{path} lies outside {self}; move it there, or start with another root.")
        return real

    def __str__(self) -> str:
        return ", ".join(str(folder) for folder in self.folders)


@contextlib.contextmanager
def new_file(target: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """A path beside `target` to write to, which becomes `target` in one step when the block ends well.

    Args:
        target: where the file is to stand.
        overwrite: whether a file that already stands there may be replaced.

    Raises:
        TableUnavailable: something stands there already, or the disk refuses; nothing is left behind then.
    """
    _refuse_existing(target, overwrite)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
        os.close(handle)
    except OSError as error:
        raise _refused(target, error) from None
    part = Path(name)
    leftovers.note(part)
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.chmod(0o666 & ~_umask())
        if overwrite:
            part.replace(target)
        else:
            _place(part, target)
    except OSError as error:
        raise _refused(target, error) from None
    finally:
        part.unlink(missing_ok=True)


def fingerprint(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex.

    Raises:
        TableUnavailable: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise TableUnavailable(
            f"{path} cannot be read ({error.strerror}); check that it exists and is yours."
        ) from None


def beside(path: Path, word: str, suffix: str | None = None) -> Path:
    """The path beside `path` with a word before its suffix: "beers.csv" and "clean" give "beers.clean.csv"."""
    return path.with_name(f"{path.stem}.{word}{path.suffix if suffix is None else suffix}")


def _refuse_existing(target: Path, overwrite: bool) -> None:
    if target.is_dir():
        raise TableUnavailable(f"{target} is a folder; give the name of a file.")
    if target.exists() and not overwrite:
        raise TableUnavailable(f"{target} already exists; write elsewhere, or ask for it to be overwritten.")


def _place(part: Path, target: Path) -> None:
    """Move without ever replacing what another process put there meanwhile."""
    try:
        os.link(part, target)
    except FileExistsError:
        _refuse_existing(target, False)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK):
            raise
        _refuse_existing(target, False)
        part.replace(target)


def _refused(target: Path, error: OSError) -> TableUnavailable:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return TableUnavailable(f"There is no room left to write {target}; free some and run it again.")
    return TableUnavailable(f"{target} cannot be written ({error.strerror or error}); write elsewhere.")


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
