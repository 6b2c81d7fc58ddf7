"""The knowledge store: what the user owns. Rules, examples, packs and a history that proves itself, in SQLite."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from rapidfuzz import fuzz, process

from dp_tools.errors import InvalidRequest, RuleRejected
from dp_tools.rules import history, packs
from dp_tools.rules.history import Entry, Verification
from dp_tools.rules.injection import Injection
from dp_tools.rules.injector import Selection, call_rules, estimate_tokens
from dp_tools.rules.knowledge_file import KnowledgeFile
from dp_tools.rules.packs import Conflict, Installed, Pack
from dp_tools.rules.rule import ALL, Example, Rule, Source, Status
from dp_tools.rules.scope import holds, key
from dp_tools.rules.vetting import parse, vet, vet_text, vet_visible

_COLUMNS = (
    'id, version, task, dataset, domain, attribute, topic, statement, "check", settles, priority, source, status, pack'
)
_IN_SCOPE = f"""
SELECT age, examples, {_COLUMNS} FROM rules INDEXED BY rules_in_scope
WHERE status = 'active' AND dataset_key IN (?, 'all') AND domain_key IN ({{domains}})
AND attribute_key IN (?, 'all') AND task IN (?, 'all')
"""
_YOUNGEST = 2**62


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset that the store knows, with its domains and the number of active rules that name it."""

    name: str
    domains: tuple[str, ...]
    rules: int


@dataclass(frozen=True, slots=True)
class InstalledPack:
    """A pack in the store, with the number of its rules that act."""

    name: str
    version: int
    title: str
    rules: int


