"""`dp-tools serve`: the MCP server, over standard input and output or over HTTP."""

from __future__ import annotations

import os
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dp_tools.cli.workers import WORKERS
from dp_tools.mcp_server.tools.groups import PATIENCE_S, PROFILES, Profile

if TYPE_CHECKING:
    from dp_tools.mcp_server.workbench import Workbench

C = TypeVar("C", bound=Callable[..., Any])


def _profiles(_: click.Context, option: click.Parameter, text: str) -> tuple[Profile, ...]:
    names = {name.strip() for name in text.split(",")}
    if odd := sorted(names.difference(PROFILES)):
        raise click.BadParameter(
            f"there are no tools called {odd[0]!r}: choose from {', '.join(PROFILES)}.", param=option
        )
    return tuple(profile for profile in PROFILES if profile in names)


_SERVING = (
    click.option("--model", default="nano", show_default=True, help="Model name, nano+ADAPTER, or path of a GGUF."),
    click.option(
        "--knowledge", type=click.Path(dir_okay=False, path_type=Path), help="Knowledge store (default: your own)."
    ),
    click.option("--threads", type=click.IntRange(min=1), help="Processor threads (default: the physical cores)."),
    *WORKERS,
    click.option("--fallback-model", help="Second model, asked again where the first one is unsure."),
    click.option("--no-cache", is_flag=True, help="Do not use or update the cache of answers."),
    click.option(
        "--root",
        "roots",
        multiple=True,
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Folder in which tables may be read and written (repeatable; default: dp-tools in your documents).",
    ),
    click.option(
        "--state",
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder of jobs (default: one for this combination of rules and roots).",
    ),
)
"""The options of every command that serves: what answers, and where tables and jobs are."""


def _serving(command: C) -> C:
    for option in reversed(_SERVING):
        command = option(command)
    return command


@click.command()
@_serving
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


@click.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_serving
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Port of this machine to serve on (default: a free one)."
)
@click.option("--no-browser", is_flag=True, help="Print the address without opening a browser.")
def workbench(
    file: Path | None, no_cache: bool, port: int, no_browser: bool, roots: tuple[Path, ...], **options: Any
) -> None:
    """Open the workbench in a browser: profiles, reviews, rules and jobs. With FILE, shows its profile.

    Serves on this machine only, until it is interrupted. Tables under FILE's folder can be read and written, or those
    under the folders of --root.
    """
    from dp_tools.mcp_server.http import serve_http

    shown = {} if file is None else {"table": str(file.resolve())}
    if file is not None and not roots:
        roots = (file.resolve().parent,)

    def announce(page: Workbench, url: str) -> None:
        address = page.address(url, **shown)
        click.echo(f"The workbench is at {address}\nThe address signs in once. Stop with Ctrl+C.")
        if not no_browser:
            webbrowser.open(address)

    serve_http(f"127.0.0.1:{port}", roots=roots, cache=False if no_cache else None, announce=announce, **options)
