"""The knowledge store as tools. What an agent writes is a proposal until a person accepts it."""

# No `from __future__ import annotations`: the SDK reads `Resolve(ask)` from annotations that close over `ask`.

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal

import anyio.to_thread
from mcp.server.mcpserver import AcceptedElicitation, Context, DeclinedElicitation, Elicit, ElicitationResult, Resolve
from mcp.types import CallToolResult
from pydantic import BaseModel, Field, WithJsonSchema

from dp_tools.errors import InvalidRequest
from dp_tools.evaluation.labelled_cases import read_labelled
from dp_tools.mcp_server.auth import APPROVE, READ, RULES, RUN
from dp_tools.mcp_server.blocking_work import run_work
from dp_tools.mcp_server.caller_role import caller, caller_role, decider
from dp_tools.mcp_server.server_context import ServerContext
from dp_tools.mcp_server.subscriptions import Watchers
from dp_tools.mcp_server.tools.tool import ADDS, CHANGES, READ_ONLY, PlainTool, result_of
from dp_tools.progress import Progress
from dp_tools.rules.rule import ALL, Example, Rule, Status
from dp_tools.rules.scope import RuleTask, key, suggested_id
from dp_tools.rules.vetting import vet

ScopeName = Literal["all", RuleTask]
MeasuredTask = Literal[
    "detect_errors", "impute", "match_entities", "match_schemas", "annotate_columns", "extract_values"
]
SHORT_TASK = WithJsonSchema({"type": "string"})
"""A task where a model is shown the names elsewhere."""
SHORT_EXAMPLES = WithJsonSchema({"type": "array", "items": {"type": "object"}})
"""Examples whose form is in the description."""
RuleId = Annotated[str, Field(description="The rule's id.")]
Why = Annotated[str, Field(description="The reason.")]
_PAGE = 100
_FLIPS = 20


class RuleList(BaseModel):
    """Rules, best match first where words were given, otherwise oldest first."""

    rules: Annotated[list[Rule], Field(description="The rules.")]
    more: Annotated[
        int | None, Field(description="The offset at which the next rules start; null where these are the last.")
    ] = None


class RuleChange(BaseModel):
    """What became of a rule."""

    rule: Annotated[Rule, Field(description="The rule as it is now.")]
    acts: Annotated[bool, Field(description="Whether the rule applies from now on.")]
    next: Annotated[str, Field(description="What is left to do, if anything.")] = ""


class FlippedCase(BaseModel):
    """A case that a rule answers otherwise."""

    number: Annotated[int, Field(description="The case's number in the file, from 0.")]
    case: Annotated[str, Field(description="What was asked, short.")]
    before: Annotated[str | None, Field(description="The answer without the rule.")]
    after: Annotated[str | None, Field(description="The answer with it.")]
    right: Annotated[str | None, Field(description="The right answer.")]


class RuleTrial(BaseModel):
    """A rule's effect on labelled cases."""

    rule_id: Annotated[str, Field(description="The rule.")]
    cases: Annotated[int, Field(description="Labelled cases.")]
    metric: Annotated[str, Field(description="What the scores are: f1, accuracy or micro_f1, in percent.")]
    before: Annotated[float, Field(description="The score without the rule.")]
    after: Annotated[float, Field(description="The score with it.")]
    mended: Annotated[int, Field(description="Cases that it turned from wrong to right.")]
    broken: Annotated[int, Field(description="Cases that it turned from right to wrong.")]
    flips: Annotated[list[FlippedCase], Field(description="The first cases that it answers otherwise, at most 20.")]


class Verdict(BaseModel):
    """What a person decides about a rule."""

    decision: Annotated[
        Literal["accept", "reject", "later"],
        Field(description="accept: it steers answers from now on; reject: it never will; later: it stays a proposal."),
    ] = "later"


class Consent(BaseModel):
    """A person's leave to change a rule that acts."""

    agreed: Annotated[bool, Field(description="Make this change.")] = False


