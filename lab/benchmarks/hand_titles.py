"""Product titles with what they state, written by hand for nothing but a score."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

TITLES: dict[str, dict[str, str | None]] = {
    "New Professional Women Ballet Dance Shoes Canvas Soft Sole Gymnastics Slippers Pink": {
        "Material": "Canvas",
        "Color": "Pink",
        "Gender": "Women",
        "Brand Name": None,
    },
    "Giro 2018 Men's Cycling Jersey Short Sleeve Breathable Polyester Bike Shirt": {
        "Brand Name": "Giro",
        "Material": "Polyester",
        "Gender": "Men",
        "Sleeve Length": "Short",
        "Color": None,
    },
    "Outdoor Sports Waterproof Backpack 40L Nylon Camping Hiking Bag Black": {
        "Capacity": "40L",
        "Material": "Nylon",
        "Color": "Black",
        "Brand Name": None,
    },
    "DAIWA Carbon Fiber Fishing Rod 2.1m Spinning Telescopic Pole": {
        "Brand Name": "DAIWA",
        "Length": "2.1m",
        "Material": "Carbon Fiber",
        "Color": None,
    },
    "Wilson Evolution Indoor Game Basketball Size 7": {
        "Brand": "Wilson",
        "Size": "7",
        "Sport Type": "Basketball",
        "Color": None,
    },
    "Nature's Way Vitamin C 1000 mg with Rose Hips, 250 Capsules": {
        "Brand": "Nature's Way",
        "Quantity": "250 Capsules",
        "Flavor": None,
        "Dosage": "1000 mg",
    },
    "Colgate Total Whitening Toothpaste, Fresh Mint, 4.8 oz, Pack of 2": {
        "Brand": "Colgate",
        "Flavor": "Fresh Mint",
        "Net Content": "4.8 oz",
        "Pack Size": "Pack of 2",
        "Color": None,
    },
    "Folgers Classic Roast Ground Coffee Medium Roast 30.5 Ounce Canister": {
        "Brand": "Folgers",
        "Roast": "Medium Roast",
        "Net Content": "30.5 Ounce",
        "Form": "Ground",
        "Flavor": None,
    },
    "OtterBox Defender Series Case for iPhone 11 Pro - Black": {
        "Brand": "OtterBox",
        "Compatible Model": "iPhone 11 Pro",
        "Color": "Black",
        "Material": None,
    },
    "Samsung 860 EVO 500GB 2.5 Inch SATA III Internal SSD (MZ-76E500B/AM)": {
        "Brand": "Samsung",
        "Capacity": "500GB",
        "Interface": "SATA III",
        "Model Number": "MZ-76E500B/AM",
        "Color": None,
    },
    "Levi's Women's 501 High Rise Straight Jeans, Blue Denim, Size 28": {
        "Brand": "Levi's",
        "Color": "Blue",
        "Size": "28",
        "Gender": "Women's",
        "Material": "Denim",
    },
    "Bosch 12V Max Cordless Drill Driver Kit with 2 Batteries": {
        "Brand": "Bosch",
        "Voltage": "12V",
        "Power Source": "Cordless",
        "Color": None,
    },
    "Lavazza Super Crema Whole Bean Coffee Blend, 2.2-Pound Bag": {
        "Brand": "Lavazza",
        "Net Content": "2.2-Pound",
        "Form": "Whole Bean",
        "Flavor": None,
    },
    "Unisex Adult Swimming Goggles Anti Fog UV Protection Silicone Strap Blue": {
        "Gender": "Unisex",
        "Color": "Blue",
        "Material": "Silicone",
        "Brand Name": None,
    },
}


def titles() -> Iterator[dict[str, Any]]:
    """Every attribute that is asked of every title, with its value or None."""
    for title, stated in TITLES.items():
        for attribute, value in stated.items():
            yield {
                "title": title,
                "category": "",
                "attribute": attribute,
                "label": value,
                "values": [value] if value else [],
            }
