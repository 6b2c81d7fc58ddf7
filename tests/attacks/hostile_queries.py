"""Queries that would take memory, time or more than reading: over eighty, some of them for both databases."""

from __future__ import annotations

ENDLESS = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT {} FROM r"
BOTH = [
    "",
    ";",
    "SELECT",
    "SELECT 1; DROP TABLE t",
    "SELECT 1) ; (SELECT 2",
    "DROP TABLE t",
    "INSERT INTO t VALUES (1, 'x')",
    "UPDATE t SET a = 0",
    "DELETE FROM t",
    "CREATE TABLE u (a INT)",
    "ATTACH 'other.db' AS other",
    "SELECT * FROM nowhere",
    "SELECT nothing FROM t",
    "SELECT * FROM t -- " + "x" * 20_000,
    ENDLESS.format("n"),
    ENDLESS.format("count(*)"),
    "SELECT count(*) FROM t a, t b, t c, t d, t e",
    "SELECT a.*, b.*, c.* FROM t a, t b, t c ORDER BY a.b || b.b || c.b",
    "SELECT a.b FROM t a, t b, t c, t d",
    "SELECT " + ", ".join(f"1 AS c{n}" for n in range(1_500)),
    "SELECT " + "(" * 3_000 + "1" + ")" * 3_000,
    "\x00",
    "SELECT '\x00'; DROP TABLE t",
]
SQLITE = [
    *BOTH,
    "SELECT hex(zeroblob(400000000))",
    "SELECT zeroblob(2000000000)",
    "SELECT randomblob(100000000)",
    "SELECT printf('%.*c', 500000000, 'x')",
    "SELECT replace(hex(zeroblob(8000000)), '0', 'aaaaaaaaaa')",
    "SELECT instr(hex(zeroblob(8000000)), hex(zeroblob(4000000)) || '1')",
    "SELECT hex(zeroblob(8000000)) LIKE '%0%0%0%0%0%0%0%0%1'",
    "SELECT group_concat(a.b) FROM t a, t b, t c, t d",
    "SELECT json_group_array(a.b) FROM t a, t b, t c, t d",
    "SELECT load_extension('x')",
    "SELECT readfile('/etc/passwd')",
    "SELECT writefile('x', 'y')",
    "SELECT * FROM pragma_database_list",
    "PRAGMA journal_mode = DELETE",
    "VACUUM INTO 'copy.db'",
]
DUCKDB = [
    *BOTH,
    "SELECT repeat('a', 1000000000)",
    "SELECT * FROM range(100000000000)",
    "SELECT count(*) FROM range(100000000000000)",
    "SELECT list(a.b) FROM t a, t b, t c, t d",
    "SELECT string_agg(a.b, ',') FROM t a, t b, t c, t d",
    "SELECT range(1000000000)",
    "SELECT lpad('', 1000000000, 'x')",
    "COPY t TO 'x.csv'",
    "EXPORT DATABASE 'x'",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM glob('/*')",
    "SET memory_limit = '100GB'",
    "SELECT getenv('HOME')",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SELECT * FROM sqlite_scan('t.db', 't')",
    "PRAGMA database_list",
    "CALL pragma_version()",
    "SELECT * FROM query('DROP TABLE t')",
    "SELECT regexp_matches(repeat('a', 100000), '(a|a)*b')",
]
MAY_BE_ANSWERED = frozenset(
    {
        "SELECT printf('%.*c', 500000000, 'x')",  # with NULL, where SQLite finds no room for it
        "SELECT " + ", ".join(f"1 AS c{n}" for n in range(1_500)),
        "SELECT regexp_matches(repeat('a', 100000), '(a|a)*b')",
        "SELECT hex(zeroblob(8000000)) LIKE '%0%0%0%0%0%0%0%0%1'",
        "SELECT " + "(" * 3_000 + "1" + ")" * 3_000,
        "CALL pragma_version()",
        "PRAGMA database_list",
    }
)
"""Harmless within the limits; all others have to be refused."""