def rule_tools(server_context: ServerContext, watchers: Watchers, *, trust_agents: bool) -> list[PlainTool]:
    """Tools that search, propose, change, retire and review rules."""

    async def changing(write: Callable[[], RuleChange]) -> CallToolResult:
        """Write in a thread, then tell whoever watches."""
        change = await anyio.to_thread.run_sync(write)
        await watchers.tell([change.rule])
        return result_of(change)

    def ask_about_new(
        ctx: Context[Any, Any],
        statement: str,
        task: ScopeName,
        dataset: str,
        domain: str,
        attribute: str,
        check: dict[str, Any] | None,
        decides: Literal["fail", "both"],
        examples: list[Example],
        rule_id: str | None,
    ) -> Verdict | Elicit[Verdict]:
        draft = _draft(statement, task, dataset, domain, attribute, check, decides, examples, rule_id)
        known = server_context.knowledge.equal_to(draft)
        if known is not None and known.status == "active":
            return Verdict()
        match caller_role(ctx, trust_agents):
            case "approves":
                return Verdict(decision="accept")
            case "asks":
                return Elicit(f"An agent proposes a rule.\n{_spoken(draft)}\nShall it steer answers?", Verdict)
            case _:
                return Verdict()

    async def add_rule(
        ctx: Context[Any, Any],
        statement: Annotated[str, Field(description="One sentence, at most 400 characters.")],
        verdict: Annotated[ElicitationResult[Verdict], Resolve(ask_about_new)],
        task: Annotated[ScopeName, Field(description="Task it applies to.")] = "all",
        dataset: Annotated[str, Field(description="The dataset.")] = ALL,
        domain: Annotated[str, Field(description="A domain of datasets.")] = ALL,
        attribute: Annotated[str, Field(description="The attribute.")] = ALL,
        check: Annotated[
            dict[str, Any] | None,
            Field(description="JSON Schema of the value, or of the record if its type is object."),
        ] = None,
        decides: Annotated[
            Literal["fail", "both"],
            Field(description="Whether failing cases are wrong, or passing ones also right."),
        ] = "fail",
        examples: Annotated[
            list[Example],
            SHORT_EXAMPLES,
            Field(description="Labelled cases: {case: {record, attribute, value} or {left, right}, label}."),
        ] = [],  # noqa: B006
        rule_id: Annotated[str | None, Field(description="A short lower-case id.")] = None,
        why: Why = "",
    ) -> Annotated[CallToolResult, RuleChange]:
        """Proposes a rule that steers answers, such as "ABV is a fraction"; keep its scope narrow. It applies once a
        person accepts it, now if the client can ask."""
        rule = _draft(statement, task, dataset, domain, attribute, check, decides, examples, rule_id)
        who, decided_by, decision = caller(ctx), decider(ctx, trust_agents), _decision(verdict)

        def write() -> RuleChange:
            store = server_context.knowledge
            proposed = store.propose(rule, who=who, why=why)
            if proposed.status == "active":
                return _changed(proposed)
            if decision == "accept":
                return _changed(store.accept(proposed.id, who=decided_by, why=why))
            if decision == "reject":
                return _changed(store.reject(proposed.id, who=decided_by, why=why))
            return _changed(proposed)

        return await changing(write)

    def ask_about_change(ctx: Context[Any, Any], rule_id: str) -> Consent | Elicit[Consent]:
        rule = server_context.knowledge.get(rule_id)
        match caller_role(ctx, trust_agents):
            case _ if rule.status == "proposed":
                return Consent(agreed=True)
            case "approves":
                return Consent(agreed=True)
            case "asks":
                return Elicit(f"An agent wants to change or retire this rule.\n{_spoken(rule)}\nMay it?", Consent)
            case _:
                raise InvalidRequest(
                    f"Rule {rule_id} is {rule.status} and only a person may change it: ask them to run "
                    f"`dp-tools rules change {rule_id}`, or propose another rule with add_rule."
                )

    async def change_rule(
        ctx: Context[Any, Any],
        rule_id: RuleId,
        consent: Annotated[ElicitationResult[Consent], Resolve(ask_about_change)],
        statement: Annotated[str | None, Field(description="New statement.")] = None,
        task: Annotated[ScopeName | None, SHORT_TASK, Field(description="New task.")] = None,
        dataset: Annotated[str | None, Field(description="New dataset.")] = None,
        domain: Annotated[str | None, Field(description="New domain.")] = None,
        attribute: Annotated[str | None, Field(description="New attribute.")] = None,
        check: Annotated[dict[str, Any] | None, Field(description="New check, as JSON Schema.")] = None,
        examples: Annotated[
            list[Example] | None, SHORT_EXAMPLES, Field(description="All its new examples, as in add_rule.")
        ] = None,
        priority: Annotated[int | None, Field(description="New priority.")] = None,
        retire: Annotated[bool, Field(description="Retire it instead.")] = False,
        why: Why = "",
    ) -> Annotated[CallToolResult, RuleChange]:
        """Changes the given fields of a rule, or retires it; the history keeps old versions. An active rule needs a
        person's consent."""
        given = {
            "statement": statement,
            "task": task,
            "dataset": dataset,
            "domain": domain,
            "attribute": attribute,
            "check": check,
            "examples": examples,
            "priority": priority,
        }
        fields = {name: value for name, value in given.items() if value is not None}
        if bool(fields) == retire:
            raise InvalidRequest(
                "Give what is to change (a statement, a scope, a check, examples), or retire the rule."
            )
        _require(consent)
        if retire:
            return await changing(lambda: _changed(server_context.knowledge.retire(rule_id, who=caller(ctx), why=why)))
        return await changing(
            lambda: _changed(server_context.knowledge.change(rule_id, who=caller(ctx), why=why, **fields))
        )

    def ask_for_review(
        ctx: Context[Any, Any], rule_id: str, decision: Literal["ask", "accept", "reject"]
    ) -> Verdict | Elicit[Verdict]:
        rule = server_context.knowledge.get(rule_id)
        if rule.status != "proposed":
            raise InvalidRequest(f"Rule {rule_id} is {rule.status}; only proposed rules are reviewed.")
        match caller_role(ctx, trust_agents):
            case "approves":
                if decision == "ask":
                    raise InvalidRequest("You may approve rules yourself: say accept or reject.")
                return Verdict(decision=decision)
            case "asks":
                return Elicit(f"A rule waits for your word.\n{_spoken(rule)}\nShall it steer answers?", Verdict)
            case _:
                raise InvalidRequest(
                    f"Only a person may accept or reject rule {rule_id}, and this client cannot ask one: they can run "
                    f"`dp-tools rules review {rule_id}`."
                )

    async def review_rule(
        ctx: Context[Any, Any],
        rule_id: RuleId,
        verdict: Annotated[ElicitationResult[Verdict], Resolve(ask_for_review)],
        decision: Annotated[  # noqa: ARG001 (read by ask_for_review)
            Literal["ask", "accept", "reject"],
            Field(description="ask: the person decides."),
        ] = "ask",
        why: Why = "",
    ) -> Annotated[CallToolResult, RuleChange]:
        """Asks the person to review a proposed rule. Only callers who may approve rules decide themselves."""
        word, who = _decision(verdict), decider(ctx, trust_agents)

        def write() -> RuleChange:
            store = server_context.knowledge
            if word == "accept":
                return _changed(store.accept(rule_id, who=who, why=why))
            if word == "reject":
                return _changed(store.reject(rule_id, who=who, why=why))
            return _changed(store.get(rule_id))

        return await changing(write)

    async def test_rule(
        ctx: Context[Any, Any],
        rule_id: RuleId,
        data: Annotated[str, Field(description="File of labelled cases.")],
        task: Annotated[MeasuredTask, SHORT_TASK, Field(description="Task of the cases.")],
        dataset: Annotated[str | None, Field(description="Default: the rule's own.")] = None,
        attribute: Annotated[str | None, Field(description="For impute: the attribute of the label.")] = None,
    ) -> Annotated[CallToolResult, RuleTrial]:
        """Tries a rule on labelled cases. Returns scores without and with it, and answers that change."""

        def work(progress: Progress, cancel: threading.Event) -> RuleTrial:
            # It takes numpy, which a server that is ready at once has not loaded yet.
            from dp_tools.evaluation.rule_trials import try_rule

            cases = read_labelled(
                server_context.roots.to_read(data), task=task, dataset=dataset or "", attribute=attribute
            )
            rule = server_context.knowledge.get(rule_id)
            trial = try_rule(
                server_context.preprocessor, cases, rule, dataset=dataset, progress=progress, cancel=cancel
            )
            return RuleTrial(
                rule_id=rule_id,
                cases=trial.before.n,
                metric=trial.before.metric,
                before=trial.before.score,
                after=trial.after.score,
                mended=trial.mended,
                broken=trial.broken,
                flips=[FlippedCase(**asdict(flip)) for flip in trial.flips[:_FLIPS]],
            )

        return result_of(await run_work(ctx, work))

    def search_rules(
        words: Annotated[str, Field(description="Words to find.")] = "",
        task: Annotated[ScopeName | None, SHORT_TASK, Field(description="Only this task.")] = None,
        dataset: Annotated[str | None, Field(description="Only this dataset.")] = None,
        attribute: Annotated[str | None, Field(description="Only this attribute.")] = None,
        status: Annotated[Status | None, Field(description="Only this status.")] = None,
        limit: Annotated[int, Field(description="Maximum number.", ge=1, le=_PAGE)] = 20,
        offset: Annotated[int, Field(description="Number to skip.", ge=0)] = 0,
    ) -> Annotated[CallToolResult, RuleList]:
        """Finds rules by words, by scope, or both. Search before proposing one, and for pending proposals."""
        store = server_context.knowledge
        scope = {"task": task, "dataset": dataset, "attribute": attribute, "status": status}
        if not words.strip():
            found = list(store.list(**scope, limit=limit + 1, offset=offset))  # type: ignore[arg-type]
        else:
            kept = [rule for rule in store.search(words, limit=10_000) if _within(rule, scope)]
            found = kept[offset : offset + limit + 1]
        more = offset + limit if len(found) > limit else None
        return result_of(RuleList(rules=found[:limit], more=more))

    return [
        PlainTool.of(search_rules, "Search rules", READ_ONLY, READ),
        PlainTool.of(add_rule, "Add a rule", ADDS, RULES),
        PlainTool.of(change_rule, "Change or retire a rule", CHANGES, RULES),
        PlainTool.of(test_rule, "Try a rule", READ_ONLY, RUN),
        PlainTool.of(review_rule, "Review a proposed rule", CHANGES, APPROVE),
    ]


