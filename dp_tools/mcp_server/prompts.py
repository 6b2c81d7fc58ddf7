"""Prompts that a person picks in a chat client: each starts a job that the tools then carry out."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated

from mcp.server import MCPServer
from mcp.server.mcpserver import UserMessage
from pydantic import Field

from dp_tools.mcp_server.tools.groups import Profile

DatasetName = Annotated[str, Field(description="The name under which its rules are kept, if it has one.")]


def add_prompts(server: MCPServer[None], profiles: Collection[Profile]) -> None:
    """Register the prompts whose tools the server offers."""
    if "tables" in profiles:
        _table_prompts(server, profiles)
    if "rules" in profiles:
        _rule_prompts(server)


def _table_prompts(server: MCPServer[None], profiles: Collection[Profile]) -> None:
    tasks, rules = "tasks" in profiles, "rules" in profiles

    @server.prompt(title="Clean this table")
    def clean_table(
        table: Annotated[str, Field(description="The file, or the table itself as text.")], dataset: DatasetName = ""
    ) -> list[UserMessage]:
        """Find the errors and gaps of a table and propose repairs."""
        steps = [
            "Look at it with profile_table"
            + (", and at the rules that hold for it (search_rules)" if rules else "")
            + ".",
            "If it is a file, run clean_table, which leaves the file as it is and writes a cleaned copy beside it, and "
            "wait with get_job"
            + ("; if it is in this conversation, use detect_errors and impute" if tasks else "")
            + ".",
            "Show me the changes: row, column, old value, new value, confidence, reason. Put the cases of next_reviews "
            "before me one by one and give my answers back with answer_review.",
        ]
        if rules:
            steps.append("Where I correct you for a reason that holds in general, propose it with add_rule.")
        return [UserMessage(f"Clean this table: {table}\n{_named(dataset)}{_numbered(steps)}")]

    @server.prompt(title="Match these two files")
    def match_files(
        left: Annotated[str, Field(description="The first file or table.")],
        right: Annotated[str, Field(description="The second file or table.")],
        dataset: DatasetName = "",
    ) -> list[UserMessage]:
        """Find the records that two tables have in common."""
        steps = [
            "Look at both with profile_table"
            + (" and line up their columns with match_schemas" if tasks else "")
            + ".",
            "Run match_tables and wait with get_job"
            + ("; for records in this conversation use match_entities" if tasks else "")
            + ".",
            "Give me the matches with their confidence, and put the cases of next_reviews before me.",
        ]
        start = f"Find the records that describe the same thing in {left} and in {right}.\n"
        return [UserMessage(f"{start}{_named(dataset)}{_numbered(steps)}")]


def _rule_prompts(server: MCPServer[None]) -> None:
    @server.prompt(title="Review pending rules")
    def review_rules(dataset: DatasetName = "") -> list[UserMessage]:
        """Go through the rules that agents proposed and decide on each."""
        return [
            UserMessage(
                f"Show me the proposed rules, one at a time (search_rules with status proposed).\n{_named(dataset)}"
                "For each say in a sentence what it would change and whether it conflicts with a rule that acts, then "
                "let me decide: put it before me with review_rule. Decide nothing yourself."
            )
        ]

    @server.prompt(title="Write a rule from these mistakes")
    def rule_from_mistakes(
        mistakes: Annotated[str, Field(description="What was answered, and what would have been right.")],
        dataset: DatasetName = "",
    ) -> list[UserMessage]:
        """Turn corrected answers into a rule."""
        return [
            UserMessage(
                f"These answers were wrong:\n{mistakes}\n{_named(dataset)}"
                "Find what they have in common. Look whether a rule on it exists (search_rules). Then propose one rule "
                "with add_rule: one sentence, as narrow as the evidence (task, dataset, attribute), with a check where "
                "a JSON Schema can say it, and the cases as examples."
            )
        ]


def _numbered(steps: list[str]) -> str:
    return "\n".join(f"{number}. {step}" for number, step in enumerate(steps, start=1))


def _named(dataset: str) -> str:
    return f"The dataset is called {dataset}.\n" if dataset else ""
