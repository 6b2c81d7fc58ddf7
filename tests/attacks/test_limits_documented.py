"""The table of limits says what the code does."""

from __future__ import annotations

from pathlib import Path

from dp_tools.mcp_server import body_limit, connections
from dp_tools.rules import checks
from dp_tools.tables.io import limits

PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "limits.md"


def test_the_documented_limits_are_those_of_the_code() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for limit in (
        f"{limits.COLUMNS:,}",
        f"{limits.CELLS // 10**6} million, or {limits.CELLS_PER_BYTE} for each byte",
        f"{limits.TEXT // 2**30} GiB, or {limits.TEXT_PER_BYTE} characters for each byte",
        f"{limits.LONGEST_RECORD // 2**20} Mi characters",
        f"{limits.NESTING} levels",
        f"{limits.UNPACKED // 2**20} MiB, or {limits.UNPACKED_PER_BYTE} bytes for each byte",
        f"{limits.HELD // 2**20} MiB |",
        f"{limits.QUERY_CHARACTERS:,} characters",
        f"{limits.QUERY_S} s; it stops",
        f"{limits.QUERY_STEPS // 10**6:,} million",
        f"{limits.QUERY_ROWS // 10**6} million |",
        f"{limits.DATABASE_MEMORY // 2**30} GiB",
        f"{checks.MAX_PARTS:,} parts, {checks.MAX_DEPTH} levels",
        f"{body_limit.BODY_BYTES // 2**20} MiB, {body_limit.VALUES:,} values",
        f"{body_limit.BODY_S:.0f} seconds | 408",
        f"{connections.HEADER_S:.0f} seconds | the connection",
        f"`/health` | {connections.REQUESTS} |",
        f"Open connections | {connections.CONNECTIONS} |",
    ):
        assert limit in text, limit
