"""Facts about the characters of a value, which tokens hide from a model that applies a rule about them."""

from __future__ import annotations

import re

from dp_tools.records import is_missing

_READ = 400
_SIGNS = re.compile(r"[^\w\s]|_")
_SHOWN_SIGNS = 4


def form_of(value: str | None) -> str:
    """The form of a value, of which at most 400 characters are read; "" for a missing one.

    Letters (small, capital, both, none), digits, words where there are several, length in characters, and the signs in
    it: "Fort Worth 7%" is `both letters, 1 digit, 3 words, length 13, sign %`.
    """
    if is_missing(value):
        return ""
    text = (value or "").strip()[:_READ]
    digits, words = sum(character.isdigit() for character in text), len(text.split())
    parts = [_letters(text), f"{digits or 'no'} {'digit' if digits == 1 else 'digits'}"]
    if words > 1:
        parts.append(f"{words} words")
    parts.append(f"length {len(text)}")
    signs = "".join(dict.fromkeys(sign for sign in _SIGNS.findall(text) if sign.isprintable()))[:_SHOWN_SIGNS]
    if signs:
        parts.append(f"sign {signs}")
    return ", ".join(parts)


def _letters(text: str) -> str:
    small, capital = any(c.islower() for c in text), any(c.isupper() for c in text)
    if small and capital:
        return "both letters"
    return "small letters" if small else "capital letters" if capital else "no letters"
