"""Wide and long tables from a seed, with known relations among columns that are free otherwise."""

from __future__ import annotations

import random
from pathlib import Path

CITIES = ("Boston", "Dallas", "Miami", "Denver", "Austin", "Phoenix", "Seattle", "Tulsa", "Fresno", "Mesa")
SYLLABLES = ("ba", "de", "ki", "lo", "mu", "na", "po", "ra", "si", "tu")


def write_wide(path: Path, rows: int, columns: int, seed: int = 1) -> Path:
    """Write a table.

    Its columns are: `zip`, which tells `city`; `phone`, whose beginning tells `city`; `shop` and `item`, which tell
    `price` together; `job` and `level`, of which some values never meet; the rest are free codes, amounts, words and
    flags. One cell in fifty of `city` is wrong.
    """
    chance = random.Random(seed)
    prices = {(shop, item): f"{chance.randint(100, 999) / 10}" for shop in range(6) for item in range(6)}
    places = [columns * part // 10 for part in range(1, 9)]

    def record(number: int) -> list[str]:
        place, shop, item, job = (chance.randrange(size) for size in (10, 6, 6, 4))
        cells = [free(chance, column, number) for column in range(columns)]
        related = {
            "zip": f"{90000 + 7 * place}",
            "city": chance.choice(CITIES) if chance.random() < 0.02 else CITIES[place],
            "phone": f"{201 + place}-{chance.randint(100, 999)}-{number:05}",
            "shop": f"shop {shop}",
            "item": f"item {item}",
            "price": prices[shop, item],
            "job": f"job {job}",
            "level": f"level {chance.choice((job, (job + 1) % 4))}",
        }
        for position, value in zip(places, related.values(), strict=True):
            cells[position] = value
        return cells

    names = [f"column {number}" for number in range(columns)]
    for position, name in zip(places, ("zip", "city", "phone", "shop", "item", "price", "job", "level"), strict=True):
        names[position] = name
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(names) + "\n")
        file.writelines(",".join(record(number)) + "\n" for number in range(rows))
    return path


def free(chance: random.Random, column: int, number: int) -> str:
    """A cell that no other tells, of the kind of its column."""
    kinds = (
        lambda: f"A{number:06}",
        lambda: f"{chance.uniform(1, 900):.2f}",
        lambda: "".join(chance.choices(SYLLABLES, k=4)),
        lambda: chance.choice(("yes", "no", "")),
        lambda: f"class {chance.randrange(30)}",
        lambda: f"20{chance.randrange(10, 24)}-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}",
    )
    return kinds[column % len(kinds)]()
