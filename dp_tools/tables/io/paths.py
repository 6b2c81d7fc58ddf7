"""Where files may be read and written: only under the roots, and never half-written or over something that is there."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import tempfile
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from platformdirs import user_cache_path, user_data_path, user_documents_path, user_state_path

from dp_tools import leftovers
from dp_tools.errors import TableUnavailable

_APP = "dp-tools"
_JOINERS = "\u200c\u200d"
"""Invisible, but parts of words in several scripts."""


class Disk:
    """Any path, for a person at a shell, who reads and writes where they say."""

    trusted: bool = True
    """Whether whoever names a path may have any file replaced."""

    def to_read(self, path: str | Path) -> Path:
        """The real path of an existing file.

        Raises:
            TableUnavailable: it does not exist or is not a plain file.
        """
        real = self.real(path)
        _require_file(path, real, "give the path of a table")
        return real

    def to_write(self, path: str | Path, endings: Collection[str] = ()) -> Path:  # noqa: ARG002
        """The real path for a new file; its folder must exist.

        Args:
            path: where.
            endings: the endings that fit what will be written, in lower case.

        Raises:
            TableUnavailable: the folder does not exist.
        """
        real = self.real(path)
        if not real.parent.is_dir():
            raise TableUnavailable(f"There is no folder {real.parent}; make it first, or write elsewhere.")
        return real

    def real(self, path: str | Path) -> Path:
        """The path with links followed, whether or not something is there.

        Raises:
            TableUnavailable: it is not a path.
        """
        try:
            return self._absolute(path).resolve()
        except (OSError, RuntimeError, ValueError):
            raise TableUnavailable(f"{str(path)[:200]!r} is no path that can be followed; give another.") from None

    def folder_to_read(self, path: str | Path) -> Path:
        """The real path of an existing folder; each file in it is read as `to_read` allows.

        Raises:
            TableUnavailable: it does not exist.
        """
        real = self.real(path)
        _require_folder(path, real)
        return real

    def folder_to_write(self, path: str | Path) -> Path:
        """The real path of a folder that need not be there yet; each file in it is written as `to_write` allows.

        Raises:
            TableUnavailable: it cannot be there.
        """
        real = self.real(path)
        _require_place_for_folder(path, real)
        return real

    def require_address(self, address: str) -> None:
        """Refuse an address such as s3://bucket/folder where none may be used.

        Raises:
            TableUnavailable: none may be used.
        """

    def place(self, beside: Path) -> Path:
        """Where a file goes that is meant to stand there, beside its source."""
        return beside

    def granting(self, files: Iterable[Path]) -> Disk:  # noqa: ARG002
        """The same, with files that may be read besides."""
        return self

    def outside(self, paths: Iterable[str | Path]) -> list[Path]:  # noqa: ARG002
        """The real paths of those that only a person may let be read."""
        return []

    def _absolute(self, path: str | Path) -> Path:
        if "\x00" in str(path):
            raise TableUnavailable("A path cannot contain a NUL character; give another path.")
        return Path(path).expanduser().absolute()


@dataclass(frozen=True)
class Roots(Disk):
    """The folders in which the paths of agents may lie. Links are followed first, so that none can lead out.

    A relative path is looked for in each folder, and is in the first one if it is nowhere yet. Hidden files, and what
    dp-tools keeps for itself, are neither read nor written.

    Args:
        folders: the folders, resolved; see `Roots.of`.
        reserved: files and folders that a server uses itself: rules, tokens, jobs, caches.
        granted: files and folders outside the folders that a person let be read, resolved.
    """

    folders: tuple[Path, ...]
    reserved: tuple[Path, ...] = ()
    granted: frozenset[Path] = frozenset()
    trusted = False

    @classmethod
    def of(cls, folders: Sequence[str | Path] = (), *, reserved: Iterable[Path] = ()) -> Roots:
        """Roots from folder names; none given means `own_folder`, which is made when something is written there.

        Raises:
            TableUnavailable: a folder does not exist, or is where dp-tools keeps its own files.
        """
        found = []
        for folder in folders:
            path = Path(folder).expanduser()
            if not path.is_dir():
                raise TableUnavailable(f"{folder} is not a folder; start with roots that exist.")
            found.append(path.resolve())
        kept = (*_own_places(), *(path.expanduser().resolve() for path in reserved))
        roots = cls(tuple(found) or (own_folder().resolve(),), kept)
        for folder in roots.folders:
            if roots._is_reserved(folder):
                raise TableUnavailable(f"{folder} is where dp-tools keeps its own files; start with another root.")
        return roots

    def to_read(self, path: str | Path) -> Path:
        """The real path of an existing file under the roots.

        Raises:
            TableUnavailable: it does not exist, is not a plain file, lies outside, is hidden, or is dp-tools' own.
        """
        real = self.real(path)
        self._require_readable(path, real)
        _require_file(path, real, f"give a path to a file under {self}")
        return real

    def folder_to_read(self, path: str | Path) -> Path:
        """The real path of an existing folder under the roots.

        Raises:
            TableUnavailable: it does not exist, lies outside, is hidden, or is dp-tools' own.
        """
        real = self.real(path)
        self._require_readable(path, real)
        _require_folder(path, real)
        return real

    def folder_to_write(self, path: str | Path) -> Path:
        """The real path of a folder under the roots that need not be there yet.

        Raises:
            TableUnavailable: the path leads outside or through a link; it is hidden, is dp-tools' own, or is a file.
        """
        real = self.real(path)
        self._require_inside(path, real)
        self._require_no_link(path)
        self._require_not_reserved(path, real)
        if real.parent not in self.folders:
            _require_place_for_folder(path, real)
        return real

    def require_address(self, address: str) -> None:
        raise TableUnavailable(f"{address} is no path under {self}; copy it there, or run the job at a shell.")

    def to_write(self, path: str | Path, endings: Collection[str] = ()) -> Path:
        """The real path for a file under the roots that may be written; its folder must exist.

        Args:
            path: where.
            endings: the endings that it may have, in lower case.

        Raises:
            TableUnavailable: the folder does not exist; the path leads outside or through a link; it is hidden, is
                dp-tools' own, is no plain file, or has another ending.
        """
        real = self.real(path)
        self._require_inside(path, real)
        self._require_no_link(path)
        self._require_not_reserved(path, real)
        if real.suffix.lower() not in endings:
            raise TableUnavailable(f"{path} has an ending that does not fit: end it in {' or '.join(sorted(endings))}.")
        if (there := _status(real)) is not None and not stat.S_ISREG(there.st_mode):
            raise TableUnavailable(f"{path} is not a plain file; write elsewhere.")
        if not real.parent.is_dir() and real.parent not in self.folders:
            raise TableUnavailable(f"There is no folder {real.parent}; make it first, or write elsewhere.")
        return real

    def place(self, beside: Path) -> Path:
        """Where a file goes: beside its source, or in the first folder if the source lies outside the roots."""
        return beside if self._holds(beside) else self.folders[0] / beside.name

    def granting(self, files: Iterable[Path]) -> Roots:
        return replace(self, granted=self.granted | frozenset(files))

    def outside(self, paths: Iterable[str | Path]) -> list[Path]:
        """The real paths of those that lie outside the roots, which only a person may let be read.

        Nothing is said of whether they exist.

        Raises:
            TableUnavailable: one is not a path, or is dp-tools' own.
        """
        found = []
        for path in paths:
            real = self.real(path)
            if not self._holds(real):
                self._require_not_reserved(path, real)
                found.append(real)
        return list(dict.fromkeys(found))

    def _absolute(self, path: str | Path) -> Path:
        _require_visible(str(path))
        given = Path(path).expanduser()
        places = [given] if given.is_absolute() else [folder / given for folder in self.folders]
        found = next((place for place in places if place.exists()), places[0])
        # What a link leads to is named to a person, too.
        _require_visible(str(found.resolve()))
        return found

    def _holds(self, real: Path) -> bool:
        return any(real.is_relative_to(folder) for folder in self.folders)

    def _require_readable(self, path: str | Path, real: Path) -> None:
        if self.granted.isdisjoint((real, *real.parents)):
            self._require_inside(path, real)
        self._require_not_reserved(path, real)

    def _require_inside(self, path: str | Path, real: Path) -> None:
        folder = next((folder for folder in self.folders if real.is_relative_to(folder)), None)
        if folder is None:
            raise TableUnavailable(
                f"{path} lies outside {self}; move it there, or have the server started with --root and its folder."
            )
        if any(part.startswith(".") for part in real.relative_to(folder).parts):
            raise TableUnavailable(f"{path} is a hidden file or lies in a hidden folder; use another place.")

    def _require_no_link(self, path: str | Path) -> None:
        place = self._absolute(path)
        for part in (place, *place.parents):
            if part.is_symlink() and self._holds(part.parent.resolve()):
                raise TableUnavailable(f"{path} leads through the link {part}; write elsewhere.")

    def _require_not_reserved(self, path: str | Path, real: Path) -> None:
        if self._is_reserved(real):
            raise TableUnavailable(f"{path} is among the files that dp-tools keeps for itself; use another one.")

    def _is_reserved(self, real: Path) -> bool:
        """Also under another name: a hard link, or other letter case where the disk knows none."""
        if any(real.is_relative_to(path) for path in self.reserved):
            return True
        kept = [own for own in map(_status, self.reserved) if own is not None]
        places = [there for there in map(_status, (real, *real.parents)) if there is not None]
        return any(os.path.samestat(there, own) for there in places for own in kept)

    def __str__(self) -> str:
        return ", ".join(str(folder) for folder in self.folders)


def own_folder() -> Path:
    """The folder of the user's own in which agents read and write where no root was named."""
    return user_documents_path() / _APP


