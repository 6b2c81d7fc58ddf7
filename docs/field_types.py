"""The type of a JSON Schema field in words, for the pages of reference."""

from __future__ import annotations

from typing import Any


def type_name(field: dict[str, Any]) -> str:
    """What a field holds, such as "list of string" or "number or null"."""
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "anyOf" in field:
        return " or ".join(dict.fromkeys(type_name(option) for option in field["anyOf"]))
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if "prefixItems" in field:
        return "pair"
    if field.get("type") == "array" and "items" in field:
        return f"list of {type_name(field['items'])}"
    return str(field.get("type", "any"))
