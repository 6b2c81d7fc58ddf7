"""Synthetic products, as two shops list them: the same one, and others that differ in what tells products apart.

A shop leaves out what another says, shortens it, and adds words that say nothing; a version, an edition, a size or a
model number that contradicts is another product. Makers and lines are invented.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from lab.mixture.corruption import typo
from lab.mixture.examples import often
from lab.mixture.sources import Record, Row
from lab.mixture.titles import invented_word, model_number

Choices = Mapping[str, tuple[str, ...]]
"""What may be stated, each with the ways in which it is written."""

_EDITIONS: Choices = {
    "standard": ("Standard", "Std", "Standard Edition", "Std."),
    "professional": ("Professional", "Pro", "Prof.", "Professional Edition", "Pro Edition"),
    "deluxe": ("Deluxe", "Dlx", "Deluxe Edition"),
    "premium": ("Premium", "Premium Edition", "Prem"),
    "home": ("Home", "Home Edition", "Home & Family"),
    "enterprise": ("Enterprise", "Ent", "Enterprise Edition", "Corporate"),
    "basic": ("Basic", "Essentials", "Basic Edition"),
    "ultimate": ("Ultimate", "Ultimate Edition", "Ult"),
}
_PLATFORMS: Choices = {
    "windows": ("Windows", "Win", "PC", "for Windows", "Win XP/Vista", "(PC)"),
    "mac": ("Mac", "Macintosh", "for Mac", "Mac OS X", "(Mac)"),
    "linux": ("Linux", "for Linux", "Linux/Unix"),
}
_LICENCES: Choices = {
    "upgrade": ("Upgrade", "Upg", "Upgrade Version", "Ver Upg"),
    "academic": ("Academic", "Student", "Edu", "Academic Version", "Acad"),
    "licence": ("License Only", "Lic", "OLP Lic"),
}
_USERS: Choices = {
    str(n): (f"{n} User", f"{n}-User", f"{n}u", f"{n} Users", f"{n} PCs", f"{n}-Pack") for n in (2, 3, 5, 10, 25, 50)
}
_SIZES: Choices = {
    **{f"{n}g": (f"{n}GB", f"{n} GB", f"{n}Gig", f"{n}-GB") for n in (1, 2, 4, 8, 16, 32, 64, 128, 250, 500)},
    **{f"{n}t": (f"{n}TB", f"{n} TB", f"{n}000GB") for n in (1, 2, 4, 6, 8)},
}
_INCHES: Choices = {str(n): (f'{n}"', f"{n}in", f"{n} Inch", f"{n}-inch") for n in (13, 15, 17, 19, 22, 24, 27, 32)}
_SPEEDS: Choices = {str(n): (f"{n}MHz", f"{n} MHz", f"{n}") for n in (333, 533, 667, 800, 1066, 1333, 1600, 2400, 3200)}
_COLOURS: Choices = {
    colour: (colour.title(), colour.title(), colour.upper(), short)
    for colour, short in (("black", "Blk"), ("white", "Wht"), ("silver", "Slv"), ("blue", "Blu"), ("red", "Red"))
}
_SOFTWARE = (
    *("Photo Studio", "Tax Planner", "Antivirus", "Office Suite", "Language Tutor", "Video Editor", "Web Designer"),
    *("Backup Manager", "Typing Coach", "Family Tree", "Accounting", "Encyclopedia", "Math Adventure", "Chess"),
    *("Print Shop", "Font Collection", "Recipe Book", "Flight Pilot", "Music Maker", "Internet Security", "Clip Art"),
    *("Home Architect", "Spanish", "French", "Reading Games", "Database", "Mail Server", "PDF Converter", "Firewall"),
)
_HARDWARE: tuple[tuple[tuple[str, ...], Mapping[str, Choices]], ...] = (
    (("Memory Module", "RAM", "SDRAM Kit"), {"size": _SIZES, "speed": _SPEEDS}),
    (("Hard Drive", "SSD", "External Drive", "USB Flash Drive", "Memory Card"), {"size": _SIZES, "colour": _COLOURS}),
    (("LCD Monitor", "Notebook", "TV", "Tablet"), {"inches": _INCHES, "size": _SIZES, "colour": _COLOURS}),
    (("Printer", "Router", "Keyboard", "Headset", "Camera", "Power Supply", "Phone"), {"colour": _COLOURS}),
    (("Watch", "Backpack", "Drill", "Kettle", "Speaker"), {"colour": _COLOURS}),
)
_NOTHING = (
    *("Complete Package", "Retail", "Box", "CD-ROM", "DVD", "New", "Small Box", "English", "Eng", "Bundle", "OEM"),
    *("Free Shipping", "Factory Sealed", "Brand New", "Bulk", "In Stock", "w/ Manual", "- Best Price", "Genuine"),
)
_ATTRIBUTES = (
    ("title", "manufacturer", "price"),
    ("name", "brand", "price"),
    ("product", "maker", "list price"),
    ("title", "vendor", "cost"),
    ("item", "company", "amount"),
)


@dataclass(frozen=True, slots=True)
class Product:
    """What is sold.

    Args:
        maker: who makes it.
        line: what it is called.
        kind: what it is, where that is no part of the line.
        parts: what tells it from others of its line, by what it is about: one of the choices, or a text.
        price: in dollars.
    """

    maker: str
    line: str
    kind: str
    parts: Mapping[str, str]
    price: float


_CHOICES: Mapping[str, Choices] = {
    "edition": _EDITIONS,
    "platform": _PLATFORMS,
    "licence": _LICENCES,
    "users": _USERS,
    "size": _SIZES,
    "inches": _INCHES,
    "speed": _SPEEDS,
    "colour": _COLOURS,
}
_TOLD: Mapping[str, float] = {"model": 0.75, "version": 0.85, "edition": 0.85, "licence": 0.9, "platform": 0.6}
"""How often a shop says it; anything else in eight listings of ten."""


def listed_products(random: Random, count: int, negatives: int = 3) -> Iterator[Row]:
    """Pairs of listings: of one product after the other with itself, then with others.

    Args:
        random: what is drawn.
        count: how many pairs, about.
        negatives: how many pairs that do not match come to each that does, at most.
    """
    makers = [invented_word(random) for _ in range(max(4, count // 60))]
    for _ in range(round(count / (1 + negatives))):
        names = random.choice(_ATTRIBUTES)
        product = _product(random, random.choice(makers))
        left, parts = _listing(random, product, names)
        yield {"left": left, "right": _listing(random, product, names)[0], "label": 1}
        for _ in range(negatives):
            right = _another(random, product, parts, names)
            if right is not None:
                yield {"left": left, "right": right, "label": 0}


def _product(random: Random, maker: str) -> Product:
    price = round(random.uniform(5, 60) ** 1.5, 2)
    if often(random, 0.6):
        word = f"{invented_word(random)} " if often(random, 0.6) else ""
        parts = {"version": _version(random)} if often(random, 0.75) else {}
        for about, share in (("edition", 0.6), ("platform", 0.5), ("licence", 0.3), ("users", 0.15)):
            if often(random, share):
                parts[about] = random.choice(list(_CHOICES[about]))
        return Product(maker, f"{word}{random.choice(_SOFTWARE)}", "", parts, price)
    kinds, choices = random.choice(_HARDWARE)
    parts = {"model": model_number(random)} if often(random, 0.85) else {}
    parts |= {about: random.choice(list(found)) for about, found in choices.items() if often(random, 0.8)}
    line = invented_word(random) if often(random, 0.7) or not parts else ""
    return Product(maker, line, random.choice(kinds), parts, price)


def _version(random: Random) -> str:
    kind = random.random()
    if kind < 0.4:
        return str(random.randint(2001, 2012))
    return f"{random.randint(1, 14)}.{random.choice((0, 0, 0, 1, 2, 5))}" if kind < 0.9 else random.choice("XV")


def _another(random: Random, product: Product, parts: Mapping[str, str], names: Sequence[str]) -> Record | None:
    """The listing of a product that differs in what the first listing says; None where nothing can tell them apart."""
    about = random.choice([*parts, *parts, "line"])
    if about == "line":
        other = _product(random, product.maker)
        if other.line == product.line and other.kind == product.kind:
            return None
        shared = {name: value for name, value in product.parts.items() if name in other.parts and name != "model"}
        return _listing(random, replace(other, parts={**other.parts, **shared}), names)[0]
    value = _unlike(random, about, product.parts[about])
    # The number of another model is seldom all that changes, and a change seldom leaves the number.
    parts = {**product.parts, about: value}
    if about != "model" and "model" in parts and often(random, 0.7):
        parts["model"] = _unlike(random, "model", parts["model"])
    price = product.price if often(random, 0.4) else round(product.price * random.uniform(0.4, 2.5), 2)
    return _listing(random, replace(product, parts=parts, price=price), names, must=about)[0]


def _unlike(random: Random, about: str, value: str) -> str:
    """Another value of the same kind, often one that looks alike."""
    if about in _CHOICES:
        return random.choice([other for other in _CHOICES[about] if other != value])
    if about == "model" and often(random, 0.5):
        places = [place for place, sign in enumerate(value) if sign.isdigit()]
        place = random.choice(places)
        return value[:place] + str((int(value[place]) + random.randint(1, 9)) % 10) + value[place + 1 :]
    if about == "version" and value.isdigit() and often(random, 0.7):
        return str(int(value) + random.choice((-2, -1, 1, 2)))
    draw: Callable[[Random], str] = model_number if about == "model" else _version
    while True:
        if (other := draw(random)) != value:
            return other


def _listing(
    random: Random, product: Product, names: Sequence[str], *, must: str | None = None
) -> tuple[Record, dict[str, str]]:
    """How a shop lists a product, and which parts it says.

    Args:
        random: what is drawn.
        product: what is listed.
        names: what title, maker and price are called.
        must: a part that is stated whatever else is left out.
    """
    parts = {
        about: value for about, value in product.parts.items() if about == must or often(random, _TOLD.get(about, 0.8))
    }
    if not product.line and must is None and product.parts:
        parts |= dict(list(product.parts.items())[:1])
    title, named = _title(random, product, parts)
    text = random.choice((str, str, str.lower, str.lower, str.upper))(" ".join(title))
    if often(random, 0.06):
        text = typo(random, text)
    maker = _maker(random, product.maker) if often(random, 0.5) or not named else None
    price: str | None = f"{product.price * (random.uniform(0.75, 1.15) if often(random, 0.6) else 1):.2f}"
    if often(random, 0.2):
        price = None
    return dict(zip(names, (text, maker.lower() if maker and text.islower() else maker, price), strict=True)), parts


def _maker(random: Random, name: str) -> str:
    return f"{name} {random.choice(('Inc.', 'Software', 'Corp.', 'Ltd'))}" if often(random, 0.2) else name


def _title(random: Random, product: Product, parts: Mapping[str, str]) -> tuple[list[str], bool]:
    """The words of a title that says these parts, and whether it begins with the maker."""
    words = [_written(random, about, value) for about, value in parts.items()]
    random.shuffle(words)
    cut = random.randint(0, len(words)) if often(random, 0.4) else len(words)
    before, after = words[cut:], words[:cut]
    kind = [product.kind] if product.kind and often(random, 0.8) else []
    named = often(random, 0.6)
    line = [product.line] if product.line else []
    title = [*([product.maker] if named else []), *line, *before, *kind, *after]
    if not named and often(random, 0.1):
        title.append(f"by {product.maker}")
    title += random.sample(_NOTHING, random.choice((0, 0, 0, 1, 1, 2)))
    if often(random, 0.08):
        title.append(f"{random.randint(10000, 99999999)}")
    return title, named


def _written(random: Random, about: str, value: str) -> str:
    if about in _CHOICES:
        return random.choice(_CHOICES[about][value])
    if about == "model":
        return random.choice((value, value, value.replace("-", ""), value.replace("/", " "), f"({value})"))
    if value.isdigit():
        return value
    whole = value.removesuffix(".0")
    return random.choice((value, value, whole, whole, f"v{value}", f"V. {whole}", f"Version {value}", f"v{whole}"))
