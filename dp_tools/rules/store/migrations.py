"""The schema of the knowledge store, as migrations that are applied once each and in order."""

from __future__ import annotations

from sqlite_utils import Database, Migrations

from dp_tools.rules.store import history

migrations = Migrations("dp-tools-knowledge")


@migrations()
def rules_examples_history(db: Database) -> None:
    """Rules as they are now, their examples, which datasets belong to which domains, packs, and the history."""
    for statement in (
        """
        CREATE TABLE rules (
            age INTEGER PRIMARY KEY AUTOINCREMENT,
            id TEXT NOT NULL UNIQUE,
            version INTEGER NOT NULL,
            task TEXT NOT NULL,
            dataset TEXT NOT NULL,
            domain TEXT NOT NULL,
            attribute TEXT NOT NULL,
            dataset_key TEXT NOT NULL,
            domain_key TEXT NOT NULL,
            attribute_key TEXT NOT NULL,
            topic TEXT NOT NULL,
            statement TEXT NOT NULL,
            "check" TEXT,
            settles TEXT NOT NULL,
            priority INTEGER NOT NULL,
            source TEXT NOT NULL,
            status TEXT NOT NULL CHECK (status IN ('proposed', 'active', 'retired')),
            pack TEXT NOT NULL,
            examples INTEGER NOT NULL
        )
        """,
        """
        CREATE INDEX rules_in_scope ON rules (dataset_key, domain_key, attribute_key, task) WHERE status = 'active'
        """,
        "CREATE INDEX rules_by_status ON rules (status)",
        "CREATE INDEX rules_by_pack ON rules (pack)",
        """
        CREATE TABLE examples (
            rule_id TEXT NOT NULL REFERENCES rules (id) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            "case" TEXT NOT NULL,
            label TEXT NOT NULL,
            PRIMARY KEY (rule_id, position)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE datasets (
            dataset_key TEXT NOT NULL,
            domain_key TEXT NOT NULL,
            dataset TEXT NOT NULL,
            domain TEXT NOT NULL,
            PRIMARY KEY (dataset_key, domain_key)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE packs (
            name TEXT PRIMARY KEY,
            version INTEGER NOT NULL,
            title TEXT NOT NULL,
            digest TEXT NOT NULL
        )
        """,
        """
        CREATE TABLE pack_rules (
            pack TEXT NOT NULL REFERENCES packs (name) ON DELETE CASCADE,
            rule_id TEXT NOT NULL REFERENCES rules (id),
            body TEXT NOT NULL,
            PRIMARY KEY (pack, rule_id)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE history (
            entry INTEGER PRIMARY KEY,
            rule_id TEXT REFERENCES rules (id),
            version INTEGER,
            action TEXT NOT NULL,
            who TEXT NOT NULL,
            why TEXT NOT NULL,
            at TEXT NOT NULL,
            body TEXT NOT NULL,
            previous TEXT NOT NULL,
            hash TEXT NOT NULL UNIQUE
        )
        """,
        "CREATE INDEX history_of_rule ON history (rule_id, version)",
        """
        CREATE TRIGGER history_is_not_changed BEFORE UPDATE ON history
        BEGIN SELECT RAISE(ABORT, 'the history is not changed'); END
        """,
        """
        CREATE TRIGGER history_is_not_shortened BEFORE DELETE ON history
        BEGIN SELECT RAISE(ABORT, 'the history is not shortened'); END
        """,
    ):
        db.execute(statement)
    db.table("rules").enable_fts(
        ["id", "statement", "dataset", "domain", "attribute", "topic"], create_triggers=True, tokenize="unicode61"
    )


@migrations()
def what_a_check_decides(db: Database) -> None:
    """What a check decides is the column `decides`, "fail" or "both"; it was `settles`, "failed" or "both"."""
    db.execute("ALTER TABLE rules RENAME COLUMN settles TO decides")
    db.execute("UPDATE rules SET decides = 'fail' WHERE decides = 'failed'")
    for pack, rule_id, body in db.execute("SELECT pack, rule_id, body FROM pack_rules").fetchall():
        db.execute(
            "UPDATE pack_rules SET body = ? WHERE pack = ? AND rule_id = ?",
            [history.canonical(history.read_body(body)), pack, rule_id],
        )


@migrations()
def labels_and_what_was_learned(db: Database) -> None:
    """Labels of a dataset's cases, and the versions of what was learned from them."""
    for statement in (
        """
        CREATE TABLE labels (
            dataset_key TEXT NOT NULL,
            task TEXT NOT NULL CHECK (task IN ('cells', 'pairs')),
            "case" TEXT NOT NULL,
            answer TEXT NOT NULL,
            who TEXT NOT NULL,
            at TEXT NOT NULL,
            PRIMARY KEY (dataset_key, task, "case")
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE learned (
            dataset_key TEXT NOT NULL,
            dataset TEXT NOT NULL,
            task TEXT NOT NULL CHECK (task IN ('cells', 'pairs')),
            version INTEGER NOT NULL,
            labels INTEGER NOT NULL,
            metric TEXT NOT NULL,
            before REAL NOT NULL,
            after REAL NOT NULL,
            body TEXT NOT NULL,
            who TEXT NOT NULL,
            at TEXT NOT NULL,
            PRIMARY KEY (dataset_key, task, version)
        ) WITHOUT ROWID
        """,
    ):
        db.execute(statement)
