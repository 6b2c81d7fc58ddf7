"""Rules as rows: read in any way, written only together with an entry in the history."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn

from rapidfuzz import fuzz, process
from sqlite_utils import Database

from dp_tools.errors import InvalidRequest, RuleRejected
from dp_tools.rules.rule import ALL, Example, Rule, Status
from dp_tools.rules.scope import key
from dp_tools.rules.store import history
from dp_tools.rules.vetting import vet, vet_text, vet_visible

_FIELDS = (
    "id",
    "version",
    "task",
    "dataset",
    "domain",
    "attribute",
    "topic",
    "statement",
    "check",
    "decides",
    "priority",
    "source",
    "status",
    "pack",
)
_SELECT = "SELECT rules.age, rules.examples, " + ", ".join(f'rules."{name}"' for name in _FIELDS) + " FROM rules"
_IN_SCOPE = """
INDEXED BY rules_in_scope WHERE status = 'active' AND dataset_key IN (?, 'all') AND domain_key IN ({domains})
AND attribute_key IN (?, 'all') AND task IN (?, 'all')
"""


class RuleTable:
    """The tables rules, examples, datasets and history. Its caller holds the transaction and the lock.

    Args:
        db: the store's database.
    """

    def __init__(self, db: Database) -> None:
        self.db = db

    # Reading

    def select(self, clause: str, values: Sequence[Any] = ()) -> tuple[Rule, ...]:
        """The rules that a clause behind FROM selects, in its order."""
        return tuple(rule for rule, _ in self._aged(clause, values))

    def find(self, rule_id: str) -> Rule | None:
        """One rule as it is now, or None."""
        return next(iter(self.select("WHERE id = ?", [rule_id])), None)

    def get(self, rule_id: str) -> Rule:
        """One rule as it is now.

        Raises:
            InvalidRequest: there is no such rule.
        """
        return self.find(rule_id) or self._no_rule(rule_id)

    def in_scope(
        self, task: str, dataset: str | None, attribute: str | None
    ) -> tuple[tuple[str, ...], tuple[tuple[Rule, int], ...]]:
        """The keys of the domains that hold, and the active rules with their age."""
        clause, values, domains = self._scope(task, dataset, attribute)
        return domains, self._aged(clause, values)

    def plan(self, task: str, dataset: str | None, attribute: str | None) -> tuple[str, ...]:
        """How SQLite looks up the rules of a scope, step by step, in its own words."""
        clause, values, _ = self._scope(task, dataset, attribute)
        return tuple(str(row[-1]) for row in self.db.execute(f"EXPLAIN QUERY PLAN {_SELECT} {clause}", values))

    def free_id(self, wanted: str) -> str:
        """The id, with a number behind it where it is taken."""
        taken = {
            row[0] for row in self.db.execute("SELECT id FROM rules WHERE id = ? OR id GLOB ?", [wanted, f"{wanted}-*"])
        }
        return next(
            name for name in (wanted, *(f"{wanted}-{n}" for n in range(2, len(taken) + 3))) if name not in taken
        )

    def equal_to(self, rule: Rule) -> Rule | None:
        """A rule that acts or is proposed and says the same of the same place; one that acts before a proposal."""
        clause = (
            "WHERE status IN ('active', 'proposed') AND task = ? AND dataset_key = ? AND domain_key = ?"
            " AND attribute_key = ? ORDER BY status, age"
        )
        place = [rule.task, key(rule.dataset), key(rule.domain), key(rule.attribute)]
        return next((known for known in self.select(clause, place) if _content(known) == _content(rule)), None)

    def _scope(
        self, task: str, dataset: str | None, attribute: str | None
    ) -> tuple[str, Sequence[str], tuple[str, ...]]:
        named = key(dataset or ALL)
        rows = self.db.execute("SELECT domain_key FROM datasets WHERE dataset_key = ?", [named])
        domains = tuple(dict.fromkeys((*(row[0] for row in rows), named, ALL)))
        clause = _IN_SCOPE.format(domains=", ".join("?" * len(domains)))
        return clause, [named, *domains, key(attribute or ALL), task], domains

    def _aged(self, clause: str, values: Sequence[Any]) -> tuple[tuple[Rule, int], ...]:
        rows = self.db.execute(f"{_SELECT} {clause}", values).fetchall()
        return tuple((self._rule(row), int(row[0])) for row in rows)

    def _rule(self, row: Sequence[Any]) -> Rule:
        body = dict(zip(_FIELDS, row[2:], strict=True))
        body["check"] = None if body["check"] is None else json.loads(str(body["check"]))
        if row[1]:
            body["examples"] = tuple(
                Example(case=json.loads(str(case)), label=label)
                for case, label in self.db.execute(
                    'SELECT "case", label FROM examples WHERE rule_id = ? ORDER BY position', [body["id"]]
                )
            )
        return Rule.model_validate(body)

    def _no_rule(self, rule_id: str) -> NoReturn:
        known = [row[0] for row in self.db.execute("SELECT id FROM rules LIMIT 10000")]
        near = process.extractOne(rule_id, known, scorer=fuzz.ratio, score_cutoff=70)
        raise InvalidRequest(f"There is no rule {rule_id[:100]!r}" + (f"; did you mean {near[0]}?" if near else "."))

    # Writing

    def add(self, rule: Rule, action: str, who: str, why: str) -> Rule:
        """Add a rule as version 1.

        Raises:
            RuleRejected: the rule is not acceptable, or its id is taken.
        """
        vet(rule)
        if self.db.execute("SELECT 1 FROM rules WHERE id = ?", [rule.id]).fetchone():
            raise RuleRejected(f"There is a rule {rule.id} already; change that one or choose another id.")
        fresh = rule.model_copy(update={"version": 1})
        row = _row(fresh)
        names = ", ".join(f'"{name}"' for name in row)
        self.db.execute(f"INSERT INTO rules ({names}) VALUES ({', '.join('?' * len(row))})", list(row.values()))
        self._put_examples(fresh)
        self.log(fresh.id, 1, action, who, why, fresh.model_dump(mode="json"))
        return fresh

    def replace(self, rule: Rule, action: str, who: str, why: str) -> Rule:
        """Put a rule in the place of the one with its id.

        Raises:
            RuleRejected: the rule is not acceptable.
        """
        vet(rule)
        row = _row(rule)
        sets = ", ".join(f'"{name}" = ?' for name in row)
        self.db.execute(f"UPDATE rules SET {sets} WHERE id = ?", [*row.values(), rule.id])
        self.db.execute("DELETE FROM examples WHERE rule_id = ?", [rule.id])
        self._put_examples(rule)
        self.log(rule.id, rule.version, action, who, why, rule.model_dump(mode="json"))
        return rule

    def move(self, rule_id: str, status: Status, action: str, who: str, why: str) -> Rule:
        """Give a rule another status.

        Raises:
            InvalidRequest: there is no such rule, or it has that status.
        """
        rule = self.get(rule_id)
        if rule.status == status:
            raise InvalidRequest(f"Rule {rule_id} is {status} already.")
        return self.replace(rule.model_copy(update={"status": status, "version": rule.version + 1}), action, who, why)

    def assign(self, dataset: str, domain: str, who: str, why: str) -> None:
        """Let a dataset belong to a domain.

        Raises:
            RuleRejected: a name is empty or holds control tokens.
        """
        for what, name in (("dataset", dataset), ("domain", domain)):
            vet_text(name, f"The name of the {what}")
            if key(name) in ("", ALL):
                raise RuleRejected(f"{name!r} cannot be the name of a {what}.")
        made = self.db.execute(
            "INSERT OR IGNORE INTO datasets VALUES (?, ?, ?, ?)", [key(dataset), key(domain), dataset, domain]
        ).rowcount
        if made:
            self.log(None, None, "assigned", who, why, {"dataset": dataset, "domain": domain})

    def unassign(self, dataset: str, domain: str, who: str, why: str) -> None:
        """Take a dataset out of a domain.

        Raises:
            InvalidRequest: it is not in that domain.
        """
        gone = self.db.execute(
            "DELETE FROM datasets WHERE dataset_key = ? AND domain_key = ?", [key(dataset), key(domain)]
        ).rowcount
        if not gone:
            raise InvalidRequest(f"{dataset} is not in the domain {domain}.")
        self.log(None, None, "unassigned", who, why, {"dataset": dataset, "domain": domain})

    def log(
        self, rule_id: str | None, version: int | None, action: str, who: str, why: str, body: Mapping[str, Any]
    ) -> None:
        """Append an entry to the history.

        Raises:
            InvalidRequest: nobody is named.
            RuleRejected: the name or the reason holds what cannot be seen.
        """
        if not who.strip():
            raise InvalidRequest("Say who makes the change: the history keeps it.")
        vet_visible(who, "The name of who makes the change")
        vet_visible(why, "The reason")
        last = self.db.execute("SELECT entry, hash FROM history ORDER BY entry DESC LIMIT 1").fetchone()
        number, previous = (last[0] + 1, last[1]) if last else (1, history.START)
        text = history.canonical(body)
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        content = (number, rule_id, version, action, who, why, at, text, previous)
        self.db.execute("INSERT INTO history VALUES (?,?,?,?,?,?,?,?,?,?)", [*content, history.entry_hash(*content)])

    def _put_examples(self, rule: Rule) -> None:
        for position, example in enumerate(rule.examples):
            self.db.execute(
                "INSERT INTO examples VALUES (?, ?, ?, ?)",
                [rule.id, position, history.canonical(example.case), example.label],
            )


def _content(rule: Rule) -> str:
    """What a rule says, whatever its id, its source and its status."""
    content = rule.model_dump(mode="json", include={"topic", "check", "decides", "examples", "priority"})
    return history.canonical([rule.statement.split(), content])


def _row(rule: Rule) -> dict[str, Any]:
    row = rule.model_dump(mode="json")
    row["check"] = None if rule.check is None else json.dumps(rule.check, ensure_ascii=False)
    row["examples"] = len(rule.examples)
    return row | {
        "dataset_key": key(rule.dataset),
        "domain_key": key(rule.domain),
        "attribute_key": key(rule.attribute),
    }
