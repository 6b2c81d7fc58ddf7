"""`dp-tools rules`: everything a person does with rules. Commands print what the Python methods of the store return."""

from __future__ import annotations

import functools
import getpass
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from dp_tools.cli.answering import MODEL, bar, interruptible, stages, wait_for_weights
from dp_tools.cli.records import read_records
from dp_tools.errors import InvalidRequest, RuleRejected
from dp_tools.evaluation import rule_trials
from dp_tools.evaluation.instances import Split
from dp_tools.evaluation.labelled_cases import read_labelled
from dp_tools.preprocessor import Preprocessor
from dp_tools.rules.discovery.mine import mine as mine_table
from dp_tools.rules.injector import LEFT_TO_ITS_CHECK
from dp_tools.rules.packs.packs import Installed, load_pack, write_pack
from dp_tools.rules.rule import ALL, Rule
from dp_tools.rules.scope import TASKS, suggested_id
from dp_tools.rules.store.knowledge_store import KnowledgeStore
from dp_tools.rules.vetting import parse

C = TypeVar("C", bound=Callable[..., Any])
FILE = click.Path(path_type=Path, dir_okay=False)
STORE = click.option("--knowledge", type=FILE, help="Knowledge store; your own if left out.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")
WHY = click.option("--why", default="", help="The reason; the history keeps it.")
DATA = (
    click.option("--data", type=FILE, required=True, help="Labelled cases: JSON Lines, or CSV with a column label."),
    click.option("--dataset", help="The dataset whose rules apply."),
    click.option("--attribute", help="For imputation from CSV: what the label is the value of."),
    click.option("--limit", type=click.IntRange(min=1), help="At most this many cases."),
    MODEL,
    STORE,
)
TASK = click.Choice((ALL, *TASKS))


def with_store(function: C) -> C:
    """Give a command `--knowledge`; it gets the open store as `store`."""

    @functools.wraps(function)
    def run(knowledge: Path | None, **options: Any) -> Any:
        with KnowledgeStore.open(knowledge) as store:
            return function(store=store, **options)

    return STORE(run)  # type: ignore[return-value]


def with_data(function: C) -> C:
    """Give a command the options of labelled data."""
    for option in reversed(DATA):
        function = option(function)
    return function


@click.group()
def rules() -> None:
    """Manage the rules that steer the answers.

    A rule holds for a task, a dataset or domain, and an attribute. Rules that agents or mining propose act once you
    have accepted them; every change stays in a history that `verify` proves whole.
    """


@rules.command("list")
@click.option("--task", type=TASK, help="Only rules that name this task.")
@click.option("--dataset", help="Only rules that name this dataset.")
@click.option("--domain", help="Only rules that name this domain.")
@click.option("--attribute", help="Only rules that name this attribute.")
@click.option("--status", type=click.Choice(("proposed", "active", "retired")), help="Only rules of this status.")
@click.option("--pack", help="Only rules of this pack.")
@click.option("--limit", type=click.IntRange(min=1), default=1000, show_default=True, help="At most this many.")
@JSON
@with_store
def list_rules(store: KnowledgeStore, as_json: bool, **scope: Any) -> None:
    """List rules, oldest first."""
    _print(store.list(**scope), as_json)


