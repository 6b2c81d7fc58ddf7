"""The kinds of thing that a column may hold."""

from __future__ import annotations

from typing import Literal, get_args

Kind = Literal[
    "person name",
    "first name",
    "last name",
    "last name first",
    "email",
    "telephone",
    "company",
    "street",
    "house number",
    "postcode",
    "city",
    "region",
    "country",
    "date",
    "date of birth",
    "product title",
    "price",
    "quantity",
    "code",
    "gtin",
    "iban",
    "tax number",
    "personal number",
    "web address",
    "category",
    "free text",
    "flag",
    "serial number",
    "source label",
    "time of export",
    "other",
]
"""What a column holds; "other" where it is none of these."""

KINDS: tuple[Kind, ...] = get_args(Kind)