class KnowledgeStore:
    """Rules in one SQLite file. Safe to use from several threads and several processes at once.

    Every method that writes takes `who` (person, agent or pack) and `why`, writes one transaction, and appends to the
    history. Every method raises KnowledgeUnavailable when the file cannot be read or written.
    """

    def __init__(self, file: KnowledgeFile) -> None:
        """Use `KnowledgeStore.open`."""
        self._file = file
        self._db = file.db
        self.path = file.path
        """The file, or None when the store is in memory."""

    @classmethod
    def open(cls, path: Path | str | None = None, *, import_shipped: bool = True) -> KnowledgeStore:
        """Open the store, making it when it is not there.

        Args:
            path: the SQLite file; None is the user's own, ":memory:" one that ends with the process.
            import_shipped: install or upgrade the packs that come with dp-tools, keeping the user's edits.

        Raises:
            KnowledgeUnavailable: not a SQLite file, made by a newer dp-tools, or not readable and writable.
        """
        store = cls(KnowledgeFile.open(path))
        try:
            if import_shipped:
                store._install_shipped()
        except BaseException:
            store.close()
            raise
        return store

    def close(self) -> None:
        """Close the file. Closing twice is harmless."""
        self._file.close()

    def __enter__(self) -> KnowledgeStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Injecting

    def inject(
        self,
        *,
        task: str,
        dataset: str | None,
        attribute: str | None,
        extra: Sequence[str] = (),
        trying: Sequence[Rule] = (),
        budget: int = 400,
        count: Callable[[str], int] | None = None,
    ) -> Injection:
        """The knowledge that holds for a task on a dataset and attribute.

        Args:
            task: the task's name.
            dataset: the dataset the case is from, or None. A domain's name works too: its rules hold.
            attribute: the attribute the question is about, or None.
            extra: the call's own rules. They bind like rules for this dataset and attribute and are not stored.
            trying: rules to judge as if they were active, each where its own scope holds; they are not stored. One of
                the same id in the store stands back for it.
            budget: tokens that the statements may take together.
            count: counts a statement's tokens; by default a careful estimate.

        Raises:
            RuleRejected: an extra rule holds control tokens, line breaks or too much text.
        """
        called = call_rules(extra, task=task, dataset=dataset, attribute=attribute)
        domains, found = self._file.read(lambda: self._in_scope(task, dataset, attribute))
        replaced = {rule.id for rule in trying}
        tried = ((rule, _YOUNGEST) for rule in trying if holds(rule, task, dataset, domains, attribute))
        kept = (pair for pair in found if pair[0].id not in replaced)
        return Selection(task, dataset, attribute, (*kept, *tried, *called), budget, count or estimate_tokens)

    # Reading

    def get(self, rule_id: str) -> Rule:
        """One rule as it is now.

        Raises:
            InvalidRequest: there is no such rule.
        """
        return self._file.read(lambda: self._get(rule_id))

    def list(
        self,
        *,
        task: str | None = None,
        dataset: str | None = None,
        domain: str | None = None,
        attribute: str | None = None,
        status: Status | None = None,
        source: Source | None = None,
        pack: str | None = None,
        limit: int = 1000,
        offset: int = 0,
    ) -> tuple[Rule, ...]:
        """Rules that name exactly what is given, oldest first."""
        wanted: dict[str, str | None] = {
            "task": task,
            "dataset_key": None if dataset is None else key(dataset),
            "domain_key": None if domain is None else key(domain),
            "attribute_key": None if attribute is None else key(attribute),
            "status": status,
            "source": source,
            "pack": pack,
        }
        given = {column: value for column, value in wanted.items() if value is not None}
        where = " AND ".join(f"{column} = ?" for column in given) or "1"
        query = f"SELECT age, examples, {_COLUMNS} FROM rules WHERE {where} ORDER BY age LIMIT ? OFFSET ?"
        return self._file.read(lambda: self._rules(query, [*given.values(), limit, offset]))

    def search(self, text: str, *, limit: int = 20) -> tuple[Rule, ...]:
        """Rules with all these words, in their statement, id or scope, best match first. Any text is only words."""
        words = [word.replace('"', '""') for word in text.replace("\x00", " ").split()[:32]]
        if not words:
            return ()
        match = " ".join(f'"{word}"*' for word in words)
        columns = ", ".join(f"rules.{column.strip()}" for column in ("age", "examples", *_COLUMNS.split(",")))
        query = f"""
        SELECT {columns} FROM rules_fts JOIN rules ON rules.age = rules_fts.rowid
        WHERE rules_fts MATCH ? ORDER BY rules_fts.rank LIMIT ?
        """
        return self._file.read(lambda: self._rules(query, [match, limit]))

    def history(self, rule_id: str | None = None, *, limit: int = 1000) -> tuple[Entry, ...]:
        """The changes to one rule, or to everything, oldest first; of a longer history the last `limit`.

        Raises:
            InvalidRequest: there is no such rule.
        """

        def read() -> tuple[Entry, ...]:
            if rule_id is not None:
                self._get(rule_id)
            where, values = ("WHERE rule_id = ?", [rule_id]) if rule_id is not None else ("", [])
            rows = self._db.execute(f"SELECT * FROM history {where} ORDER BY entry DESC LIMIT ?", [*values, limit])
            return tuple(
                Entry(number, rule, version, action, who, why, at, json.loads(body), previous, kept)
                for number, rule, version, action, who, why, at, body, previous, kept in reversed(rows.fetchall())
            )

        return self._file.read(read)

    def verify(self, *, head: str | None = None) -> Verification:
        """Whether the history is whole and the rules in force are what it says.

        Args:
            head: the hash of an entry kept elsewhere from an earlier verification; it must still be in the history,
                which proves that the end was not cut off and rewritten.
        """
        return self._file.read(lambda: self._file.snapshot(lambda: self._verify(head)))

    def datasets(self) -> tuple[Dataset, ...]:
        """Datasets that belong to a domain or that an active rule names, by name."""

        def read() -> tuple[Dataset, ...]:
            names: dict[str, str] = {}
            domains: dict[str, list[str]] = {}
            counts: dict[str, int] = {}
            for dataset_key, dataset, domain in self._db.execute(
                "SELECT dataset_key, dataset, domain FROM datasets ORDER BY domain_key"
            ):
                names.setdefault(dataset_key, dataset)
                domains.setdefault(dataset_key, []).append(domain)
            for dataset_key, dataset, rules in self._db.execute(
                "SELECT dataset_key, min(dataset), count(*) FROM rules"
                " WHERE status = 'active' AND dataset_key <> 'all' GROUP BY dataset_key"
            ):
                names.setdefault(dataset_key, dataset)
                counts[dataset_key] = rules
            return tuple(
                Dataset(names[name], tuple(domains.get(name, ())), counts.get(name, 0)) for name in sorted(names)
            )

        return self._file.read(read)

    def packs(self) -> tuple[InstalledPack, ...]:
        """The packs in the store, by name."""

        def read() -> tuple[InstalledPack, ...]:
            rows = self._db.execute(
                "SELECT name, packs.version, title,"
                " (SELECT count(*) FROM rules WHERE pack = name AND status = 'active') FROM packs ORDER BY name"
            )
            return tuple(InstalledPack(*row) for row in rows.fetchall())

        return self._file.read(read)

    def plan(self, *, task: str, dataset: str | None, attribute: str | None) -> tuple[str, ...]:
        """How SQLite looks up the rules of a scope, step by step, in its own words."""

        def read() -> tuple[str, ...]:
            query, values, _ = self._scope_query(task, dataset, attribute)
            return tuple(str(row[-1]) for row in self._db.execute(f"EXPLAIN QUERY PLAN {query}", values))

        return self._file.read(read)

    # Writing

    def add(self, rule: Rule, *, who: str, why: str = "") -> Rule:
        """Add a rule that a person stands behind; it acts from now on, unless its status says otherwise.

        Raises:
            RuleRejected: the rule is not acceptable, or its id is taken.
        """
        return self._file.write(lambda: self._add(rule, "added", who, why))

    def add_all(self, rules: Iterable[Rule], *, who: str, why: str = "") -> tuple[Rule, ...]:
        """Add many rules in one transaction: all or none."""
        return self._file.write(lambda: tuple(self._add(rule, "added", who, why) for rule in rules))

    def propose(self, rule: Rule, *, who: str, why: str = "") -> Rule:
        """Add a rule that does not act until a person accepts it. A taken id gets a number behind it.

        Raises:
            RuleRejected: the rule is not acceptable.
        """

        def write() -> Rule:
            source: Source = rule.source if rule.source in ("mined", "learned") else "agent"
            free = self._free_id(rule.id)
            return self._add(
                rule.model_copy(update={"id": free, "status": "proposed", "source": source, "version": 1, "pack": ""}),
                "proposed",
                who,
                why,
            )

        return self._file.write(write)

    def change(self, rule_id: str, *, who: str, why: str = "", **fields: Any) -> Rule:
        """Change fields of a rule; the version counts up and the old one stays in the history.

        Args:
            fields: any of task, dataset, domain, attribute, topic, statement, check, settles, examples, priority.

        Raises:
            InvalidRequest: there is no such rule.
            RuleRejected: the changed rule is not acceptable.
        """
        fixed = sorted({"id", "version", "status", "source", "pack"} & fields.keys())
        if fixed:
            raise RuleRejected(f"{fixed[0]} of a rule cannot be changed; retire the rule and add another.")

        def write() -> Rule:
            rule = self._get(rule_id)
            changed = parse({**rule.model_dump(mode="json"), **_plain(fields), "version": rule.version + 1})
            return self._replace(changed, "changed", who, why)

        return self._file.write(write)

    def accept(self, rule_id: str, *, who: str, why: str = "") -> Rule:
        """A person accepts a proposed or retired rule: it acts from now on."""
        return self._file.write(lambda: self._move(rule_id, "active", "accepted", who, why))

    def reject(self, rule_id: str, *, who: str, why: str = "") -> Rule:
        """A person rejects a proposal: it is retired and stays in the history."""

        def write() -> Rule:
            if self._get(rule_id).status != "proposed":
                raise InvalidRequest(f"Rule {rule_id} is not a proposal; retire it instead.")
            return self._move(rule_id, "retired", "rejected", who, why)

        return self._file.write(write)

    def retire(self, rule_id: str, *, who: str, why: str = "") -> Rule:
        """Take a rule out of force; it stays in the store and its history."""
        return self._file.write(lambda: self._move(rule_id, "retired", "retired", who, why))

    def restore(self, rule_id: str, version: int, *, who: str, why: str = "") -> Rule:
        """Make an earlier version the current one, as a new version.

        Raises:
            InvalidRequest: there is no such rule or version.
        """

        def write() -> Rule:
            rule = self._get(rule_id)
            row = self._db.execute(
                "SELECT body FROM history WHERE rule_id = ? AND version = ? ORDER BY entry DESC LIMIT 1",
                [rule_id, version],
            ).fetchone()
            if row is None:
                raise InvalidRequest(f"Rule {rule_id} has no version {version}; it has 1 to {rule.version}.")
            restored = parse({**json.loads(row[0]), "version": rule.version + 1})
            return self._replace(restored, "restored", who, why or f"version {version}")

        return self._file.write(write)

    def assign(self, dataset: str, domain: str, *, who: str, why: str = "") -> None:
        """Let a dataset belong to a domain, so that the domain's rules hold for it.

        Raises:
            RuleRejected: a name is empty or holds control tokens.
        """
        self._file.write(lambda: self._assign(dataset, domain, who, why))

    def unassign(self, dataset: str, domain: str, *, who: str, why: str = "") -> None:
        """Take a dataset out of a domain.

        Raises:
            InvalidRequest: it is not in that domain.
        """

        def write() -> None:
            gone = self._db.execute(
                "DELETE FROM datasets WHERE dataset_key = ? AND domain_key = ?", [key(dataset), key(domain)]
            ).rowcount
            if not gone:
                raise InvalidRequest(f"{dataset} is not in the domain {domain}.")
            self._log(None, None, "unassigned", who, why, {"dataset": dataset, "domain": domain})

        self._file.write(write)

    # Packs

    def install(self, pack: Pack, *, who: str, why: str = "") -> Installed:
        """Install a pack or a new version of it. What the user changed, retired or wrote stays as it is.

        Raises:
            RuleRejected: a newer version is installed, or its name is that of a pack that comes with dp-tools.
        """
        if any(file.stem == pack.name for file in packs.shipped()):
            raise RuleRejected(f"{pack.name} is the name of a pack that comes with dp-tools; choose another name.")
        return self._file.write(lambda: self._install(pack, who, why))

    def export(
        self, name: str, *, title: str = "", dataset: str | None = None, domain: str | None = None, version: int = 1
    ) -> Pack:
        """The active rules of a pack, dataset or domain as a pack; `packs.dump_pack` writes it.

        Args:
            name: the pack's name. Of an installed pack its rules, title and version are taken.
            dataset: take the rules that name this dataset instead.
            domain: take the rules that name this domain instead.

        Raises:
            InvalidRequest: there is no such rule to export.
        """

        def read() -> Pack:
            installed = self._db.execute("SELECT version, title FROM packs WHERE name = ?", [name]).fetchone()
            if dataset is not None or domain is not None:
                given = {"dataset_key": dataset, "domain_key": domain}
                wanted = {column: key(value) for column, value in given.items() if value is not None}
            else:
                wanted = {"pack": name}
            where = " AND ".join(f"{column} = ?" for column in wanted)
            query = f"SELECT age, examples, {_COLUMNS} FROM rules WHERE status = 'active' AND {where} ORDER BY age"
            rules = self._rules(query, list(wanted.values()))
            if not rules:
                raise InvalidRequest(f"There are no active rules to export as {name}.")
            named = {key(rule.dataset) for rule in rules}, {key(rule.domain) for rule in rules}
            memberships = tuple(
                (row[0], row[1])
                for row in self._db.execute("SELECT dataset, domain, dataset_key, domain_key FROM datasets").fetchall()
                if row[2] in named[0] or row[3] in named[1]
            )
            shipped = tuple(
                rule.model_copy(update={"version": 1, "source": "pack", "pack": name, "status": "active"})
                for rule in rules
            )
            kept_version, kept_title = installed or (version, title)
            return Pack(name, kept_version, title or kept_title, memberships, shipped)

        return self._file.read(read)

    # Inside

    def _in_scope(
        self, task: str, dataset: str | None, attribute: str | None
    ) -> tuple[tuple[str, ...], tuple[tuple[Rule, int], ...]]:
        """The keys of the domains that hold, and the active rules with their age."""
        query, values, domains = self._scope_query(task, dataset, attribute)
        rows = self._db.execute(query, values).fetchall()
        return domains, tuple((self._rule(row), int(row[0])) for row in rows)

    def _scope_query(
        self, task: str, dataset: str | None, attribute: str | None
    ) -> tuple[str, Sequence[str], tuple[str, ...]]:
        named = key(dataset or ALL)
        rows = self._db.execute("SELECT domain_key FROM datasets WHERE dataset_key = ?", [named])
        domains = tuple(dict.fromkeys((*(row[0] for row in rows), named, ALL)))
        query = _IN_SCOPE.format(domains=", ".join("?" * len(domains)))
        return query, [named, *domains, key(attribute or ALL), task], domains

    def _get(self, rule_id: str) -> Rule:
        rows = self._rules(f"SELECT age, examples, {_COLUMNS} FROM rules WHERE id = ?", [rule_id])
        if not rows:
            self._no_rule(rule_id)
        return rows[0]

    def _no_rule(self, rule_id: str) -> NoReturn:
        known = [row[0] for row in self._db.execute("SELECT id FROM rules LIMIT 10000")]
        near = process.extractOne(rule_id, known, scorer=fuzz.ratio, score_cutoff=70)
        raise InvalidRequest(f"There is no rule {rule_id[:100]!r}" + (f"; did you mean {near[0]}?" if near else "."))

    def _rules(self, query: str, values: Sequence[Any]) -> tuple[Rule, ...]:
        return tuple(self._rule(row) for row in self._db.execute(query, values).fetchall())

    def _rule(self, row: Sequence[Any]) -> Rule:
        """A rule from a row of (age, examples, *_COLUMNS)."""
        body = dict(zip((name.strip().strip('"') for name in _COLUMNS.split(",")), row[2:], strict=True))
        body["check"] = None if body["check"] is None else json.loads(body["check"])
        if row[1]:
            body["examples"] = tuple(
                Example(case=json.loads(case), label=label)
                for case, label in self._db.execute(
                    'SELECT "case", label FROM examples WHERE rule_id = ? ORDER BY position', [body["id"]]
                )
            )
        return Rule.model_validate(body)

    def _free_id(self, wanted: str) -> str:
        taken = {
            row[0]
            for row in self._db.execute("SELECT id FROM rules WHERE id = ? OR id GLOB ?", [wanted, f"{wanted}-*"])
        }
        return next(
            name for name in (wanted, *(f"{wanted}-{n}" for n in range(2, len(taken) + 3))) if name not in taken
        )

    def _add(self, rule: Rule, action: str, who: str, why: str) -> Rule:
        vet(rule)
        if self._db.execute("SELECT 1 FROM rules WHERE id = ?", [rule.id]).fetchone():
            raise RuleRejected(f"There is a rule {rule.id} already; change that one or choose another id.")
        fresh = rule.model_copy(update={"version": 1})
        row = _row(fresh)
        names = ", ".join(f'"{name}"' for name in row)
        self._db.execute(f"INSERT INTO rules ({names}) VALUES ({', '.join('?' * len(row))})", list(row.values()))
        self._put_examples(fresh)
        self._log(fresh.id, 1, action, who, why, fresh.model_dump(mode="json"))
        return fresh

    def _replace(self, rule: Rule, action: str, who: str, why: str) -> Rule:
        vet(rule)
        row = _row(rule)
        sets = ", ".join(f'"{name}" = ?' for name in row)
        self._db.execute(f"UPDATE rules SET {sets} WHERE id = ?", [*row.values(), rule.id])
        self._db.execute("DELETE FROM examples WHERE rule_id = ?", [rule.id])
        self._put_examples(rule)
        self._log(rule.id, rule.version, action, who, why, rule.model_dump(mode="json"))
        return rule

    def _move(self, rule_id: str, status: Status, action: str, who: str, why: str) -> Rule:
        rule = self._get(rule_id)
        if rule.status == status:
            raise InvalidRequest(f"Rule {rule_id} is {status} already.")
        return self._replace(rule.model_copy(update={"status": status, "version": rule.version + 1}), action, who, why)

    def _put_examples(self, rule: Rule) -> None:
        for position, example in enumerate(rule.examples):
            self._db.execute(
                "INSERT INTO examples VALUES (?, ?, ?, ?)",
                [rule.id, position, history.canonical(example.case), example.label],
            )

    def _assign(self, dataset: str, domain: str, who: str, why: str) -> None:
        for what, name in (("dataset", dataset), ("domain", domain)):
            vet_text(name, f"The name of the {what}")
            if key(name) in ("", ALL):
                raise RuleRejected(f"{name!r} cannot be the name of a {what}.")
        made = self._db.execute(
            "INSERT OR IGNORE INTO datasets VALUES (?, ?, ?, ?)", [key(dataset), key(domain), dataset, domain]
        ).rowcount
        if made:
            self._log(None, None, "assigned", who, why, {"dataset": dataset, "domain": domain})

    def _log(
        self, rule_id: str | None, version: int | None, action: str, who: str, why: str, body: Mapping[str, Any]
    ) -> None:
        if not who.strip():
            raise InvalidRequest("Say who makes the change: the history keeps it.")
        vet_visible(who, "The name of who makes the change")
        vet_visible(why, "The reason")
        last = self._db.execute("SELECT entry, hash FROM history ORDER BY entry DESC LIMIT 1").fetchone()
        number, previous = (last[0] + 1, last[1]) if last else (1, history.START)
        text = history.canonical(body)
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        content = (number, rule_id, version, action, who, why, at, text, previous)
        self._db.execute("INSERT INTO history VALUES (?,?,?,?,?,?,?,?,?,?)", [*content, history.entry_hash(*content)])

    def _verify(self, head: str | None) -> Verification:
        rows = self._db.execute("SELECT * FROM history ORDER BY entry")
        stated: dict[str, str] = {}
        members: set[tuple[str, str]] = set()

        def noting() -> Iterator[tuple[Any, ...]]:
            for row in rows:
                _, rule_id, _, action, _, _, _, body, *_ = row
                if rule_id is not None:
                    stated[rule_id] = body
                elif action in ("assigned", "unassigned"):
                    with suppress(ValueError, KeyError, TypeError):  # a damaged entry is found by its hash
                        pair = json.loads(body)
                        member = key(pair["dataset"]), key(pair["domain"])
                        (members.add if action == "assigned" else members.discard)(member)
                yield row

        entries, last, problem = history.first_fault(noting())
        if not problem and head is not None and head != last:
            known = self._db.execute("SELECT 1 FROM history WHERE hash = ?", [head]).fetchone()
            problem = (
                "" if known else "The entry that was kept is not in the history: its end was cut off or rewritten."
            )
        problem = problem or self._first_stray(stated) or self._first_strayed_dataset(members)
        return Verification(not problem, entries, last, problem)

    def _first_stray(self, stated: dict[str, str]) -> str:
        """One sentence on a rule in force that is not what the history says, or ""."""
        query = f"SELECT dataset_key, domain_key, attribute_key, age, examples, {_COLUMNS} FROM rules"
        for dataset, domain, attribute, *row in self._db.execute(query).fetchall():
            rule = self._rule(row)
            keys = key(rule.dataset), key(rule.domain), key(rule.attribute)
            body = stated.pop(rule.id, None)
            if body != history.canonical(rule.model_dump(mode="json")) or keys != (dataset, domain, attribute):
                return f"Rule {rule.id} was changed past the history."
        return f"Rule {next(iter(stated))} was deleted past the history." if stated else ""

    def _first_strayed_dataset(self, members: set[tuple[str, str]]) -> str:
        """One sentence on a dataset whose domains are not what the history says, or ""."""
        there = {(row[0], row[1]) for row in self._db.execute("SELECT dataset_key, domain_key FROM datasets")}
        strayed = sorted(there ^ members)
        return f"The domains of dataset {strayed[0][0]} were changed past the history." if strayed else ""

    def _install(self, pack: Pack, who: str, why: str) -> Installed:
        installed = self._db.execute("SELECT version, digest FROM packs WHERE name = ?", [pack.name]).fetchone()
        if installed and installed[1] == pack.digest:
            return Installed(pack.name, pack.version)
        if installed and installed[0] > pack.version:
            raise RuleRejected(
                f"Pack {pack.name} {installed[0]} is installed, newer than {pack.version}; nothing was changed."
            )
        base = {
            row[0]: Rule.model_validate(json.loads(row[1]))
            for row in self._db.execute("SELECT rule_id, body FROM pack_rules WHERE pack = ?", [pack.name]).fetchall()
        }
        self._db.execute(
            "INSERT INTO packs VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE"
            " SET version = excluded.version, title = excluded.title, digest = excluded.digest",
            [pack.name, pack.version, pack.title, pack.digest],
        )
        why = why or f"pack {pack.name} {pack.version}"
        self._log(
            None, None, "installed", who, why, {"pack": pack.name, "version": pack.version, "digest": pack.digest}
        )
        for dataset, domain in pack.datasets:
            self._assign(dataset, domain, who, why)
        return self._merge(pack, base, who, why)

    def _merge(self, pack: Pack, base: Mapping[str, Rule], who: str, why: str) -> Installed:
        """Three ways: what the pack was, what the user made of it, what it is now."""
        added, changed, retired, kept, conflicts = [], [], [], [], []
        for theirs in pack.rules:
            was = base.get(theirs.id)
            mine = self._find(theirs.id)
            if mine is None:
                self._add(theirs, "added", who, why)
                added.append(theirs.id)
            elif was is None:
                conflicts.append(Conflict(theirs.id, f"a rule of that id was there before pack {pack.name}"))
                continue
            elif _same(mine, theirs):
                pass
            elif _same(mine, was):
                self._replace(theirs.model_copy(update={"version": mine.version + 1}), "changed", who, why)
                changed.append(theirs.id)
            elif _same(was, theirs):
                kept.append(theirs.id)
            else:
                conflicts.append(Conflict(theirs.id, f"you and pack {pack.name} {pack.version} both changed it"))
            self._db.execute(
                "INSERT OR REPLACE INTO pack_rules VALUES (?, ?, ?)",
                [pack.name, theirs.id, history.canonical(theirs.model_dump(mode="json"))],
            )
        for rule_id in base.keys() - {rule.id for rule in pack.rules}:
            mine = self._get(rule_id)
            if mine.status == "active" and _same(mine, base[rule_id]):
                self._move(rule_id, "retired", "retired", who, why)
                retired.append(rule_id)
            elif mine.status == "active":
                conflicts.append(Conflict(rule_id, f"you changed it and pack {pack.name} {pack.version} dropped it"))
            self._db.execute("DELETE FROM pack_rules WHERE pack = ? AND rule_id = ?", [pack.name, rule_id])
        return Installed(
            pack.name,
            pack.version,
            tuple(added),
            tuple(changed),
            tuple(sorted(retired)),
            tuple(kept),
            tuple(sorted(conflicts, key=lambda conflict: conflict.rule_id)),
        )

    def _find(self, rule_id: str) -> Rule | None:
        rows = self._rules(f"SELECT age, examples, {_COLUMNS} FROM rules WHERE id = ?", [rule_id])
        return rows[0] if rows else None

    def _install_shipped(self) -> None:
        known = self._file.read(lambda: self._db.execute("SELECT name, version, digest FROM packs").fetchall())
        installed = {name: (version, digest) for name, version, digest in known}
        for file in packs.shipped():
            version, digest = installed.get(file.stem, (0, ""))
            if digest != packs.digest_of(file.read_text(encoding="utf-8")):
                pack = packs.load_pack(file)
                if pack.version >= version:
                    self._upgrade(pack)

    def _upgrade(self, pack: Pack) -> None:
        self._file.write(lambda: self._install(pack, "dp-tools", ""))


def _row(rule: Rule) -> dict[str, Any]:
    row = rule.model_dump(mode="json")
    row["check"] = None if rule.check is None else json.dumps(rule.check, ensure_ascii=False)
    row["examples"] = len(rule.examples)
    return row | {
        "dataset_key": key(rule.dataset),
        "domain_key": key(rule.domain),
        "attribute_key": key(rule.attribute),
    }


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields as JSON has them."""
    return {
        name: [item.model_dump(mode="json") if isinstance(item, Example) else item for item in value]
        if name == "examples"
        else value
        for name, value in fields.items()
    }


def _same(one: Rule, other: Rule) -> bool:
    """Whether two states of a rule say the same; how often each was changed does not matter."""
    return one.model_copy(update={"version": 1}) == other.model_copy(update={"version": 1})