@rules.command()
@click.argument("words", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most this many.")
@JSON
@with_store
def search(store: KnowledgeStore, words: tuple[str, ...], limit: int, as_json: bool) -> None:
    """Find rules by words in their statement, id or scope."""
    _print(store.search(" ".join(words), limit=limit), as_json)


@rules.command()
@click.argument("rule_id")
@with_store
def show(store: KnowledgeStore, rule_id: str) -> None:
    """Print one rule as JSON."""
    click.echo(json.dumps(store.get(rule_id).model_dump(mode="json"), ensure_ascii=False, indent=2))


@rules.command()
@click.option("--task", required=True, type=click.Choice(TASKS), help="The task.")
@click.option("--dataset", help="The dataset the case is from.")
@click.option("--attribute", help="The attribute the question is about.")
@with_store
def explain(store: KnowledgeStore, task: str, dataset: str | None, attribute: str | None) -> None:
    """Say which rules hold in a place.

    Those that act on the model come first, most binding last; then those whose check decides without the model, and
    those that lose, with the reason.
    """
    injection = store.inject(task=task, dataset=dataset, attribute=attribute)
    for rule in injection.rules:
        click.echo(f"acts   {rule.id}@{rule.version}  {rule.statement}")
    for lost in injection.lost:
        if lost.reason == LEFT_TO_ITS_CHECK:
            click.echo(f"checks {lost.rule.id}@{lost.rule.version}  {lost.rule.statement}")
        else:
            click.echo(f"loses  {lost.rule.id}@{lost.rule.version}  {lost.reason}")


@rules.command()
@click.argument("statement")
@click.option("--id", "rule_id", help="Its name; made from the statement if left out.")
@click.option("--task", type=TASK, default=ALL, show_default=True, help="The task it holds for.")
@click.option("--dataset", default=ALL, show_default=True, help="The dataset it holds for.")
@click.option("--domain", default=ALL, show_default=True, help="The domain it holds for.")
@click.option("--attribute", default=ALL, show_default=True, help="The attribute it holds for.")
@click.option("--topic", default="", help="What it is about; of rules on one topic only the most binding acts.")
@click.option("--check", help="The same rule as JSON Schema.")
@click.option("--settles", type=click.Choice(("failed", "both")), default="failed", help="What the check decides.")
@click.option("--priority", type=int, default=0, show_default=True, help="Among rules of equal scope the higher wins.")
@WHY
@with_store
def add(store: KnowledgeStore, statement: str, rule_id: str | None, check: str | None, why: str, **fields: Any) -> None:
    """Add a rule that acts from now on: one sentence that the model reads."""
    scope = {name: fields[name] for name in ("task", "dataset", "domain")}
    name = rule_id or suggested_id(statement, **scope)
    rule = parse({"id": name, "statement": statement, "check": _json(check), **fields})
    _say("added", store.add(rule, who=_me(), why=why))


@rules.command()
@click.argument("rule_id")
@click.option("--statement", help="A new statement.")
@click.option("--task", type=TASK, help="Another task.")
@click.option("--dataset", help="Another dataset, or all.")
@click.option("--domain", help="Another domain, or all.")
@click.option("--attribute", help="Another attribute, or all.")
@click.option("--topic", help="Another topic.")
@click.option("--check", help="A new check, as JSON Schema; null takes it away.")
@click.option("--settles", type=click.Choice(("failed", "both")), help="What the check decides.")
@click.option("--priority", type=int, help="Another priority.")
@WHY
@with_store
def change(store: KnowledgeStore, rule_id: str, check: str | None, why: str, **fields: Any) -> None:
    """Change a rule; the old version stays in the history."""
    given = {name: value for name, value in fields.items() if value is not None}
    if check is not None:
        given["check"] = _json(check)
    if not given:
        raise InvalidRequest("Say what to change, for example --statement.")
    _say("changed", store.change(rule_id, who=_me(), why=why, **given))


@rules.command()
@click.argument("rule_id")
@WHY
@with_store
def retire(store: KnowledgeStore, rule_id: str, why: str) -> None:
    """Take a rule out of force."""
    _say("retired", store.retire(rule_id, who=_me(), why=why))


@rules.command()
@click.argument("rule_ids", nargs=-1)
@click.option("--accept", "decision", flag_value="accept", help="Accept them without asking.")
@click.option("--reject", "decision", flag_value="reject", help="Reject them without asking.")
@WHY
@with_store
def review(store: KnowledgeStore, rule_ids: tuple[str, ...], decision: str | None, why: str) -> None:
    """Decide on proposed rules, all of them or those named: accept, reject, or leave for later."""
    proposals = [store.get(name) for name in rule_ids] or list(store.list(status="proposed"))
    if not proposals:
        click.echo("No rule waits for review.")
    for rule in proposals:
        origin = store.history(rule.id)[0]
        click.echo(f"\n{rule.id} from {origin.who} ({rule.source}), {origin.at[:16]}, for {_scope(rule)}")
        click.echo(f"  {rule.statement}")
        if rule.check is not None:
            click.echo(f"  check: {_shown(json.dumps(rule.check, ensure_ascii=False)[:500])}")
        if rule.examples:
            click.echo(f"  examples: {len(rule.examples)}")
        if origin.why:
            click.echo(f"  why: {origin.why}")
        word = decision or click.prompt("  accept, reject or later", type=click.Choice(("accept", "reject", "later")))
        if word == "accept":
            _say("accepted", store.accept(rule.id, who=_me(), why=why))
        elif word == "reject":
            _say("rejected", store.reject(rule.id, who=_me(), why=why))


@rules.command()
@click.argument("rule_id", required=False)
@click.option("--limit", type=click.IntRange(min=1), default=1000, show_default=True, help="The last so many.")
@JSON
@with_store
def history(store: KnowledgeStore, rule_id: str | None, limit: int, as_json: bool) -> None:
    """Print the changes to a rule, or to everything, oldest first."""
    for entry in store.history(rule_id, limit=limit):
        if as_json:
            fields = {name: getattr(entry, name) for name in entry.__slots__}
            click.echo(json.dumps(fields, ensure_ascii=False))
            continue
        what = entry.rule_id or " ".join(str(value) for value in entry.body.values())
        version = f"@{entry.version}" if entry.version else ""
        why = f"  {entry.why}" if entry.why else ""
        click.echo(f"{entry.entry}  {entry.at[:19]}  {entry.who}  {entry.action}  {what}{version}{why}")


@rules.command()
@click.argument("rule_id")
@click.argument("version", type=int)
@WHY
@with_store
def restore(store: KnowledgeStore, rule_id: str, version: int, why: str) -> None:
    """Make an earlier version of a rule the current one."""
    _say("restored", store.restore(rule_id, version, who=_me(), why=why))


@rules.command()
@click.option("--head", help="The hash that an earlier verify printed; it must still be in the history.")
@with_store
def verify(store: KnowledgeStore, head: str | None) -> None:
    """Prove that the history is whole and the rules in force are what it says. Exit code 1 if not."""
    found = store.verify(head=head)
    if found.whole:
        click.echo(f"The history is whole: {found.entries} entries, head {found.head}")
        return
    click.echo(f"The history is not whole: {found.problem}", err=True)
    click.get_current_context().exit(1)


@rules.command()
@click.argument("table", type=FILE)
@click.option("--dataset", default=None, help="The dataset they are to hold for; the file's name if left out.")
@click.option("--propose", is_flag=True, help="Keep them as proposals; `dp-tools rules review` decides.")
@click.option("--min-confidence", type=click.FloatRange(0, 1), default=0.0, help="Leave out what is kept less often.")
@JSON
@with_store
def mine(
    store: KnowledgeStore, table: Path, dataset: str | None, propose: bool, min_confidence: float, as_json: bool
) -> None:
    """Find candidate rules in TABLE by code alone: formats, vocabularies, misspellings, ranges, keys, dependencies."""
    with stages() as stage:
        records = read_records(table, stage("reading records"))
        candidates = mine_table(records, dataset=dataset or table.stem, progress=stage("mining rules"))
    for found in candidates:
        if found.confidence < min_confidence:
            continue
        rule = found.rule
        if propose:
            rule = store.propose(
                rule, who="mining", why=f"{table.name}: {found.exceptions} of {found.support} break it"
            )
        if as_json:
            shown = {"kind": found.kind, "support": found.support, "confidence": round(found.confidence, 4)}
            exceptions = {"exceptions": found.exceptions, "shown": list(found.shown)}
            click.echo(json.dumps({**shown, **exceptions, "rule": rule.model_dump(mode="json")}, ensure_ascii=False))
        else:
            click.echo(f"{rule.id}  {found.kind}  {found.confidence:.1%} of {found.support}  {rule.statement}")


@rules.command()
@click.argument("rule_id")
@click.option("--task", type=click.Choice(TASKS), help="The task of the cases; the rule's own if left out.")
@with_data
def test(rule_id: str, task: str | None, **options: Any) -> None:
    """Measure the task without and with a rule on labelled cases, and name the cases that flip."""
    with KnowledgeStore.open(options["knowledge"]) as store:
        rule = store.get(rule_id)
    if task is None and rule.task == ALL:
        raise InvalidRequest(f"Rule {rule_id} is for all tasks; say with --task which one the cases are of.")
    with _trying(task or rule.task, options) as (preprocessor, split, run):
        trial = rule_trials.try_rule(preprocessor, split, rule, dataset=options["dataset"], **run)
    before, after = trial.before, trial.after
    click.echo(f"{before.metric} without {rule_id}: {before.score:.2f}   with it: {after.score:.2f}   cases: {after.n}")
    click.echo(f"flipped: {len(trial.flips)}   mended: {trial.mended}   broken: {trial.broken}")
    for flip in trial.flips[:50]:
        click.echo(f"  {flip.number + 1}  {flip.before} -> {flip.after}  (right: {flip.right})  {flip.case}")


@rules.command()
@click.option("--task", required=True, type=click.Choice(TASKS), help="The task of the cases.")
@click.option("--candidate", "statements", multiple=True, help="A statement to try besides what code finds.")
@with_data
def learn(task: str, statements: tuple[str, ...], **options: Any) -> None:
    """Propose the rules and examples that raise the score on cases held back from LABELLED data."""
    dataset = options["dataset"]
    extra = [
        Rule(
            id=suggested_id(text, task=task, dataset=dataset or ALL),
            task=task,
            dataset=dataset or ALL,
            statement=text,
            source="learned",
        )
        for text in statements
    ]
    with _trying(task, options) as (preprocessor, split, run):
        learned = rule_trials.learn(preprocessor, split, dataset=dataset, candidates=extra, **run)
        why = f"{learned.before.score:.2f} to {learned.after.score:.2f} {learned.after.metric} on held-back cases"
        for rule in learned.kept:
            _say("proposed", preprocessor.knowledge.propose(rule, who="learning", why=why))
    click.echo(f"tried: {learned.tried}   kept: {len(learned.kept)}   {why}")


@rules.command()
@click.option("--task", required=True, type=click.Choice(TASKS), help="The task of the sample.")
@with_data
def audit(task: str, **options: Any) -> None:
    """Measure how many answers of a sample each rule in force changes; name the rules that sway too many."""
    with _trying(task, options) as (preprocessor, split, run):
        found = rule_trials.audit(preprocessor, split, dataset=options["dataset"], **run)
    for entry in found:
        towards = ", ".join(f"{count} to {label}" for label, count in entry.towards.items())
        mark = "  sways too many" if entry.outlier else ""
        click.echo(f"{entry.rule.id}  {entry.flips} of {entry.cases}  {towards}{mark}")


@rules.command()
@with_store
def packs(store: KnowledgeStore) -> None:
    """List the packs in the store."""
    for pack in store.packs():
        click.echo(f"{pack.name} {pack.version}  {pack.rules} rules  {pack.title}")


@rules.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@WHY
@with_store
def import_pack(store: KnowledgeStore, file: Path, why: str) -> None:
    """Install a pack file or a new version of one; your own edits stay, and conflicts are named."""
    _report(store.install(load_pack(file), who=_me(), why=why))


@rules.command("export")
@click.argument("name")
@click.option("--to", "folder", type=click.Path(path_type=Path), default=".", help="Folder to write NAME.yaml to.")
@click.option("--dataset", help="The rules that name this dataset, instead of those of the pack.")
@click.option("--domain", help="The rules that name this domain, instead of those of the pack.")
@click.option("--title", default="", help="What the pack is about.")
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@with_store
def export_pack(
    store: KnowledgeStore, name: str, folder: Path, dataset: str | None, domain: str | None, title: str, force: bool
) -> None:
    """Write the active rules of a pack, dataset or domain as NAME.yaml."""
    file = write_pack(store.export(name, title=title, dataset=dataset, domain=domain), folder, replace=force)
    click.echo(f"written {file}")


@rules.command()
@with_store
def datasets(store: KnowledgeStore) -> None:
    """List the datasets that the store knows, with their domains."""
    for dataset in store.datasets():
        click.echo(f"{dataset.name}  {', '.join(dataset.domains) or 'no domain'}  {dataset.rules} rules")


@rules.command()
@click.argument("dataset")
@click.argument("domain")
@click.option("--remove", is_flag=True, help="Take it out of the domain.")
@WHY
@with_store
def assign(store: KnowledgeStore, dataset: str, domain: str, remove: bool, why: str) -> None:
    """Let DATASET belong to DOMAIN, so that the domain's rules hold for it."""
    if remove:
        store.unassign(dataset, domain, who=_me(), why=why)
        click.echo(f"{dataset} is no longer in {domain}")
    else:
        store.assign(dataset, domain, who=_me(), why=why)
        click.echo(f"{dataset} is in {domain}")


@contextmanager
def _trying(task: str, options: dict[str, Any]) -> Iterator[tuple[Preprocessor, Split, dict[str, Any]]]:
    """What answers, the labelled cases, and the arguments that show progress and take Ctrl-C."""
    split = read_labelled(options["data"], task=task, dataset=options["dataset"] or "", attribute=options["attribute"])
    split = split.sample(options["limit"])
    wait_for_weights(options["model"])
    with (
        Preprocessor(options["model"], options["knowledge"]) as preprocessor,
        interruptible() as cancel,
        bar(1000) as advance,
    ):
        run = {"cancel": cancel, "progress": lambda done, total: advance(1000 * done // max(total, 1))}
        yield preprocessor, split, run


def _print(found: Iterable[Rule], as_json: bool) -> None:
    for rule in found:
        if as_json:
            click.echo(json.dumps(rule.model_dump(mode="json"), ensure_ascii=False))
        else:
            click.echo(f"{rule.id}@{rule.version}  {rule.status}  {_scope(rule)}  {rule.statement}")


def _say(what: str, rule: Rule) -> None:
    click.echo(f"{what} {rule.id}@{rule.version}")


def _scope(rule: Rule) -> str:
    places = {"task": rule.task, "dataset": rule.dataset, "domain": rule.domain, "attribute": rule.attribute}
    return " ".join(f"{name}={value}" for name, value in places.items() if value != ALL) or "everything"


def _report(done: Installed) -> None:
    counts = {
        "added": done.added,
        "changed": done.changed,
        "retired": done.retired,
        "kept as you changed them": done.kept,
    }
    click.echo(f"{done.pack} {done.version}: " + ", ".join(f"{len(ids)} {what}" for what, ids in counts.items()))
    for conflict in done.conflicts:
        click.echo(f"conflict  {conflict.rule_id}  {conflict.reason}; yours stays")


def _shown(text: str) -> str:
    """Text without what a terminal would obey."""
    return "".join(character if character.isprintable() else f"\\u{ord(character):04x}" for character in text)


def _me() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "person"


def _json(text: str | None) -> Any:
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError as error:
        raise RuleRejected(f"The check is not JSON: {error}.") from error