def _draft(
    statement: str,
    task: str,
    dataset: str,
    domain: str,
    attribute: str,
    check: dict[str, Any] | None,
    decides: Literal["fail", "both"],
    examples: list[Example],
    rule_id: str | None,
) -> Rule:
    """The rule as asked for, refused before a person is troubled with it if it is not acceptable."""
    rule = Rule(
        id=rule_id or suggested_id(statement, task=task, dataset=dataset, domain=domain),
        statement=statement,
        task=task,
        dataset=dataset,
        domain=domain,
        attribute=attribute,
        check=check,
        decides=decides,
        examples=tuple(examples),
        source="agent",
        status="proposed",
    )
    vet(rule)
    return rule


def _spoken(rule: Rule) -> str:
    """A rule as a person is asked about it."""
    places = {"task": rule.task, "dataset": rule.dataset, "domain": rule.domain, "attribute": rule.attribute}
    where = ", ".join(f"{name} {value}" for name, value in places.items() if value != ALL) or "everything"
    check = f"\nCheck: {json.dumps(rule.check, ensure_ascii=False)[:1000]}" if rule.check else ""
    examples = f"\nLabelled examples: {len(rule.examples)}" if rule.examples else ""
    return f"Rule {rule.id}, for {where}:\n{rule.statement}{check}{examples}"


def _decision(verdict: ElicitationResult[Verdict]) -> str:
    """What the person said; a refusal to answer the form is a no, closing it decides nothing."""
    if isinstance(verdict, AcceptedElicitation):
        return verdict.data.decision
    return "reject" if isinstance(verdict, DeclinedElicitation) else "later"


def _require(consent: ElicitationResult[Consent]) -> None:
    if not (isinstance(consent, AcceptedElicitation) and consent.data.agreed):
        raise InvalidRequest("The person did not agree: the rule stays as it is.")


def _changed(rule: Rule) -> RuleChange:
    waiting = f"It waits for a person: `dp-tools rules review {rule.id}`, or review_rule where the client can ask."
    return RuleChange(rule=rule, acts=rule.status == "active", next=waiting if rule.status == "proposed" else "")


def _within(rule: Rule, scope: Mapping[str, str | None]) -> bool:
    return all(wanted is None or key(getattr(rule, name)) == key(wanted) for name, wanted in scope.items())
