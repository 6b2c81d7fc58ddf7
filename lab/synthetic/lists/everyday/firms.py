"""Companies of the everyday generator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from lab.synthetic.lists.everyday.letters import ascii_name
from lab.synthetic.lists.everyday.pools import FIRM_TRADES, FIRM_WORDS, TRADE_SHORT, Country, Place
from lab.synthetic.lists.proportions import Proportions


@dataclass(frozen=True, slots=True)
class Firm:
    """What is true of a company, or of a branch of one.

    Args:
        entity: which it is.
        base: the name without legal form; `trade` is the part of it that is abbreviated.
        legal: the legal form, written out and short.
        phone: the digits of the switchboard within the country.
        vat: the tax number.
    """

    entity: str
    country: Country
    base: str
    trade: str
    legal: tuple[str, str]
    street: str
    number: str
    place: Place
    phone: str
    domain: str
    mailbox: str
    vat: str

    def written(self, legal: bool, *, long: bool = False, short: bool = False) -> str:
        """The name with or without its legal form, written out or with an abbreviated trade."""
        name = self.base.replace(self.trade, TRADE_SHORT.get(self.trade, self.trade)) if short else self.base
        return f"{name} {self.legal[0 if long else 1]}" if legal else name


def firms(random: Random, count: int, shares: Proportions, countries: Sequence[Country]) -> list[Firm]:
    """About `count` companies, some of them branches of another one."""
    found: list[Firm] = []
    while len(found) < count:
        country = random.choice(countries)
        founder = random.choice(country.surnames)
        trade = random.choice(FIRM_TRADES)
        base = random.choice(
            (
                f"{random.choice(FIRM_WORDS)} {trade}",
                f"{founder} {trade}",
                f"{random.choice(FIRM_WORDS)} {random.choice(FIRM_WORDS)} {trade}",
                f"{founder} & {random.choice(country.surnames)} {trade}",
            )
        )
        domain = f"{ascii_name(base, '-')}.example"
        head = _seated(
            random,
            Firm(
                entity=f"f{len(found)}",
                country=country,
                base=base,
                trade=trade,
                legal=random.choice(country.legal),
                street="",
                number="",
                place=country.places[0],
                phone="",
                domain=domain,
                mailbox=f"{random.choice(('info', 'office', 'contact', 'sales'))}@{domain}",
                vat=country.code + "".join(str(random.randint(0, 9)) for _ in range(9)),
            ),
        )
        found.append(head)
        if random.random() < shares.branches:
            found += [_seated(random, replace(head, entity=f"{head.entity}b{n}")) for n in range(random.choice((1, 2)))]
    return found[:count]


def _seated(random: Random, firm: Firm) -> Firm:
    country = firm.country
    place = random.choice([place for place in country.places if place is not firm.place])
    local = "".join(str(random.randint(2, 9)) for _ in range(country.local - 2))
    return replace(
        firm,
        street=random.choice(country.streets),
        number=str(random.randint(1, 200)),
        place=place,
        phone=f"{place.area}{local}00",
    )