def _own_places() -> list[Path]:
    """Where dp-tools keeps rules, adapters, jobs, answers and optimized weights."""
    places = [place(_APP, appauthor=False) for place in (user_data_path, user_state_path, user_cache_path)]
    if adapters := os.environ.get("DP_TOOLS_ADAPTERS"):
        places.append(Path(adapters))
    if cache := os.environ.get("DP_TOOLS_CACHE"):
        places += [Path(cache) / "answers.db", Path(cache) / "models"]
    return [place.resolve() for place in places]


def _require_visible(path: str) -> None:
    """Refuse what a person who reads the path in a form or a terminal would not see as it is."""
    for character in path:
        if unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp") and character not in _JOINERS:
            raise TableUnavailable(
                f"A path cannot contain the character U+{ord(character):04X}; use one line of visible text."
            )


def _require_file(path: str | Path, real: Path, remedy: str) -> None:
    there = _status(real)
    if there is None:
        raise TableUnavailable(f"There is no file {path}; {remedy}.")
    if stat.S_ISDIR(there.st_mode):
        raise TableUnavailable(f"{path} is a folder, which only jobs on whole tables take; {remedy}.")
    if not stat.S_ISREG(there.st_mode):
        raise TableUnavailable(f"{path} is not a plain file; {remedy}.")


def _require_folder(path: str | Path, real: Path) -> None:
    if not real.is_dir():
        raise TableUnavailable(f"There is no folder {path}; give the path of a table.")


def _require_place_for_folder(path: str | Path, real: Path) -> None:
    if real.exists() and not real.is_dir():
        raise TableUnavailable(f"{path} is a file, and the parts of a table need a folder; write elsewhere.")
    if not real.parent.is_dir():
        raise TableUnavailable(f"There is no folder {real.parent}; make it first, or write elsewhere.")


def _status(path: Path) -> os.stat_result | None:
    """What the system says of a path; None where nothing is there, or it may not be looked at."""
    try:
        return path.stat()
    except OSError:
        return None


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


def make_folder(folder: Path) -> None:
    """Make a folder if it is not there yet, as `own_folder` may not be.

    Raises:
        TableUnavailable: the disk refuses.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _refused(folder, error) from None


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
