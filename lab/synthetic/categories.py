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
    ("grocery", "aisle"): {
        "Fruit and vegetables": "Romaine lettuce|Kiwi fruit 6pk|Sweet potatoes 1kg|Cucumber|Blueberries|Garlic bulbs",
        "Chilled": "Semi-skimmed milk 2l|Natural yogurt|Gouda slices|Cream cheese light|Eggs free range 10|Margarine",
        "Bread": "Wholemeal loaf|Pitta pockets|Crumpets 6pk|Baguette|Burger buns|Tortilla wraps",
        "Drinks": "Apple juice carton|Lemonade 2l|Instant coffee 200g|Still water 6x500ml|Energy drink|Herbal tea",
        "Household": "Washing powder|Aluminium foil|Sponge scourers 3pk|Bleach|Freezer bags|Toilet tissue 9 rolls",
    },
    ("animal", "class"): {
        "Mammal": "Red fox|Humpback whale|African elephant|Hedgehog|Fruit bat|Sea lion",
        "Bird": "Barn owl|Emperor penguin|House sparrow|Golden eagle|Ostrich|Mallard",
        "Reptile": "Green iguana|Nile crocodile|King cobra|Box turtle|Komodo dragon",
        "Insect": "Honey bee|Stag beetle|House fly|Monarch butterfly|Grasshopper|Black ant",
    },
    ("dish", "course"): {
        "Starter": "Tomato soup|Bruschetta|Prawn cocktail|Garlic bread|Green salad",
        "Main": "Grilled sirloin steak|Spaghetti bolognese|Chicken tikka masala|Beef burger and fries|Roast lamb|Pizza",
        "Dessert": "Chocolate brownie|Apple crumble|Vanilla ice cream|Cheesecake|Tiramisu",
        "Drink": "Espresso|House red wine|Sparkling water|Lager 0.5l|Orange juice",
    },
    ("posting", "account"): {
        "Travel": "Train ticket to Leeds|Hotel two nights|Taxi from airport|Flight to Madrid|Car hire|Parking fee",
        "Office supplies": "Printer paper A4|Toner cartridge|Envelopes C5|Desk organiser|Whiteboard markers",
        "Marketing": "Newspaper advert|Trade fair stand|Flyers 5000|Web banner campaign|Sponsored posts",
        "Software": "Accounting licence annual|Antivirus renewal|Cloud storage plan|Mail hosting|CAD subscription",
        "Utilities": "Electricity March|Water bill|Gas quarter 2|Broadband internet|Refuse collection",
    },
    ("subject", "team"): {
        "Billing": "I was charged twice|Invoice has the wrong address|Refund not received|Change my payment card",
        "Technical": "App crashes on start|Cannot open attachments|Error 500 when saving|Screen stays black",
        "Shipping": "Parcel has not arrived|Box was damaged in transit|Where is my order|Delivered to a neighbour",
        "Account": "Forgot my password|Delete my profile|Change e-mail address|Two-factor code not sent",
    },
    ("model", "make"): {
        "Volkswagen": "Golf|Passat|Polo|Tiguan|Touran",
        "Ford": "Fiesta|Focus|Mondeo|Mustang|Transit",
        "Toyota": "Corolla|Yaris|Prius|RAV4|Land Cruiser",
        "BMW": "320i|X5|M3|530d|Z4",
        "Honda": "Civic|Accord|Jazz|CR-V|HR-V",
    },
    ("instrument", "family"): {
        "Strings": "Violin|Cello|Double bass|Harp|Viola|Guitar",
        "Woodwind": "Flute|Oboe|Clarinet|Bassoon|Piccolo",
        "Brass": "Trumpet|French horn|Trombone|Tuba|Cornet",
        "Percussion": "Timpani|Snare drum|Xylophone|Cymbals|Triangle|Tambourine",
    },
    ("diagnosis", "ward"): {
        "Cardiology": "Heart failure|Atrial fibrillation|Myocardial infarction|Angina pectoris|Mitral valve disease",
        "Orthopaedics": "Hip fracture|Torn knee ligament|Shoulder dislocation|Broken wrist|Herniated disc",
        "Neurology": "Migraine|Epilepsy|Multiple sclerosis|Ischaemic stroke|Parkinson's disease",
        "Pulmonology": "Asthma|Pneumonia|Chronic bronchitis|Pulmonary embolism|Collapsed lung",
    },
    ("Artikel", "Warengruppe"): {
        "Obst": "Bananen|Äpfel rot 1kg|Birnen|Weintrauben hell|Erdbeeren 500g",
        "Getränke": "Mineralwasser 1l|Orangensaft|Bier hell 0,5l|Kaffee gemahlen|Früchtetee",
        "Werkzeug": "Hammer 500g|Schraubendreher Satz|Bohrmaschine|Säge|Zange",
        "Bürobedarf": "Kugelschreiber blau|Druckerpapier A4|Heftklammern|Ordner breit|Textmarker",
    },
    ("company", "industry"): {
        "Airlines": "Lufthansa|Ryanair|Delta|Emirates|Qantas",
        "Cars": "Renault|Hyundai|Volvo|Tesla|Mazda",
        "Banking": "HSBC|Deutsche Bank|Santander|Goldman Sachs|Barclays",
        "Pharmaceuticals": "Pfizer|Novartis|Roche|Bayer|AstraZeneca",
        "Retail": "Walmart|Tesco|Carrefour|Lidl|Target",
    },
    ("serial", "depot"): {
        "North": "Pallet KX-204|Pallet LM-118|Pallet QR-771|Pallet BD-309|Pallet TS-846|Pallet VA-532",
        "South": "Pallet HJ-915|Pallet NC-407|Pallet WE-260|Pallet PU-683|Pallet OG-154|Pallet FY-998",
        "East": "Pallet DZ-371|Pallet RK-829|Pallet IL-046|Pallet CM-715|Pallet SB-590|Pallet XT-233",
    },
    ("colleague", "shift"): {
        "Early": "Anna Berger|Tom Novak|Maria Rossi|John Carter|Eva Lind|Peter Hall",
        "Late": "Lucy Brown|Marek Kral|Hans Vogel|Sofia Costa|David Stone|Nina Holm",
        "Night": "Paul Weber|Clara Jung|Omar Said|Julia Moreau|Ivan Petrov|Rita Marsh",
    },
}
"""By the names of the two columns: the things of each category, separated by bars."""


def things(categories: dict[str, str]) -> list[tuple[str, str]]:
    """The things with their category."""
    return [(thing, category) for category, listed in categories.items() for thing in listed.split("|")]
