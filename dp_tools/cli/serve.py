"""`dp-tools serve`: the MCP server, over standard input and output or over HTTP."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option(
    "--model", default="nano", show_default=True, help="A catalogue name, a GGUF file, or hf:owner/repo/file."
)
@click.option(
    "--knowledge", type=click.Path(dir_okay=False, path_type=Path), help="The rules' SQLite file; your own by default."
)
@click.option("--threads", type=click.IntRange(min=1), help="Processor threads; the physical cores by default.")
@click.option("--trust-agents", is_flag=True, help="Rules that agents write act at once, without a person's word.")
def serve(model: str, knowledge: Path | None, threads: int | None, trust_agents: bool) -> None:
    """Serve agents and chat clients over MCP, until they leave."""
    from dp_tools.mcp_server.stdio import serve_stdio

    serve_stdio(model=model, knowledge=knowledge, threads=threads, trust_agents=trust_agents)
