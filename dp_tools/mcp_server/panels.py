"""The workbench's views as panels inside chat clients (MCP Apps): one self-contained document, named by five tools.

Hosts without the extension show a tool's text as before. The document is the front end's modules in one script: a host
shows it in a frame that may load nothing.
"""

from __future__ import annotations

import re
from functools import cache

from mcp.server.apps import Apps

from dp_tools.mcp_server.workbench import shipped_files

PANEL = "ui://dp-tools/workbench.html"
"""The panel that the tools name."""
SHOWN = ("profile_table", "next_reviews", "review_rule", "get_job", "explain_answer")
"""The tools whose results it shows."""
_IMPORT = re.compile(r'^import \{ (.+) \} from "\./(\w+\.js)";$', re.MULTILINE)
_EXPORT = re.compile(r"^export ((?:async )?(?:function|class|const) (\w+))", re.MULTILINE)


def panel_meta(tool: str) -> dict[str, object] | None:
    """What a tool's definition says of its panel."""
    return {"ui": {"resourceUri": PANEL}} if tool in SHOWN else None


def panels() -> Apps:
    """The extension with its one document."""
    apps = Apps()
    apps.add_html_resource(PANEL, document(), title="dp-tools workbench", description="Shows what the tools return.")
    return apps


@cache
def document() -> str:
    """The panel as one HTML document that loads nothing."""
    sources = {name: content.decode() for name, content in shipped_files().items()}
    order: list[str] = []

    def visit(name: str) -> None:
        for _, needed in _IMPORT.findall(sources[name]):
            visit(needed)
        if name not in order:
            order.append(name)

    visit("panel.js")
    script = "\n".join(["const modules = {};", *(_module(name, sources[name]) for name in order)])
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>dp-tools workbench</title>'
        f'<style>{sources["app.css"]}</style></head><body><script type="module">{script}</script></body></html>'
    )


def _module(name: str, source: str) -> str:
    """A module as a function whose exports are kept under its name."""
    exported = ", ".join(found for _, found in _EXPORT.findall(source))
    body = _EXPORT.sub(r"\1", _IMPORT.sub(r'const { \1 } = modules["\2"];', source))
    return f'modules["{name}"] = (() => {{\n{body}\nreturn {{ {exported} }};\n}})();'
