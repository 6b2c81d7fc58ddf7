"""The times of flights as several sources tell them, a share of which is wrong."""

from __future__ import annotations

import random

Rows = list[dict[str, str | None]]


def flights(wrong: float, entities: int = 40, voters: int = 12) -> Rows:
    """Several sources tell the times of flights; a share of what they say is something else."""
    truth, choose = random.Random(2), random.Random(3)

    def time(random: random.Random = choose) -> str:
        return f"{random.randint(1, 12)}:{random.randint(0, 59):02} p.m."

    rows: Rows = []
    for entity in range(entities):
        leaves, lands = time(truth), time(truth)
        for source in range(voters):
            rows.append(
                {
                    "source": f"s{source}",
                    "flight": f"AA-{entity}",
                    "leaves": time() if choose.random() < wrong else leaves,
                    "lands": time() if choose.random() < wrong else lands,
                    "airline": choose.choice(("AA", "UA")),
                }
            )
    return rows
