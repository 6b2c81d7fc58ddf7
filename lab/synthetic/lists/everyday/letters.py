"""How letters beyond ASCII are written by those who have none."""

from __future__ import annotations

import re
import unicodedata

UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "ß": "ss"})
_OTHERS = re.compile(r"[^a-z0-9]+")


def folded(text: str) -> str:
    """A text without diacritics."""
    plain = text.replace("ß", "ss")
    return "".join(letter for letter in unicodedata.normalize("NFD", plain) if not unicodedata.combining(letter))


def ascii_name(text: str, between: str) -> str:
    """A name as e-mail addresses and domains write it: lower case, umlauts spelled out, `between` its words."""
    return _OTHERS.sub(between, folded(text.translate(UMLAUTS)).lower()).strip("-")
