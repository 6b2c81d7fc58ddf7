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

from dp_tools.cli.answering import JSON, MODEL, bar, interruptible, stages, wait_for_weights
from dp_tools.cli.records import read_records
from dp_tools.errors import InvalidRequest, RuleRejected
from dp_tools.evaluation import rule_trials
from dp_tools.evaluation.labelled_cases import read_labelled
from dp_tools.evaluation.splits import Split
from dp_tools.preprocessor import Preprocessor
from dp_tools.rules.discovery.mine import mine as mine_table
from dp_tools.rules.injector import LEFT_TO_ITS_CHECK
from dp_tools.rules.packs.packs import Installed, load_pack, write_pack
from dp_tools.rules.rule import ALL, Rule
from dp_tools.rules.scope import RULE_TASKS, TASKS, suggested_id
from dp_tools.rules.store.knowledge_store import KnowledgeStore
from dp_tools.rules.vetting import parse

C = TypeVar("C", bound=Callable[..., Any])
FILE = click.Path(path_type=Path, dir_okay=False)
STORE = click.option("--knowledge", type=FILE, help="Knowledge store (default: your own).")
WHY = click.option("--why", default="", help="Reason, kept in the history.")
DATA = (
    click.option(
        "--data", type=FILE, required=True, help="Labelled cases: JSON Lines, or CSV with a column named label."
    ),
    click.option("--dataset", help="Dataset whose rules apply."),
    click.option("--attribute", help="For imputation from CSV: attribute whose value the label is."),
    click.option("--limit", type=click.IntRange(min=1), help="Maximum number of cases."),
    MODEL,
    STORE,
)
TASK = click.Choice((ALL, *RULE_TASKS))


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

    A rule applies to a task, a dataset or domain, and an attribute. Rules proposed by agents or by mining take effect
    after you accept them. Every change is kept in a history, which `verify` checks for completeness.
    """


@rules.command("list")
@click.option("--task", type=TASK, help="Only rules for this task.")
@click.option("--dataset", help="Only rules for this dataset.")
@click.option("--domain", help="Only rules for this domain.")
@click.option("--attribute", help="Only rules for this attribute.")
@click.option("--status", type=click.Choice(("proposed", "active", "retired")), help="Only rules with this status.")
@click.option("--pack", help="Only rules of this pack.")
@click.option("--limit", type=click.IntRange(min=1), default=1000, show_default=True, help="Maximum number of rules.")
@JSON
@with_store
def list_rules(store: KnowledgeStore, as_json: bool, **scope: Any) -> None:
    """List rules, oldest first."""
    _print(store.list(**scope), as_json)


@rules.command()
@click.argument("words", nargs=-1, required=True)
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Maximum number of rules.")
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
@click.option("--task", required=True, type=click.Choice(RULE_TASKS), help="The task.")
@click.option("--dataset", help="Dataset of the case.")
@click.option("--attribute", help="Attribute that the question is about.")
@with_store
def explain(store: KnowledgeStore, task: str, dataset: str | None, attribute: str | None) -> None:
    """Show which rules apply to a task, dataset and attribute.

    First the rules that the model reads, most specific last; then the rules whose check decides without the model; then
    the overridden rules, each with the reason.
    """
    injection = store.inject(task=task, dataset=dataset, attribute=attribute)
    for rule in injection.rules:
        click.echo(f"applies     {rule.id}@{rule.version}  {rule.statement}")
    for entry in injection.overridden:
        if entry.reason == LEFT_TO_ITS_CHECK:
            click.echo(f"checks      {entry.rule.id}@{entry.rule.version}  {entry.rule.statement}")
        else:
            click.echo(f"overridden  {entry.rule.id}@{entry.rule.version}  {entry.reason}")


@rules.command()
@click.argument("statement")
@click.option("--id", "rule_id", help="Name of the rule (default: made from the statement).")
@click.option("--task", type=TASK, default=ALL, show_default=True, help="Task the rule applies to.")
@click.option("--dataset", default=ALL, show_default=True, help="Dataset the rule applies to.")
@click.option("--domain", default=ALL, show_default=True, help="Domain the rule applies to.")
@click.option("--attribute", default=ALL, show_default=True, help="Attribute the rule applies to.")
@click.option(
    "--topic", default="", help="Topic of the rule; of several rules on one topic only the most specific applies."
)
@click.option("--check", help="The rule as a JSON Schema check.")
@click.option(
    "--decides",
    type=click.Choice(("fail", "both")),
    default="fail",
    help="Whether the check decides only failing cases or both failing and passing ones.",
)
@click.option(
    "--priority", type=int, default=0, show_default=True, help="Among rules of equal scope, the highest priority wins."
)
@WHY
@with_store
def add(store: KnowledgeStore, statement: str, rule_id: str | None, check: str | None, why: str, **fields: Any) -> None:
    """Add a rule: one sentence that the model reads. It takes effect at once."""
    scope = {name: fields[name] for name in ("task", "dataset", "domain")}
    name = rule_id or suggested_id(statement, **scope)
    rule = parse({"id": name, "statement": statement, "check": _json(check), **fields})
    _say("added", store.add(rule, who=_me(), why=why))


@rules.command()
@click.argument("rule_id")
@click.option("--statement", help="New statement.")
@click.option("--task", type=TASK, help="New task.")
@click.option("--dataset", help="New dataset, or all.")
@click.option("--domain", help="New domain, or all.")
@click.option("--attribute", help="New attribute, or all.")
@click.option("--topic", help="New topic.")
@click.option("--check", help="New check as JSON Schema; null removes it.")
@click.option(
    "--decides", type=click.Choice(("fail", "both")), help="Whether the check decides only failing cases or both."
)
@click.option("--priority", type=int, help="New priority.")
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
    """Retire a rule: it no longer applies."""
    _say("retired", store.retire(rule_id, who=_me(), why=why))


@rules.command()
@click.argument("rule_ids", nargs=-1)
@click.option("--accept", "decision", flag_value="accept", help="Accept without asking.")
@click.option("--reject", "decision", flag_value="reject", help="Reject without asking.")
@WHY
@with_store
def review(store: KnowledgeStore, rule_ids: tuple[str, ...], decision: str | None, why: str) -> None:
    """Review proposed rules, all or those named: accept, reject, or leave for later."""
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
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="Maximum number of entries, latest first kept.",
)
@JSON
@with_store
def history(store: KnowledgeStore, rule_id: str | None, limit: int, as_json: bool) -> None:
    """Print the changes to one rule or to all rules, oldest first."""
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
@click.option("--head", help="Hash that an earlier verify printed; must still be in the history.")
@with_store
def verify(store: KnowledgeStore, head: str | None) -> None:
    """Verify that the history is complete and matches the current rules. Exit code 1 if not."""
    found = store.verify(head=head)
    if found.whole:
        click.echo(f"The history is whole: {found.entries} entries, head {found.head}")
        return
    click.echo(f"The history is not whole: {found.error}", err=True)
    click.get_current_context().exit(1)


@rules.command()
@click.argument("table", type=FILE)
@click.option("--dataset", default=None, help="Dataset the rules apply to (default: the file's name).")
@click.option("--propose", is_flag=True, help="Store the rules as proposals for `dp-tools rules review`.")
@click.option(
    "--min-confidence", type=click.FloatRange(0, 1), default=0.0, help="Minimum share of cells that keep the rule."
)
@JSON
@with_store
def mine(
    store: KnowledgeStore, table: Path, dataset: str | None, propose: bool, min_confidence: float, as_json: bool
) -> None:
    """Mine candidate rules from TABLE: formats, vocabularies, misspellings, ranges, keys, dependencies."""
    with stages() as stage:
        records = read_records(table, stage("reading records"))
        with interruptible() as cancel:
            name = dataset or table.stem
            candidates = mine_table(records, dataset=name, progress=stage("mining rules"), cancel=cancel)
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
@click.option("--task", type=click.Choice(TASKS), help="Task of the cases (default: the rule's task).")
@with_data
def test(rule_id: str, task: str | None, **options: Any) -> None:
    """Measure a task with and without a rule on labelled cases, and list the cases whose answer changes."""
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
@click.option("--task", required=True, type=click.Choice(TASKS), help="Task of the cases.")
@click.option(
    "--candidate", "statements", multiple=True, help="Statement to try in addition to the generated ones (repeatable)."
)
@with_data
def learn(task: str, statements: tuple[str, ...], **options: Any) -> None:
    """Propose rules and examples that raise the score on held-out cases of LABELLED data."""
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
@click.option("--task", required=True, type=click.Choice(TASKS), help="Task of the sample.")
@with_data
def audit(task: str, **options: Any) -> None:
    """Measure how many answers of a sample each active rule changes, and flag rules that change too many."""
    with _trying(task, options) as (preprocessor, split, run):
        found = rule_trials.audit(preprocessor, split, dataset=options["dataset"], **run)
    for entry in found:
        towards = ", ".join(f"{count} to {label}" for label, count in entry.towards.items())
        mark = "  changes too many" if entry.outlier else ""
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
    """Install a pack or a new version of it. Your own edits are kept and conflicts are listed."""
    _report(store.install(load_pack(file), who=_me(), why=why))


@rules.command("export")
@click.argument("name")
@click.option("--to", "folder", type=click.Path(path_type=Path), default=".", help="Folder for NAME.yaml.")
@click.option("--dataset", help="Export the rules for this dataset instead of those of the pack.")
@click.option("--domain", help="Export the rules for this domain instead of those of the pack.")
@click.option("--title", default="", help="Title of the pack.")
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
    """List the known datasets and their domains."""
    for dataset in store.datasets():
        click.echo(f"{dataset.name}  {', '.join(dataset.domains) or 'no domain'}  {dataset.rules} rules")


@rules.command()
@click.argument("dataset")
@click.argument("domain")
@click.option("--remove", is_flag=True, help="Remove the dataset from the domain.")
@WHY
@with_store
def assign(store: KnowledgeStore, dataset: str, domain: str, remove: bool, why: str) -> None:
    """Assign DATASET to DOMAIN, so that the domain's rules apply to it."""
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
