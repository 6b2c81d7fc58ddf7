"""Telephone numbers that nobody can have: by their length, their country code, or letters in them."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, ValidationResult

from dp_tools.profiling.comparisons.folding import digits

_EXTENSION = re.compile(r"(?i)\s*(?:,?\s*(?:ext\.?|extension|x|dw|durchwahl|poste|app?\.?)\s*\.?\s*|#)\d{1,6}\s*$")
_REMARK = re.compile(r"(?i)\([^\d()]*\)|\b(?:tel(?:efon|\.)?|phone|fax|mob(?:il|ile|\.)?|cell|office|home|work)\b[.:]?")
_VANITY = re.compile(r"[A-Z]{3,}")
_SEVERAL = re.compile(r"[;,|]| or | oder | / ")
_READ = 60
_SHORTEST, _LONGEST = 5, 15
"""Digits of a number outside of short codes, and of the longest one with its country code (ITU-T E.164)."""
_REASONS = {
    ValidationResult.TOO_SHORT: "is too short",
    ValidationResult.TOO_LONG: "is too long",
    ValidationResult.INVALID_LENGTH: "has a length that none has",
}


@lru_cache(maxsize=2**14)
def telephone_fault(value: str, country: str | None) -> str | None:
    """Why a value is no telephone number; of several numbers in it the first is read.

    Args:
        value: of a cell.
        country: the one of the record (ISO 3166, two letters), whose plan holds for a number without a country code.
    """
    text = " ".join(_SEVERAL.split(value)[0].split())[:_READ]
    text = _EXTENSION.sub("", _REMARK.sub("", text)).strip()
    count = len(digits(text))
    if re.search(r"[^\W\d_]", text) and not _VANITY.search(text):
        return "A telephone number has no letter in it."
    if _VANITY.search(text):
        return None
    if not _SHORTEST <= count <= _LONGEST:
        return f"No telephone number has {count} digit{'' if count == 1 else 's'}."
    text = re.sub(r"^00", "+", text.replace("(0)", ""))
    if not text.startswith("+") and country is None:
        return None
    try:
        number = phonenumbers.parse(text, country)
    except NumberParseException:
        return "No country has the code that this telephone number begins with."
    found = phonenumbers.is_possible_number_with_reason(number)
    if found == ValidationResult.IS_POSSIBLE_LOCAL_ONLY and text.startswith("+"):
        found = ValidationResult.TOO_SHORT
    wrong = _REASONS.get(found)
    if wrong is None:
        return None
    where = phonenumbers.region_code_for_country_code(number.country_code or 0)
    return f"As a telephone number of {country if where == 'ZZ' else where} it {wrong}."
