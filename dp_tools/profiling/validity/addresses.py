"""Addresses of mailboxes and of pages on the web: what none can be."""

from __future__ import annotations

import re

_LABEL = r"[^\W_](?:[\w-]*[^\W_])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+(?:[^\W\d_]{{2,}}|xn--[a-z\d-]+)", re.IGNORECASE)
_NAMED = re.compile(r"[^<>]*<\s*([^<>]+?)\s*>")
_SEVERAL = re.compile(r"\s*[;,|]\s*|\s+/\s+")
_HOST = re.compile(r"localhost|\d{1,3}(?:\.\d{1,3}){3}", re.IGNORECASE)
_SCHEME = re.compile(r"(?:(?:https?|ftp)://)?", re.IGNORECASE)
_LIKE_SCHEME = re.compile(r"[a-z]{2,6}\s*[:;]?\s*/{1,3}", re.IGNORECASE)


def email_fault(value: str) -> str | None:
    """Why a value is no e-mail address; None where it is one, or several."""
    text = value.strip().removeprefix("mailto:")
    if named := _NAMED.fullmatch(text):
        text = named[1]
    parts = [part for part in _SEVERAL.split(text) if part]
    if len(parts) > 1 and not any(map(_address_fault, parts)):
        return None
    return _address_fault(text)


def _address_fault(text: str) -> str | None:
    signs = text.count("@")
    if signs != 1:
        return f"An e-mail address has one @, and this value has {signs or 'none'}."
    if re.search(r"\s", text):
        return "An e-mail address has no blank in it."
    user, _, domain = text.partition("@")
    if not user:
        return "Nothing stands before the @ of this e-mail address."
    if user.startswith(".") or user.endswith(".") or ".." in user:
        return "What stands before the @ neither begins nor ends with a dot, and has no two in a row."
    if re.search(r'[,;:<>()\[\]\\"]', user):
        return "What stands before the @ has a character that no mailbox has."
    if not _DOMAIN.fullmatch(domain):
        return "What stands behind the @ is no domain, such as example.com."
    return None


def web_address_fault(value: str) -> str | None:
    """Why a value is no web address; None where it is one, or several."""
    text = value.strip()
    parts = [part for part in re.split(r"\s*[;,|]\s+", text) if part]
    if len(parts) > 1 and not any(map(_page_fault, parts)):
        return None
    return _page_fault(text)


def _page_fault(text: str) -> str | None:
    if re.search(r"\s", text):
        return "A web address has no blank in it."
    found = _SCHEME.match(text)
    rest = text[found.end() :] if found else text
    host = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
    host = re.sub(r":\d+$", "", host)
    if _DOMAIN.fullmatch(host) or _HOST.fullmatch(host):
        return None
    if _LIKE_SCHEME.match(rest):
        return "A web address begins with http:// or https://, or with its domain."
    return "A web address has a domain, such as example.com, and this value has none."
