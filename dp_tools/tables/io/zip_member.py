"""One member of a zip archive replaced, every other byte of the archive as it was, and the exact way back."""

from __future__ import annotations

import base64
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO, Any

from dp_tools.errors import TableUnavailable

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_LARGE = 0xFFFFFFFF
_SIZES_FOLLOW = 0x08
_CHUNK = 2**20


def replace_member(source: Path, name: str, content: Iterable[bytes], target: Path) -> dict[str, Any]:
    """Write the archive with another content of one member.

    Args:
        source: the archive.
        name: the member.
        content: its new content, in pieces.
        target: where to write.

    Returns:
        What `put_member_back` needs: positions in the new archive, and the bytes that stood there (base64).

    Raises:
        TableUnavailable: the archive is larger than 4 GB.
    """
    with zipfile.ZipFile(source) as archive:
        info = archive.getinfo(name)
        start, directory = info.header_offset, archive.start_dir
        end = min((other.header_offset for other in archive.filelist if other.header_offset > start), default=directory)
        first = archive.filelist[0].header_offset
    with source.open("rb") as old, target.open("wb") as new:
        _copy(old, new, start)
        member = old.read(end - start)
        sums = _write_member(new, member, content)
        new_end = new.tell()
        _copy(old, new, directory - end)
        new_directory = new.tell()
        tail = old.read()
        new.write(_moved(tail, first, start, new_end - end, sums, source.name))
    return {
        "member": [start, new_end, base64.b64encode(member).decode()],
        "directory": [new_directory, base64.b64encode(tail).decode()],
    }


def put_member_back(source: Path, way_back: Mapping[str, Any], target: Path) -> None:
    """Write the archive as it was before `replace_member`.

    Raises:
        TableUnavailable: the way back is not one.
    """
    try:
        start, end, member = way_back["member"]
        directory, tail = way_back["directory"]
        with source.open("rb") as new, target.open("wb") as old:
            _copy(new, old, start)
            old.write(base64.b64decode(member))
            new.seek(end)
            _copy(new, old, directory - end)
            old.write(base64.b64decode(tail))
    except (KeyError, TypeError, ValueError):
        raise TableUnavailable(f"The change log of {source.name} does not say what was there before.") from None


def _write_member(new: IO[bytes], member: bytes, content: Iterable[bytes]) -> tuple[int, int, int]:
    """Write a member with the name and date of the old one; returns checksum, size compressed, and size."""
    signature, needed, flags, _, time, date, *_, length, _ = _LOCAL.unpack_from(member)
    name = member[_LOCAL.size : _LOCAL.size + length]
    start, checksum, size = new.tell(), 0, 0
    new.write(bytes(_LOCAL.size) + name)
    compress = zlib.compressobj(wbits=-15)
    for piece in content:
        checksum, size = zlib.crc32(piece, checksum), size + len(piece)
        new.write(compress.compress(piece))
    new.write(compress.flush())
    end = new.tell()
    compressed = end - start - _LOCAL.size - length
    new.seek(start)
    method = zipfile.ZIP_DEFLATED
    new.write(
        _LOCAL.pack(
            signature,
            max(needed, 20),
            flags & ~_SIZES_FOLLOW,
            method,
            time,
            date,
            checksum,
            compressed,
            size,
            length,
            0,
        )
    )
    new.seek(end)
    return checksum, compressed, size


def _moved(tail: bytes, first: int, start: int, delta: int, sums: tuple[int, int, int], name: str) -> bytes:
    """The archive's directory with the new sums of the member at `start`, and all that follows it moved by `delta`."""
    parts, place, before = [], 0, None
    while tail[place : place + 4] == b"PK\x01\x02":
        entry = list(_CENTRAL.unpack_from(tail, place))
        if _LARGE in (entry[8], entry[9], entry[16]):
            raise _too_large(name)
        if before is None:
            before = first - entry[16]
        offset = entry[16] + before
        if offset == start:
            entry[3] &= ~_SIZES_FOLLOW
            entry[4] = zipfile.ZIP_DEFLATED
            entry[7:10] = sums
        elif offset > start:
            entry[16] += delta
        rest = place + _CENTRAL.size
        place = rest + entry[10] + entry[11] + entry[12]
        parts += [_CENTRAL.pack(*entry), tail[rest:place]]
    if tail[place : place + 4] != b"PK\x05\x06":
        raise _too_large(name)
    end = list(_END.unpack_from(tail, place))
    end[6] += delta
    return b"".join((*parts, _END.pack(*end), tail[place + _END.size :]))


def _too_large(name: str) -> TableUnavailable:
    return TableUnavailable(f"{name} is packed in a way for archives of more than 4 GB; save it again, or as .csv.")


def _copy(source: IO[bytes], target: IO[bytes], count: int) -> None:
    while count > 0:
        piece = source.read(min(count, _CHUNK))
        if not piece:
            return
        target.write(piece)
        count -= len(piece)
