"""An agent that may propose rules and a person who accepts them, as a LangGraph graph.

The agent works with the tools of `dp_tools.langchain`. When it has proposed rules the graph stops; it goes on with the
person's word on each, which may come in another process, days later. Run it with a chat model of your own:

    python examples/langgraph_approval.py "anthropic:claude-sonnet-4-5" "Look at these beers and propose a rule: ..."
"""

from __future__ import annotations

import sys
from typing import Any, TypedDict

from langchain.agents import create_agent
from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AnyMessage, HumanMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt

from dp_tools import Preprocessor
from dp_tools.langchain import dp_tools


class State(TypedDict):
    """What the graph carries from step to step."""

    messages: list[AnyMessage]


def approval_graph(model: BaseChatModel, preprocessor: Preprocessor) -> Any:
    """The graph: agent, then approval. It is kept in memory; give it another checkpointer to outlive the process."""
    agent = create_agent(model, dp_tools(preprocessor=preprocessor))
    store = preprocessor.knowledge

    def work(state: State) -> dict[str, Any]:
        return {"messages": agent.invoke({"messages": state["messages"]})["messages"]}

    def approve(_: State) -> dict[str, Any]:
        waiting = store.list(status="proposed", source="agent")
        if waiting:
            # The graph stops here; `decisions` is what it is resumed with: {rule id: "accept" or "reject"}.
            decisions = interrupt([{"id": rule.id, "statement": rule.statement} for rule in waiting])
            for rule in waiting:
                decide = store.accept if decisions.get(rule.id) == "accept" else store.reject
                decide(rule.id, who="person")
        return {}

    graph = StateGraph(State)
    graph.add_node("work", work)
    graph.add_node("approve", approve)
    graph.add_edge(START, "work")
    graph.add_edge("work", "approve")
    graph.add_edge("approve", END)
    return graph.compile(checkpointer=InMemorySaver())


def main(model: str, task: str) -> None:
    """Run the task and ask on the terminal about every proposed rule."""
    with Preprocessor() as preprocessor:
        graph = approval_graph(init_chat_model(model), preprocessor)
        thread = {"configurable": {"thread_id": "1"}}
        state = graph.invoke({"messages": [HumanMessage(task)]}, thread)
        while "__interrupt__" in state:
            decisions = {}
            for rule in state["__interrupt__"][0].value:
                reply = input(f"{rule['id']}: {rule['statement']}\nShall it steer answers? [y/N] ")
                decisions[rule["id"]] = "accept" if reply.strip().lower() == "y" else "reject"
            state = graph.invoke(Command(resume=decisions), thread)
        print(state["messages"][-1].content)


if __name__ == "__main__":
    main(*sys.argv[1:3])
