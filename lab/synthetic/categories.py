"""Hand-written things with the category that people put them into, for measuring how gaps are chosen."""

from __future__ import annotations

CATEGORIES: dict[tuple[str, str], dict[str, str]] = {
    ("product", "department"): {
        "Tools": "Cordless drill 18V|Claw hammer 16oz|Hand saw 500mm|Screwdriver set 6pc|Adjustable spanner|Ruler",
        "Garden": "Rose bush red|Lawn mower 1400W|Garden hose 20m|Potting soil 40l|Hedge trimmer|Grass seed 1kg",
        "Paint": "Wall paint white 5l|Paint roller 25cm|Masking tape 50m|Wood varnish matt|Primer grey 2.5l|Brush set",
        "Lighting": "LED bulb E27 9W|Desk lamp black|Ceiling light round|Floor lamp brass|Wall light|Halogen spot GU10",
        "Plumbing": "Bathroom tap chrome|PVC pipe 40mm|Toilet seat|Sink strainer|Shower head 3 mode|Radiator valve",
    },
    ("title", "genre"): {
        "Mathematics": "Introduction to Linear Algebra|Calculus Made Easy|Probability Theory|Number Theory",
        "History": "A Brief History of Rome|The Second World War|The French Revolution|Castles of Medieval England",
        "Chemistry": "Organic Chemistry|The Periodic Table|Acids and Bases|Polymers Explained",
        "Cooking": "Cooking with Herbs|Italian Pasta Recipes|Baking Bread at Home|Soups for Winter",
        "Travel": "Hiking the Alps|A Guide to Paris|Backpacking in Peru|Islands of Greece",
    },
    ("city", "country"): {
        "Germany": "Munich|Berlin|Hamburg|Cologne|Stuttgart|Dresden",
        "France": "Lyon|Marseille|Bordeaux|Nice|Toulouse|Lille",
        "Italy": "Milan|Turin|Naples|Florence|Bologna|Venice",
        "Spain": "Seville|Valencia|Madrid|Bilbao|Granada|Malaga",
    },
    ("occupation", "sector"): {
        "Healthcare": "Nurse|Dentist|Surgeon|Pharmacist|Physiotherapist",
        "Education": "Primary school teacher|Lecturer|School principal|Tutor|Librarian",
        "Construction": "Bricklayer|Roofer|Crane operator|Site manager|Carpenter",
        "Finance": "Accountant|Bank teller|Auditor|Tax adviser|Insurance broker",
        "IT": "Software developer|Database administrator|Web designer|Network engineer|System analyst",
    },
    ("article", "group"): {
        "Shoes": "Leather boots brown 42|Running trainers|Sandals kids|High heels black|Rubber wellingtons",
        "Tops": "T-shirt cotton white M|Wool sweater|Silk blouse|Hooded sweatshirt|Polo shirt navy",
        "Bottoms": "Denim jeans slim|Pleated skirt|Cargo shorts|Chino trousers|Leggings",
        "Accessories": "Leather belt|Silk scarf|Sunglasses|Woollen hat|Watch strap",
    },
    ("name", "type"): {
        "Fish": "Salmon fillet|Cod loin|Tuna steak|Smoked mackerel|Trout whole",
        "Meat": "Beef mince 500g|Pork chops|Lamb shoulder|Chicken breast|Turkey thigh",
        "Vegetable": "Carrots bunch|Broccoli|Courgette|Cauliflower|White cabbage",
        "Fruit": "Strawberries 400g|Pears|Grapes seedless|Mango|Lemons",
        "Spice": "Black pepper ground|Cinnamon sticks|Turmeric powder|Paprika sweet|Nutmeg whole",
    },
    ("description", "group"): {
        "Stationery": "Ballpoint pen blue|Sticky notes yellow|Stapler|Paper clips|Highlighter set",
        "Furniture": "Office chair mesh|Standing desk|Filing cabinet|Bookshelf oak|Meeting table",
        "Electronics": "USB-C cable 1m|Wireless mouse|Laser printer|Monitor 27in|Webcam HD",
        "Cleaning": "Floor cleaner 5l|Microfibre cloths|Bin bags 60l|Hand soap refill|Glass spray",
    },
}
"""By the names of the two columns: the things of each category, separated by bars."""


def things(categories: dict[str, str]) -> list[tuple[str, str]]:
    """The things with their category."""
    return [(thing, category) for category, listed in categories.items() for thing in listed.split("|")]
