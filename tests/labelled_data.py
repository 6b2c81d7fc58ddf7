"""A small folder of labelled instances, made up, in the layout that tuning and the benchmark read."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

_BRANDS = ("Acme", "Borealis", "Cobalt", "Dynamo")
_KINDS = ("kettle", "lamp", "radio", "drill", "fan")
_CITIES = {"Acme": "Bergen", "Borealis": "Oslo", "Cobalt": "Turku", "Dynamo": "Malmo"}

Row = Mapping[str, Any]


def write_labelled_data(folder: Path, *, seed: int = 5) -> Path:
    """Write train, valid and test splits of one dataset a task; returns the folder."""
    random = Random(seed)
    for split in ("train", "valid", "test"):
        _write(folder, "EM", "Goods", split, [_pair(random) for _ in range(90)])
        _write(folder, "ED", "Stock", split, _cells(random))
        _write(folder, "DI", "Makers", split, [_gap(random) for _ in range(40)])
        _write(folder, "SM", "Shops", split, [_attributes(random) for _ in range(40)])
        _write(folder, "CTA", "Columns", split, [_column(random) for _ in range(20)])
        _write(folder, "AVE", "Offers", split, [_offer(random) for _ in range(30)])
    return folder


def _write(folder: Path, task: str, dataset: str, split: str, rows: Sequence[Row]) -> None:
    path = folder / task / dataset / f"{split}.jsonl.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def _product(random: Random) -> dict[str, str | None]:
    brand = random.choice(_BRANDS)
    return {
        "title": f"{brand} {random.choice(_KINDS)} {random.randint(100, 999)}",
        "brand": brand,
        "city": _CITIES[brand],
        "price": f"{random.randint(5, 90)}.{random.randint(10, 99)}",
    }


def _pair(random: Random) -> Row:
    left, label = _product(random), int(random.random() < 0.3)
    right = {**left, "title": (left["title"] or "").lower()} if label else _product(random)
    return {"left": left, "right": right, "label": label}


def _cells(random: Random) -> list[Row]:
    rows = []
    for number in range(40):
        clean = _product(random)
        dirty = dict(clean)
        if number % 5 == 0:
            dirty["city"] = (clean["city"] or "")[::-1]
        rows += [
            {
                "record": dirty,
                "attribute": name,
                "label": int(dirty[name] != clean[name]),
                "clean": clean[name],
                "row_id": number,
            }
            for name in dirty
        ]
    return rows


def _gap(random: Random) -> Row:
    record = _product(random)
    return {"record": record, "attribute": "brand", "label": record.pop("brand")}


def _attributes(random: Random) -> Row:
    names = {"price": "what it costs", "cost": "the price asked", "town": "where it is sold", "city": "place of sale"}
    same = {"price": "cost", "cost": "price", "town": "city", "city": "town"}
    left, right = random.choice(list(names)), random.choice(list(names))
    sides = [
        {"name": name, "description": names[name], "table_description": f"goods {random.randint(1, 99)}"}
        for name in (left, right)
    ]
    return {"left": sides[0], "right": sides[1], "label": int(same[left] == right)}


def _column(random: Random) -> Row:
    kind = random.choice(("title", "city", "price"))
    products = [_product(random) for _ in range(5)]
    column = [product[kind] for product in products]
    return {"column": column, "table": [[value] for value in column], "column_index": 0, "label": kind}


def _offer(random: Random) -> Row:
    product = _product(random)
    asked = random.choice(("brand", "colour"))
    label = product["brand"] if asked == "brand" else None
    return {
        "title": product["title"],
        "description": f"made in {product['city']}",
        "category": "goods",
        "attribute": asked,
        "label": label,
        "values": [label] if label else [],
    }
