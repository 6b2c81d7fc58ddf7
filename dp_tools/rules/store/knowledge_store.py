"""The knowledge store: what the user owns. Rules, examples, packs and a history that proves itself, in SQLite."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dp_tools.errors import InvalidRequest, RuleRejected
from dp_tools.rules.injector import Selection, call_rules, estimate_tokens
from dp_tools.rules.packs import installing, packs
from dp_tools.rules.packs.packs import Installed, Pack, Planned
from dp_tools.rules.rule import Example, Rule, Source, Status
from dp_tools.rules.scope import holds, key
from dp_tools.rules.store import verifying
from dp_tools.rules.store.history import Entry, Verification, read_body
from dp_tools.rules.store.knowledge_file import KnowledgeFile
from dp_tools.rules.store.learned import Label, Learned, LearnedTable, LearnedTask
from dp_tools.rules.store.rule_table import RuleTable
from dp_tools.rules.vetting import parse, vet

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
        self._rules = RuleTable(file.db)
        self._learned = LearnedTable(file.db)
        self.path = file.path
        """The file, or None when the store is in memory."""

    @classmethod
    def open(cls, path: Path | str | None = None, *, import_shipped: bool = True) -> KnowledgeStore:
        """Open the store, making it when it is not there.

        Args:
            path: the SQLite file; None is the user's own, ":memory:" one that ends with the process.
            import_shipped: install or upgrade the packs that come with dp-tools, keeping the user's edits.

        A store that lies where nothing can be written is read as it is now, and every change is refused.

        Raises:
            KnowledgeUnavailable: not a SQLite file, empty, made by a newer dp-tools, or not readable.
        """
        store = cls(KnowledgeFile.open(path))
        try:
            if import_shipped and not store._file.read_only:
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
    ) -> Selection:
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
        domains, found = self._file.read(lambda: self._rules.in_scope(task, dataset, attribute))
        replaced = {rule.id for rule in trying}
        tried = ((rule, _YOUNGEST) for rule in trying if holds(rule, task, dataset, domains, attribute))
        kept = (pair for pair in found if pair[0].id not in replaced)
        of_cells = (
            self.inject(task="detect_errors", dataset=dataset, attribute=attribute, trying=trying)
            if task == "impute"
            else None
        )
        candidates = (*kept, *tried, *called)
        return Selection(task, dataset, attribute, candidates, budget, count or estimate_tokens, of_cells)

    # Reading

    def get(self, rule_id: str) -> Rule:
        """One rule as it is now.

        Raises:
            InvalidRequest: there is no such rule.
        """
        return self._file.read(lambda: self._rules.get(rule_id))

    def equal_to(self, rule: Rule) -> Rule | None:
        """A rule that acts or is proposed and says the same of the same place, if there is one."""
        return self._file.read(lambda: self._rules.equal_to(rule))

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
        clause = f"WHERE {where} ORDER BY age LIMIT ? OFFSET ?"
        return self._file.read(lambda: self._rules.select(clause, [*given.values(), limit, offset]))

    def search(self, text: str, *, limit: int = 20) -> tuple[Rule, ...]:
        """Rules with all these words, in their statement, id or scope, best match first. Any text is only words."""
        words = [word.replace('"', '""') for word in text.replace("\x00", " ").split()[:32]]
        if not words:
            return ()
        match = " ".join(f'"{word}"*' for word in words)
        clause = "JOIN rules_fts ON rules.age = rules_fts.rowid WHERE rules_fts MATCH ? ORDER BY rules_fts.rank LIMIT ?"
        return self._file.read(lambda: self._rules.select(clause, [match, limit]))

    def history(self, rule_id: str | None = None, *, limit: int = 1000) -> tuple[Entry, ...]:
        """The changes to one rule, or to everything, oldest first; of a longer history the last `limit`.

        Raises:
            InvalidRequest: there is no such rule.
        """

        def read() -> tuple[Entry, ...]:
            if rule_id is not None:
                self._rules.get(rule_id)
            where, values = ("WHERE rule_id = ?", [rule_id]) if rule_id is not None else ("", [])
            rows = self._rules.db.execute(
                f"SELECT * FROM history {where} ORDER BY entry DESC LIMIT ?", [*values, limit]
            )
            return tuple(
                Entry(number, rule, version, action, who, why, at, read_body(body), previous, kept)
                for number, rule, version, action, who, why, at, body, previous, kept in reversed(rows.fetchall())
            )

        return self._file.read(read)

    def verify(self, *, head: str | None = None) -> Verification:
        """Whether the history is whole and the rules in force are what it says.

        Args:
            head: the hash of an entry kept elsewhere from an earlier verification; it must still be in the history,
                which proves that the end was not cut off and rewritten.
        """
        return self._file.read(lambda: self._file.snapshot(lambda: verifying.verify(self._rules, head)))

    def datasets(self) -> tuple[Dataset, ...]:
        """Datasets that belong to a domain or that an active rule names, by name."""

        def read() -> tuple[Dataset, ...]:
            names: dict[str, str] = {}
            domains: dict[str, list[str]] = {}
            counts: dict[str, int] = {}
            for dataset_key, dataset, domain in self._rules.db.execute(
                "SELECT dataset_key, dataset, domain FROM datasets ORDER BY domain_key"
            ):
                names.setdefault(dataset_key, dataset)
                domains.setdefault(dataset_key, []).append(domain)
            for dataset_key, dataset, rules in self._rules.db.execute(
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
            rows = self._rules.db.execute(
                "SELECT name, packs.version, title,"
                " (SELECT count(*) FROM rules WHERE pack = name AND status = 'active') FROM packs ORDER BY name"
            )
            return tuple(InstalledPack(*row) for row in rows.fetchall())

        return self._file.read(read)

    def plan(self, *, task: str, dataset: str | None, attribute: str | None) -> tuple[str, ...]:
        """How SQLite looks up the rules of a scope, step by step, in its own words."""
        return self._file.read(lambda: self._rules.plan(task, dataset, attribute))

    # Writing

    def add(self, rule: Rule, *, who: str, why: str = "") -> Rule:
        """Add a rule that a person stands behind; it acts from now on, unless its status says otherwise.

        Raises:
            RuleRejected: the rule is not acceptable, or its id is taken.
        """
        return self._file.write(lambda: self._rules.add(rule, "added", who, why))

    def add_all(self, rules: Iterable[Rule], *, who: str, why: str = "") -> tuple[Rule, ...]:
        """Add many rules in one transaction: all or none."""
        return self._file.write(lambda: tuple(self._rules.add(rule, "added", who, why) for rule in rules))

    def propose(self, rule: Rule, *, who: str, why: str = "") -> Rule:
        """Add a rule that does not act until a person accepts it. A taken id gets a number behind it.

        What acts or is proposed already, in the same words for the same place, is not added again.

        Returns:
            The proposal, or the equal rule that was there.

        Raises:
            RuleRejected: the rule is not acceptable.
        """

        def write() -> Rule:
            source: Source = rule.source if rule.source in ("mined", "learned") else "agent"
            vet(rule)
            if (known := self._rules.equal_to(rule)) is not None:
                return known
            free = self._rules.free_id(rule.id)
            return self._rules.add(
                rule.model_copy(update={"id": free, "status": "proposed", "source": source, "version": 1, "pack": ""}),
                "proposed",
                who,
                why,
            )

        return self._file.write(write)

    def change(self, rule_id: str, *, who: str, why: str = "", **fields: Any) -> Rule:
        """Change fields of a rule; the version counts up and the old one stays in the history.

        Args:
            fields: any of task, dataset, domain, attribute, topic, statement, check, decides, examples, priority.

        Raises:
            InvalidRequest: there is no such rule.
            RuleRejected: the changed rule is not acceptable.
        """
        fixed = sorted({"id", "version", "status", "source", "pack"} & fields.keys())
        if fixed:
            raise RuleRejected(f"{fixed[0]} of a rule cannot be changed; retire the rule and add another.")

        def write() -> Rule:
            rule = self._rules.get(rule_id)
            changed = parse({**rule.model_dump(mode="json"), **_plain(fields), "version": rule.version + 1})
            return self._rules.replace(changed, "changed", who, why)

        return self._file.write(write)

    def accept(self, rule_id: str, *, who: str, why: str = "") -> Rule:
        """A person accepts a proposed or retired rule: it acts from now on."""
        return self._file.write(lambda: self._rules.move(rule_id, "active", "accepted", who, why))

    def reject(self, rule_id: str, *, who: str, why: str = "") -> Rule:
        """A person rejects a proposal: it is retired and stays in the history."""

        def write() -> Rule:
            if self._rules.get(rule_id).status != "proposed":
                raise InvalidRequest(f"Rule {rule_id} is not a proposal; retire it instead.")
            return self._rules.move(rule_id, "retired", "rejected", who, why)

        return self._file.write(write)

    def retire(self, rule_id: str, *, who: str, why: str = "") -> Rule:
        """Take a rule out of force; it stays in the store and its history."""
        return self._file.write(lambda: self._rules.move(rule_id, "retired", "retired", who, why))

    def restore(self, rule_id: str, version: int, *, who: str, why: str = "") -> Rule:
        """Make an earlier version the current one, as a new version.

        Raises:
            InvalidRequest: there is no such rule or version.
        """

        def write() -> Rule:
            rule = self._rules.get(rule_id)
            row = self._rules.db.execute(
                "SELECT body FROM history WHERE rule_id = ? AND version = ? ORDER BY entry DESC LIMIT 1",
                [rule_id, version],
            ).fetchone()
            if row is None:
                raise InvalidRequest(f"Rule {rule_id} has no version {version}; it has 1 to {rule.version}.")
            restored = parse({**read_body(row[0]), "version": rule.version + 1})
            return self._rules.replace(restored, "restored", who, why or f"version {version}")

        return self._file.write(write)

    def assign(self, dataset: str, domain: str, *, who: str, why: str = "") -> None:
        """Let a dataset belong to a domain, so that the domain's rules hold for it.

        Raises:
            RuleRejected: a name is empty or holds control tokens.
        """
        self._file.write(lambda: self._rules.assign(dataset, domain, who, why))

    def unassign(self, dataset: str, domain: str, *, who: str, why: str = "") -> None:
        """Take a dataset out of a domain.

        Raises:
            InvalidRequest: it is not in that domain.
        """
        self._file.write(lambda: self._rules.unassign(dataset, domain, who, why))

    # Labels, and what was learned from them

    def add_labels(self, dataset: str, task: LearnedTask, labels: Sequence[Label], *, who: str) -> int:
        """Keep labels of a dataset's cases; one for a case that has one replaces it.

        Returns:
            How many labels the dataset has now for the task.
        """
        return self._file.write(lambda: self._learned.add_labels(dataset, task, labels, who))

    def labels(self, dataset: str, task: LearnedTask) -> tuple[Label, ...]:
        """The labels of a dataset's cases, in an order that depends on the cases alone."""
        return self._file.read(lambda: self._learned.labels(dataset, task))

    def keep_learned(self, learned: Learned, *, who: str) -> Learned:
        """Keep what was learned of a dataset, as its next version; its own version, person and time are not read."""
        return self._file.write(lambda: self._learned.keep(learned, who))

    def list_learned(self, dataset: str | None = None, task: LearnedTask | None = None) -> tuple[Learned, ...]:
        """Everything that was learned, by dataset and task, the newest version first."""
        return self._file.read(lambda: self._learned.learned(dataset, task))

    def learned(self, dataset: str, task: LearnedTask) -> Learned | None:
        """What is in use for a dataset: the newest version, unless it was worse on labels held back."""
        newest = next(iter(self.list_learned(dataset, task)), None)
        return newest if newest is not None and newest.helps else None

    def remove_learned(self, dataset: str, task: LearnedTask, version: int | None = None) -> int:
        """Remove one version of what was learned of a dataset, or all of them and its labels.

        Returns:
            How many entries were removed.

        Raises:
            InvalidRequest: there is nothing to remove.
        """
        return self._file.write(lambda: self._learned.remove(dataset, task, version))

    # Packs

    def install(self, pack: Pack, *, who: str, why: str = "") -> Installed:
        """Install a pack or a new version of it. What the user changed, retired or wrote stays as it is.

        Raises:
            RuleRejected: a newer version is installed, or its name is that of a pack that comes with dp-tools.
        """
        _require_own_name(pack)
        return self._file.write(lambda: installing.install(self._rules, pack, who, why))

    def compare(self, pack: Pack) -> tuple[Planned, ...]:
        """What installing a pack would do, rule by rule; nothing is changed.

        Raises:
            RuleRejected: as for `install`.
        """
        _require_own_name(pack)
        return self._file.read(lambda: tuple(installing.plan(self._rules, pack)))

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
            installed = self._rules.db.execute("SELECT version, title FROM packs WHERE name = ?", [name]).fetchone()
            if dataset is not None or domain is not None:
                given = {"dataset_key": dataset, "domain_key": domain}
                wanted = {column: key(value) for column, value in given.items() if value is not None}
            else:
                wanted = {"pack": name}
            where = " AND ".join(f"{column} = ?" for column in wanted)
            rules = self._rules.select(f"WHERE status = 'active' AND {where} ORDER BY age", list(wanted.values()))
            if not rules:
                raise InvalidRequest(f"There are no active rules to export as {name}.")
            named = {key(rule.dataset) for rule in rules}, {key(rule.domain) for rule in rules}
            memberships = tuple(
                (row[0], row[1])
                for row in self._rules.db.execute(
                    "SELECT dataset, domain, dataset_key, domain_key FROM datasets"
                ).fetchall()
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

    def _install_shipped(self) -> None:
        known = self._file.read(lambda: self._rules.db.execute("SELECT name, version, digest FROM packs").fetchall())
        installed = {name: (version, digest) for name, version, digest in known}
        for file in packs.shipped():
            version, digest = installed.get(file.stem, (0, ""))
            if digest != packs.digest_of(file.read_text(encoding="utf-8")):
                pack = packs.load_pack(file)
                if pack.version >= version:
                    self._upgrade(pack)

    def _upgrade(self, pack: Pack) -> None:
        self._file.write(lambda: installing.install(self._rules, pack, "dp-tools", ""))


def _require_own_name(pack: Pack) -> None:
    if any(file.stem == pack.name for file in packs.shipped()):
        raise RuleRejected(f"{pack.name} is the name of a pack that comes with dp-tools; choose another name.")


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields as JSON has them."""
    return {
        name: [item.model_dump(mode="json") if isinstance(item, Example) else item for item in value]
        if name == "examples"
        else value
        for name, value in fields.items()
    }
