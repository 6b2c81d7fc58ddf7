"""Synthetic product titles, with what each of their parts is: extraction examples without limit.

Brands are invented, so that a brand is learned by where it stands and how it looks; a question about an attribute that
the title does not state is answered with "unknown".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from dp_tools.adapters.training_example import TrainingExample
from dp_tools.tasks import TASKS
from dp_tools.tasks.extract_values import ExtractValuesRequest, WantedAttribute
from lab.mixture.examples import often, training_example
from lab.mixture.recipe import Recipe
from lab.mixture.values import NONE

_ASKED = 3
"""Questions about one title; they share its tokens."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One attribute that a title may state.

    Args:
        names: what the attribute is called.
        values: how a value is drawn.
        frame: how it stands in a title, {} being the value.
    """

    names: tuple[str, ...]
    values: Callable[[Random], str]
    frame: str = "{}"


def _one_of(*values: str) -> Callable[[Random], str]:
    return lambda random: random.choice(values)


def _measure(low: float, high: float, *units: str) -> Callable[[Random], str]:
    """A number with a unit: 12 oz, 1.5-Liter, 30cm."""

    def drawn(random: Random) -> str:
        number = random.uniform(low, high)
        text = f"{number:.1f}" if number < 10 and often(random, 0.5) else str(max(1, round(number)))
        return f"{text}{random.choice((' ', ' ', '', '-'))}{random.choice(units)}"

    return drawn


_SYLLABLES = (
    *("bel", "cor", "dan", "ex", "fin", "gar", "hal", "in", "jor", "kel", "lum", "mar", "nor", "or", "pel", "qui"),
    *("ris", "sol", "tam", "ul", "ven", "wes", "xan", "yor", "zen", "a", "i", "o", "tech", "tex", "pro", "max"),
)


def invented_word(random: Random) -> str:
    """A name that no maker has."""
    return "".join(random.choice(_SYLLABLES) for _ in range(random.choice((2, 2, 3)))).title()


def _brand(random: Random) -> str:
    word = invented_word(random)
    written = random.choice((word, word, word.upper(), word + "'s"))
    return f"{written} {random.choice(('Farms', 'Home', 'Sports', 'Labs', 'Co.'))}" if often(random, 0.15) else written


def model_number(random: Random) -> str:
    """A few letters, then a number."""
    letters = "".join(random.choice("ABCDEFGHJKLMNPRSTVWXZ") for _ in range(random.randint(1, 4)))
    number = f"{letters}{random.choice(('-', '', ''))}{random.randint(10, 99999)}"
    return number + random.choice(("", "", "B", "/W", "-2", "XL"))


_BRAND = Slot(("Brand", "Brand Name", "Manufacturer", "Maker"), _brand)
_COLOR = Slot(
    ("Color", "Colour", "Color(s)"),
    _one_of(
        *("Black", "White", "Red", "Blue", "Green", "Grey", "Silver", "Gold", "Pink", "Purple", "Brown", "Beige"),
        *("Navy Blue", "Dark Green", "Rose Gold", "Space Gray", "Off White", "Black/Red", "Multicolor", "Clear"),
    ),
)
_GENDER = Slot(
    ("Gender", "Department", "Target Group"),
    _one_of("Men", "Women", "Men's", "Women's", "Boys", "Girls", "Kids", "Unisex", "Ladies", "Toddler"),
)
_MODEL = Slot(("Model", "Model Number", "Part Number", "Item Number"), model_number)
_COUNT = Slot(
    ("Pack Size", "Count", "Pack"), lambda r: r.choice(("Pack of {}", "{} Count", "{}-Pack")).format(r.randint(2, 60))
)
_YEAR = Slot(("Year", "Model Year"), lambda r: str(r.randint(2009, 2026)))
_FABRIC = Slot(
    ("Material", "Fabric", "Fabric Type"),
    _one_of(
        "Cotton", "Polyester", "Wool", "Leather", "Suede", "Mesh", "Spandex", "Linen", "Fleece", "Faux Fur", "Nylon"
    ),
)
_HARD = Slot(
    ("Material", "Frame Material"),
    _one_of("Stainless Steel", "Aluminum", "Plastic", "Oak", "Bamboo", "Glass", "Carbon Steel", "Ceramic", "Cast Iron"),
)
_SIZE = Slot(
    ("Size",), _one_of("XL", "XXL", "Small", "Medium", "Large", "9.5", "42", "Queen", "3T", "One Size"), "Size {}"
)
_LENGTH = Slot(
    ("Length", "Height", "Width", "Diameter"), _measure(1, 90, "cm", "mm", "m", "in", "inch", "Inches", "ft", '"')
)
_WEIGHT = Slot(
    ("Net Content", "Net Weight", "Weight", "Size/Weight"), _measure(1, 40, "oz", "Ounce", "g", "kg", "lb", "Pound")
)
_VOLUME = Slot(("Volume", "Capacity", "Net Content"), _measure(1, 60, "L", "ml", "fl oz", "Liter", "Gallon", "qt"))
_STORAGE = Slot(
    ("Capacity", "Storage Capacity", "Memory"),
    lambda r: f"{2 ** r.randint(2, 10)}{r.choice(('GB', ' GB', 'TB', '-GB'))}",
)
_VOLTS = Slot(
    ("Voltage",), lambda r: f"{r.choice((3, 5, 9, 12, 18, 20, 24, 110, 120, 220, 240))}{r.choice(('V', 'v', ' Volt'))}"
)
_WATTS = Slot(
    ("Power", "Wattage"), lambda r: f"{r.choice((5, 9, 40, 60, 300, 750, 1200, 1800))}{r.choice(('W', ' W', ' Watt'))}"
)
_SOURCE = Slot(("Power Source",), _one_of("Cordless", "Corded", "Battery Powered", "Solar", "Rechargeable", "Gas"))
_LINK = Slot(
    ("Interface", "Connectivity"), _one_of("USB 3.0", "USB-C", "Bluetooth 5.0", "Wi-Fi", "HDMI", "SATA", "Ethernet")
)
_FITS = Slot(
    ("Compatible Model", "Compatible With", "Compatible Brand"),
    lambda r: r.choice(("Galaxy S{}", "iPhone {}", "iPad {}", "Pixel {}", "ThinkPad T{}", "Surface Pro {}")).format(
        r.randint(3, 24)
    ),
    "for {}",
)
_FLAVOR = Slot(
    ("Flavor", "Flavour", "Scent", "Taste"),
    _one_of(
        "Vanilla", "Dark Chocolate", "Lemon Lime", "Strawberry", "Mint", "Lavender", "Peach Mango", "Sea Salt", "Honey"
    ),
)
_FORM = Slot(
    ("Form", "Item Form"),
    _one_of("Powder", "Capsules", "Tablets", "Gummies", "Liquid", "Spray", "Whole Bean", "Ground"),
)
_DIET = Slot(("Diet Type", "Feature"), _one_of("Gluten Free", "Organic", "Vegan", "Sugar Free", "Non-GMO", "Kosher"))
_DOSE = Slot(("Dosage", "Strength"), _measure(2, 2000, "mg", "mcg", "IU"))
_SPORT = Slot(
    ("Sport Type", "Sport", "Activity"),
    _one_of("Running", "Cycling", "Fishing", "Yoga", "Soccer", "Climbing", "Ski", "Golf"),
)
_PATTERN = Slot(
    ("Pattern", "Print"), _one_of("Striped", "Floral", "Plaid", "Camouflage", "Solid", "Polka Dot", "Leopard")
)
_SLEEVE = Slot(("Sleeve Length", "Sleeve"), _one_of("Short Sleeve", "Long Sleeve", "Sleeveless", "3/4 Sleeve"))
_STYLE = Slot(("Style",), _one_of("Vintage", "Casual", "Modern", "Bohemian", "Classic", "Slim Fit", "Loose"))

_TYPE = Slot(("Product Type", "Item Type", "Type"), str)
_EVERY = (_BRAND, _COLOR, _MODEL)
_GOODS: tuple[tuple[tuple[str, ...], tuple[Slot, ...]], ...] = (
    (
        ("Jacket", "T-Shirt", "Hoodie", "Dress", "Pants", "Shorts", "Sweater", "Leggings", "Socks"),
        (_GENDER, _FABRIC, _SIZE, _SPORT, _PATTERN, _SLEEVE, _STYLE, _YEAR, _COUNT),
    ),
    (
        ("Sneakers", "Boots", "Sandals", "Gloves", "Cap", "Helmet", "Belt"),
        (_GENDER, _FABRIC, _SIZE, _SPORT, _STYLE, _YEAR),
    ),
    (
        ("Coffee", "Tea", "Protein", "Vitamin D3", "Snack Bar", "Olive Oil", "Spice"),
        (_FLAVOR, _FORM, _WEIGHT, _DIET, _COUNT, _DOSE),
    ),
    (
        ("Shampoo", "Hand Soap", "Lotion", "Candle", "Detergent", "Toothbrush"),
        (_FLAVOR, _VOLUME, _COUNT, _DIET, _GENDER),
    ),
    (
        ("Tent", "Backpack", "Fishing Rod", "Yoga Mat", "Bike Light", "Water Bottle"),
        (_SPORT, _LENGTH, _VOLUME, _FABRIC, _YEAR),
    ),
    (("Drill", "Vacuum Cleaner", "Lawn Mower", "Blender", "Desk Lamp", "Fan"), (_VOLTS, _WATTS, _SOURCE, _HARD, _YEAR)),
    (("SSD", "Memory Card", "Tablet", "Laptop", "Phone"), (_STORAGE, _LINK, _YEAR, _LENGTH)),
    (("Case", "Charger", "Screen Protector", "Keyboard", "Cable", "Headset"), (_FITS, _LINK, _HARD, _COUNT, _WATTS)),
    (
        ("Bookshelf", "Dining Table", "Frying Pan", "Knife Set", "Mirror", "Shelf"),
        (_HARD, _LENGTH, _STYLE, _COUNT, _VOLUME),
    ),
)
_FILLERS = (
    "New",
    "High Quality",
    "Outdoor",
    "Professional",
    "Premium",
    "Hot Sale",
    "Breathable",
    "Portable",
    "Heavy Duty",
)


def slots() -> set[Slot]:
    """Every attribute that a synthetic title may state."""
    return {_TYPE, *_EVERY, *(slot for _, more in _GOODS for slot in more)}


def synthetic_titles(random: Random, recipe: Recipe, count: int) -> Iterator[TrainingExample]:
    """Examples about synthetic titles, a few questions about each, half of which it answers."""
    for _ in range(round(count * recipe.size / _ASKED)):
        kinds, more = random.choice(_GOODS)
        slots = [slot for slot in _EVERY if often(random, 0.7 if slot is _BRAND else 0.4)]
        slots += random.sample(more, random.randint(1, min(4, len(more))))
        stated_parts = {_TYPE: random.choice(kinds)} | {slot: slot.values(random) for slot in slots}
        title, stated_parts = _title(random, stated_parts)
        for attribute, value in dict.fromkeys(_question(random, stated_parts) for _ in range(_ASKED)):
            request = ExtractValuesRequest(texts=[title], attributes=[WantedAttribute(name=attribute)])
            yield training_example(TASKS["extract_values"].cases(request)[0], value or NONE, "generated/titles")


def _title(random: Random, values: dict[Slot, str]) -> tuple[str, dict[Slot, str]]:
    """A title and the values as they stand in it."""
    write = random.choice((str, str, str, str, str.lower, str.upper))
    first = [values[_BRAND]] if _BRAND in values and often(random, 0.85) else []
    before, after = random.sample(_FILLERS, random.choice((0, 0, 1, 2))), list[str]()
    for slot, value in values.items():
        if slot is not _TYPE and not (slot is _BRAND and first):
            last = slot.frame.startswith("for") or often(random, 0.5)
            (after if last else before).append(slot.frame.format(value))
    random.shuffle(before)
    random.shuffle(after)
    sign = random.choice((" ", " ", ", ", " - "))
    title = " ".join([*first, *before, values[_TYPE]]) + (sign + sign.join(after) if after else "")
    return write(title), {slot: write(value) for slot, value in values.items()}


def _question(random: Random, stated_parts: dict[Slot, str]) -> tuple[str, str | None]:
    """An attribute and its value, None where the title does not state it."""
    if often(random, 0.55):
        slot = random.choice(list(stated_parts))
        return random.choice(slot.names), stated_parts[slot]
    stated = {name for slot in stated_parts for name in slot.names}
    others = {slot for _, more in _GOODS for slot in (*_EVERY, *more)} - set(stated_parts)
    absent = sorted(slot.names for slot in others if not stated.intersection(slot.names))
    return random.choice(random.choice(absent)), None
