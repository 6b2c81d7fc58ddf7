"""E-mail addresses: one mailbox in two notations, one user at two places, two users of one company."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from dp_tools.profiling.comparisons.comparison import Comparison
from dp_tools.profiling.comparisons.folding import is_slip, words
from dp_tools.profiling.comparisons.given_names import are_one_given_name, are_two_given_names, is_given_name

PRIVATE_HOSTS = frozenset(
    [
        "gmail",
        "hotmail",
        "outlook",
        "live",
        "msn",
        "yahoo",
        "ymail",
        "rocketmail",
        "icloud",
        "aol",
        "gmx",
        "web",
        "t-online",
        "freenet",
        "arcor",
        "1und1",
        "mailbox",
        "posteo",
        "protonmail",
        "proton",
        "pm",
        "tutanota",
        "zoho",
        "mail",
        "email",
        "fastmail",
        "hey",
        "yandex",
        "rambler",
        "bk",
        "inbox",
        "list",
        "qq",
        "163",
        "126",
        "sina",
        "foxmail",
        "naver",
        "daum",
        "hanmail",
        "rediffmail",
        "orange",
        "wanadoo",
        "laposte",
        "free",
        "sfr",
        "neuf",
        "libero",
        "virgilio",
        "tiscali",
        "alice",
        "tin",
        "wp",
        "onet",
        "o2",
        "interia",
        "poczta",
        "seznam",
        "centrum",
        "bluewin",
        "hispeed",
        "chello",
        "aon",
        "kpnmail",
        "ziggo",
        "planet",
        "xs4all",
        "home",
        "telenet",
        "skynet",
        "telia",
        "comhem",
        "btinternet",
        "ntlworld",
        "sky",
        "talktalk",
        "virginmedia",
        "comcast",
        "verizon",
        "att",
        "sbcglobal",
        "bellsouth",
        "cox",
        "charter",
        "earthlink",
        "optonline",
        "rogers",
        "shaw",
        "telus",
        "bigpond",
        "optusnet",
        "terra",
        "uol",
        "bol",
        "hotmail",
        "sapo",
        "clix",
    ]
)
"""First labels of domains that give mailboxes to everybody; "mail.example" tells no more than "gmail.com"."""
ROLES = frozenset(
    [
        "info",
        "contact",
        "kontakt",
        "contacto",
        "contatto",
        "office",
        "mail",
        "email",
        "sales",
        "vertrieb",
        "verkauf",
        "ventas",
        "vendite",
        "order",
        "orders",
        "bestellung",
        "service",
        "support",
        "help",
        "hilfe",
        "admin",
        "administration",
        "accounts",
        "accounting",
        "buchhaltung",
        "invoice",
        "invoices",
        "rechnung",
        "billing",
        "hr",
        "jobs",
        "careers",
        "bewerbung",
        "team",
        "hello",
        "hallo",
        "post",
        "postmaster",
        "webmaster",
        "noreply",
        "no-reply",
        "reception",
        "empfang",
        "sekretariat",
        "zentrale",
        "buero",
        "marketing",
        "press",
        "presse",
        "shop",
        "enquiries",
        "inquiries",
        "reservations",
        "booking",
    ]
)
"""Users that are an office and not a person."""
_MADE_UP = frozenset(
    [
        "noreply",
        "no-reply",
        "donotreply",
        "unknown",
        "none",
        "nomail",
        "noemail",
        "no",
        "na",
        "n/a",
        "nobody",
        "xxx",
        "x",
    ]
)
"""Users of addresses that people write where they have none."""
_ADDRESS = re.compile(r"([^@\s<>]+)@([^@\s<>]+)")
_LONGEST_SHARED = 4
_LONGEST_CUT = 6
"""Letters of a domain from which on it may be another one, cut off by a field of fixed length."""
_PARTS = re.compile(r"[._\-\d]+")


class Mailbox(NamedTuple):
    """An address: the user without tag and dots, the same in parts, and the domain."""

    user: str
    parts: tuple[str, ...]
    domain: str

    @property
    def is_private(self) -> bool:
        """Whether its domain gives mailboxes to everybody."""
        return self.domain.split(".")[0] in PRIVATE_HOSTS

    @property
    def is_made_up(self) -> bool:
        """Whether it only fills a field: "unknown@unknown", "noreply@example.com"."""
        return self.user in _MADE_UP or (self.user in ("test", "mail", "email") and self.user in self.domain)

    @property
    def is_role(self) -> bool:
        """Whether it is an office's and not a person's."""
        return self.user in ROLES


@lru_cache(maxsize=2**16)
def mailbox(value: str) -> Mailbox | None:
    """The mailbox that a value names; None where it is no address."""
    found = _ADDRESS.search(value.strip().casefold())
    if found is None:
        return None
    local, domain = found[1].partition("+")[0], found[2].strip(".,;").removeprefix("www.")
    domain = "gmail.com" if domain == "googlemail.com" else domain
    parts = tuple(word for part in _PARTS.split(local) for word in words(part))
    return Mailbox(local.replace(".", ""), parts, domain)


def compare_emails(left: str, right: str) -> Comparison:
    """How two addresses compare."""
    one, two = mailbox(left), mailbox(right)
    if one is None or two is None or one.is_made_up or two.is_made_up:
        return Comparison("silent", "not an address")
    shared = f"{one.user}@{one.domain}"
    if one.user == two.user and one.domain == two.domain:
        if one.is_role:
            return Comparison("partial", "same office mailbox", shared)
        return (
            Comparison("exact", "same", shared) if left == right else Comparison("normalised", "same mailbox", shared)
        )
    if one.domain == two.domain:
        return _at_one_domain(one, two)
    if one.user == two.user and _is_cut(one.domain, two.domain):
        return Comparison("near", "cut off", shared)
    if one.user == two.user and not one.is_role:
        if is_slip(one.domain, two.domain):
            return Comparison("near", "near spelling", shared)
        if len(one.user) > _LONGEST_SHARED:
            return Comparison("near", "same user elsewhere", one.user)
    if one.is_private or two.is_private:
        return Comparison("silent", "private mailbox")
    return Comparison("contradicting", "other domain")


def _is_cut(one: str, two: str) -> bool:
    shorter, longer = sorted((one, two), key=len)
    return len(shorter) > _LONGEST_CUT and longer.startswith(shorter)


def _at_one_domain(one: Mailbox, two: Mailbox) -> Comparison:
    if is_slip(one.user, two.user) and not one.is_role and not _are_other_people(one, two):
        return Comparison("near", "near spelling")
    if one.is_private:
        return Comparison("contradicting", "other user")
    if one.is_role or two.is_role:
        return Comparison("partial", "same domain", one.domain)
    if _is_one_person(one.parts, two.parts):
        return Comparison("near", "same user in short", one.domain)
    return Comparison("partial", "same domain, other user", one.domain)


def _are_other_people(one: Mailbox, two: Mailbox) -> bool:
    """t.berger and c.berger, or jonas.weiss1 and jonas.weiss2, are one letter apart, and two people; so may be
    steve.brown and steven.brown, for a slip seldom makes another name."""
    if len(one.parts) == len(two.parts) > 1:
        pairs = [(a, b) for a, b in zip(one.parts, two.parts, strict=True) if a != b]
        return any(min(len(a), len(b)) == 1 or _are_given_names(a, b) for a, b in pairs)
    return one.parts == two.parts


def _are_given_names(one: str, two: str) -> bool:
    return are_two_given_names(one, two) or (is_given_name(one) and is_given_name(two))


def _is_one_person(one: tuple[str, ...], two: tuple[str, ...]) -> bool:
    """Whether the parts of two users may be one person's name, in any order, with initials and nicknames."""
    if len(one) > len(two):
        one, two = two, one
    if len(one) == 1 and len(two) == 2:
        first, last = two
        if one[0] in (first + last, last + first, first[0] + last, last + first[0], first + last[0]):
            return True
    if len(one) < 2 and not (one and len(one[0]) > _LONGEST_SHARED and one[0] in two):
        return False
    rest = list(two)
    whole = False
    for part in sorted(one, key=len, reverse=True):
        same = next((other for other in rest if other == part), None)
        close = same or next((o for o in rest if _may_be(part, o)), None)
        if close is None:
            return False
        whole |= same is not None and len(part) > 2
        rest.remove(close)
    return whole


def _may_be(one: str, two: str) -> bool:
    if min(len(one), len(two)) <= 2:
        return one.startswith(two) or two.startswith(one)
    return are_one_given_name(one, two)
