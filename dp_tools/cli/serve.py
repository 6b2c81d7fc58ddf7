"""`dp-tools serve`: the MCP server, over standard input and output or over HTTP."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from dp_tools.mcp_server.tools.groups import PATIENCE_S, PROFILES, Profile


def _profiles(_: click.Context, option: click.Parameter, text: str) -> tuple[Profile, ...]:
    names = {name.strip() for name in text.split(",")}
    if odd := sorted(names.difference(PROFILES)):
        raise click.BadParameter(
            f"there are no tools called {odd[0]!r}: choose from {', '.join(PROFILES)}.", param=option
        )
    return tuple(profile for profile in PROFILES if profile in names)


@click.command()
@click.option("--model", default="nano", show_default=True, help="Model name, nano+ADAPTER, or path of a GGUF.")
@click.option(
    "--knowledge", type=click.Path(dir_okay=False, path_type=Path), help="Knowledge store (default: your own)."
)
@click.option("--threads", type=click.IntRange(min=1), help="Processor threads (default: the physical cores).")
@click.option("--fallback-model", help="Second model, asked again where the first one is unsure.")
@click.option("--no-cache", is_flag=True, help="Do not use or update the cache of answers.")
@click.option(
    "--root",
    "roots",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder in which tables may be read and written (repeatable; default: dp-tools in your documents).",
)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of jobs (default: one for this combination of rules and roots).",
)
@click.option(
    "--trust-agents", is_flag=True, help="Let rules written by agents take effect without review by a person."
)
@click.option(
    "--tools",
    "profiles",
    metavar="GROUPS",
    default=",".join(PROFILES),
    show_default=True,
    callback=_profiles,
    help="Offer only these groups of tools (comma-separated).",
)
@click.option(
    "--patience",
    type=click.FloatRange(min=0),
    default=PATIENCE_S,
    show_default=True,
    help="Seconds after which a call that takes longer returns what it has, and a job for the rest.",
)
@click.option("--http", metavar="HOST:PORT", help="Serve over HTTP instead of stdio, for example on 127.0.0.1:8765.")
@click.option("--url", help="Public URL of the HTTP server, as https://HOST.")
@click.option(
    "--tokens",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File of bearer tokens, one per line: name token scope ... (or the variable DP_TOOLS_TOKENS).",
)
@click.option("--issuer", help="OAuth issuer whose signed tokens are accepted.")
@click.option("--jwks", help="URL of the issuer's keys (JWKS).")
def serve(
    no_cache: bool,
    trust_agents: bool,
    profiles: tuple[Profile, ...],
    http: str | None,
    url: str | None,
    tokens: Path | None,
    issuer: str | None,
    jwks: str | None,
    **options: Any,
) -> None:
    """Serve agents and chat clients over MCP until they disconnect."""
    options["cache"] = False if no_cache else None
    if http is None:
        from dp_tools.mcp_server.stdio import serve_stdio

        serve_stdio(trust_agents=trust_agents, profiles=profiles, **options)
    else:
        from dp_tools.mcp_server.http import serve_http

        # Out of the environment, so that nothing started from here inherits the tokens.
        lines = os.environ.pop("DP_TOOLS_TOKENS", None)
        serve_http(
            http,
            url=url,
            tokens=tokens,
            token_lines=lines,
            issuer=issuer,
            keys=jwks,
            trust_agents=trust_agents,
            profiles=profiles,
            **options,
        )
