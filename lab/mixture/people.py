"""Synthetic people: a clean table such as customer lists are, which no public set of matching or errors has."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

from lab.mixture.examples import often
from lab.mixture.sources import Record

_FIRST = (
    *(
        "Aaron",
        "Beatrice",
        "Carlos",
        "Deborah",
        "Edward",
        "Fiona",
        "George",
        "Hannah",
        "Ian",
        "Julia",
        "Kevin",
        "Laura",
    ),
    *(
        "Marco",
        "Nina",
        "Oliver",
        "Paula",
        "Quentin",
        "Rachel",
        "Samuel",
        "Teresa",
        "Ursula",
        "Victor",
        "Wendy",
        "Yvonne",
    ),
    *("Abdul", "Chen", "Diego", "Emeka", "Farah", "Goran", "Hiro", "Ingrid", "Jamal", "Kavita", "Lars", "Mei", "Noor"),
)
_LAST = (
    *("Adams", "Bell", "Clark", "Dixon", "Evans", "Foster", "Graham", "Harris", "Irwin", "James", "Khan", "Lewis"),
    *("Mason", "Nelson", "Owens", "Parker", "Reed", "Shaw", "Turner", "Underwood", "Vance", "Walker", "Young", "Zhang"),
    *(
        "Alvarez",
        "Bianchi",
        "Cohen",
        "Dubois",
        "Eriksen",
        "Fernandes",
        "Gupta",
        "Horvat",
        "Ito",
        "Jung",
        "Klein",
        "Weber",
    ),
)
_STREETS = (
    "Chestnut",
    "Sunset",
    "River",
    "Franklin",
    "Jefferson",
    "Meadow",
    "Pine",
    "Spring",
    "Union",
    "Walnut",
    "North",
)
_WAYS = ("Street", "Avenue", "Road", "Drive", "Lane", "Court", "Boulevard")
_PLACES = (
    *(("Arlington", "VA", "22201"), ("Bakersfield", "CA", "93301"), ("Cleveland", "OH", "44113")),
    *(("Dayton", "OH", "45402"), ("El Paso", "TX", "79901"), ("Fresno", "CA", "93721"), ("Glendale", "AZ", "85301")),
    *(("Houston", "TX", "77002"), ("Irvine", "CA", "92614"), ("Jackson", "MS", "39201"), ("Knoxville", "TN", "37902")),
)
_PROVIDERS = ("mail.com", "inbox.org", "post.net", "webmail.com")


def people(random: Random, count: int) -> list[Record]:
    """Records of people, some of whom share a household, and some a name.

    Args:
        random: what is drawn.
        count: how many.
    """
    found: list[Record] = []
    while len(found) < count:
        city, state, code = random.choice(_PLACES)
        household: Record = {
            "address": f"{random.randint(1, 9999)} {random.choice(_STREETS)} {random.choice(_WAYS)}",
            "city": city,
            "state": state,
            "zip": code,
            "phone": f"{random.randint(201, 989)}-{random.randint(200, 999)}-{random.randint(0, 9999):04d}",
        }
        last = random.choice(_LAST)
        for first in random.sample(_FIRST, random.choice((1, 1, 1, 2, 3))):
            begun, number = first[0] if often(random, 0.5) else first, random.choice(("", random.randint(1, 99)))
            born = date(1938, 1, 1) + timedelta(days=random.randrange(25_000))
            found.append(
                {
                    "name": f"{first} {last}",
                    **household,
                    "email": f"{begun}.{last}{number}@{random.choice(_PROVIDERS)}".lower(),
                    "date of birth": born.isoformat(),
                }
            )
    return found[:count]
