"""How postcodes are written, by country."""

from __future__ import annotations

import re

_FIVE = "AL BA CU DE DZ EE EG ES FI FR GR HR ID IT KR LT MA ME MX MY RS SA TH TR TW UA"
_FOUR = "AR AT AU BE BG CH CY DK HU LI LU NO NZ PH SI TN ZA"
_SIX = "BY CN CO IN KZ RO RU SG VN"
_OWN = {
    "BR": (r"\d{5}-?\d{3}", "eight digits"),
    "CA": (r"[a-z]\d[a-z] ?\d[a-z]\d", "letters and digits in turn"),
    "CZ": (r"\d{3} ?\d{2}", "five digits"),
    "GB": (r"[a-z]{1,2}\d[a-z\d]? ?\d[a-z]{2}", "an outward and an inward code, such as SW1A 1AA"),
    "IE": (r"[a-z]\d[\dw] ?[a-z\d]{4}", "an Eircode, such as D02 AF30"),
    "IL": (r"\d{5}(\d{2})?", "seven digits"),
    "JP": (r"\d{3}-?\d{4}", "seven digits"),
    "LV": (r"(lv-)?\d{4}", "four digits"),
    "NL": (r"\d{4} ?[a-z]{2}", "four digits and two letters"),
    "PL": (r"\d{2}-?\d{3}", "five digits"),
    "PT": (r"\d{4}(-?\d{3})?", "four digits and three"),
    "SE": (r"\d{3} ?\d{2}", "five digits"),
    "SK": (r"\d{3} ?\d{2}", "five digits"),
    "US": (r"\d{5}([- ]?\d{4})?", "five digits, or nine"),
}
_WRITTEN = {
    **dict.fromkeys(_FIVE.split(), (r"\d{5}", "five digits")),
    **dict.fromkeys(_FOUR.split(), (r"\d{4}", "four digits")),
    **dict.fromkeys(_SIX.split(), (r"\d{6}", "six digits")),
    **_OWN,
}
_COUNTRIES = {
    code: (re.compile(rf"(?:{code}-?|[a-z]-)?(?:{pattern})", re.IGNORECASE), form)
    for code, (pattern, form) in _WRITTEN.items()
}


def postcode_fault(value: str, country: str | None) -> str | None:
    """Why a value is no postcode of a country; of any, where the country is not known."""
    text = " ".join(value.split())
    if country is None:
        known = any(pattern.fullmatch(text) for pattern, _ in _COUNTRIES.values())
        return None if known else "No country writes a postcode so."
    if country not in _COUNTRIES:
        return None
    pattern, form = _COUNTRIES[country]
    return None if pattern.fullmatch(text) else f"A postcode of {country} has {form}."
