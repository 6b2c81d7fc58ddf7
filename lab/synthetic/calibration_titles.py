"""Texts with what they state, written by hand, on which the confidence of an extraction is calibrated.

Nothing here was trained on, and no score is taken from it: `lab.benchmarks.hand_titles` is for that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

TITLES: dict[str, str] = {
    "clothing": """
Mens Slim Fit Casual Long Sleeve Plaid Shirt 2019 Autumn Cotton Male Tops
  Gender=Mens; Fit=Slim Fit; Sleeve Length=Long Sleeve; Pattern=Plaid; Season=Autumn; Material=Cotton; Brand Name=
Columbia Women's Benton Springs Full Zip Fleece Jacket, Charcoal Heather, Medium
  Brand=Columbia; Color=Charcoal Heather; Size=Medium; Material=Fleece; Closure Type=Full Zip; Pattern=
AONIJIE Unisex Quick Dry Running Socks Breathable Cycling Ankle Sock
  Brand Name=AONIJIE; Gender=Unisex; Feature=Quick Dry; Item Type=Socks; Material=; Color=
Carhartt Kids' Acrylic Watch Hat, Brown, Toddler
  Brand=Carhartt; Material=Acrylic; Color=Brown; Department Name=Kids; Style=
Summer Beach Bikini Sexy Push Up Swimwear Women Floral Print Two Piece Swimsuit XL
  Gender=Women; Pattern Type=Floral Print; Season=Summer; Size=XL; Brand Name=; Material=
adidas Performance Men's Predator Freak .3 Firm Ground Soccer Cleats White/Solar Yellow 10.5
  Brand=adidas; Color=White/Solar Yellow; Size=10.5; Sport Type=Soccer; Gender=Men's; Upper Material=
Vintage Genuine Leather Belt with Brass Buckle 38mm Wide Dark Brown
  Material=Genuine Leather; Color=Dark Brown; Width=38mm; Style=Vintage; Brand=; Length=
""",
    "outdoor": """
Naturehike Cloud Up 2 Ultralight Tent 20D Silicone Fabric 2 Person 3 Season
  Brand Name=Naturehike; Capacity=2 Person; Fabric=20D Silicone; Season=3 Season; Color=; Weight=
10pcs Soft Fishing Lure 7.5cm 2.8g Silicone Worm Bait Artificial Shrimp
  Length=7.5cm; Weight=2.8g; Material=Silicone; Quantity=10pcs; Brand Name=; Color=
ROCKBROS Polarized Cycling Glasses UV400 Photochromic Bike Sunglasses Red
  Brand Name=ROCKBROS; Lens Optical Attribute=Polarized; Color=Red; Frame Material=; Gender=
Hydro Flask Wide Mouth 32 oz Water Bottle Stainless Steel Pacific
  Brand=Hydro Flask; Capacity=32 oz; Material=Stainless Steel; Color=Pacific; Diameter=
Yoga Mat Non Slip 6mm TPE Fitness Exercise Pilates 183cm x 61cm
  Thickness=6mm; Material=TPE; Size=183cm x 61cm; Brand Name=; Color=
Aluminum Alloy Trekking Pole Anti-shock Walking Stick Adjustable 65-135cm
  Material=Aluminum Alloy; Feature=Anti-shock; Length=65-135cm; Model Number=; Brand=
Speedo Junior Futura Biofuse Goggles Clear/Blue Ages 6-14
  Brand=Speedo; Color=Clear/Blue; Age Range=6-14; Lens Color=; Material=
""",
    "grocery": """
Starbucks Veranda Blend Blonde Roast K-Cup Pods 72 Count
  Brand=Starbucks; Roast Type=Blonde Roast; Number of Units=72 Count; Form=K-Cup Pods; Weight=; Caffeine Content=
Twinings Earl Grey Black Tea Bags Decaffeinated 50 ct
  Brand=Twinings; Flavor=Earl Grey; Variety=Black Tea; Item Form=Tea Bags; Net Weight=
Lay's Kettle Cooked Potato Chips Jalapeno 8 oz Bag
  Brand=Lay's; Flavor=Jalapeno; Net Content=8 oz; Container Type=Bag; Diet Type=
Organic Extra Virgin Olive Oil Cold Pressed 500ml Glass Bottle
  Volume=500ml; Feature=Organic; Brand=; Flavor=; Container Material=Glass
Kirkland Signature Creamy Almond Butter 27 Ounce (Pack of 3)
  Brand=Kirkland Signature; Size/Weight=27 Ounce; Pack Size=Pack of 3; Texture=Creamy; Flavor=
Haribo Goldbears Gummi Candy 5 lb
  Brand=Haribo; Weight=5 lb; Form=Gummi; Flavor=; Color=
Dry Cat Food Salmon & Rice Recipe Grain Free 3.5kg Adult
  Flavor=Salmon & Rice; Weight=3.5kg; Life Stage=Adult; Brand=; Item Form=Dry
""",
    "electronics": """
Logitech MX Master 3S Wireless Performance Mouse 8000 DPI Graphite
  Brand=Logitech; Model=MX Master 3S; Color=Graphite; Connectivity=Wireless; Resolution=8000 DPI; Battery Life=
Anker PowerCore 20100mAh Portable Charger Ultra High Capacity Power Bank
  Brand=Anker; Capacity=20100mAh; Product Type=Power Bank; Color=; Voltage=
WD Red Plus 4TB NAS Internal Hard Drive 5400 RPM SATA 6 Gb/s 64 MB Cache 3.5"
  Brand=WD; Storage Capacity=4TB; Rotational Speed=5400 RPM; Interface=SATA 6 Gb/s; Cache=64 MB; Color=
Kingston HyperX Fury 8GB 2666MHz DDR4 CL16 DIMM HX426C16FB2/8
  Manufacturer=Kingston; Memory Size=8GB; Speed=2666MHz; Part Number=HX426C16FB2/8; Voltage=; Color=
LG 27GL850-B 27 Inch Ultragear QHD Nano IPS 1ms Gaming Monitor
  Brand=LG; Screen Size=27 Inch; Resolution=QHD; Response Time=1ms; Model Number=27GL850-B; Ports=
Baofeng UV-5R Dual Band Two Way Radio 5W Walkie Talkie 1800mAh
  Brand Name=Baofeng; Model Number=UV-5R; Power=5W; Battery Capacity=1800mAh; Color=; Frequency Range=
Replacement Remote Control for Sony Bravia TV RM-ED062
  Compatible Brand=Sony; Model Number=RM-ED062; Color=; Battery Type=; Brand=
""",
    "tools": """
DEWALT DCD771C2 20V MAX Cordless Drill/Driver Kit, Compact
  Brand=DEWALT; Voltage=20V; Model Number=DCD771C2; Power Source=Cordless; Color=; Chuck Size=
Stanley FatMax 25 ft Tape Measure 1-1/4 in Wide Blade
  Brand=Stanley; Length=25 ft; Width=1-1/4 in; Material=; Color=
Black+Decker 1200W Corded Circular Saw 184mm
  Brand=Black+Decker; Power=1200W; Diameter=184mm; Power Source=Corded; Voltage=
100pcs M4 x 16mm Stainless Steel Hex Socket Cap Screws A2
  Thread Size=M4; Length=16mm; Material=Stainless Steel; Quantity=100pcs; Finish=; Brand=
Philips Hue White Ambiance E27 LED Bulb 9.5W 806 Lumen Dimmable
  Brand=Philips; Base Type=E27; Wattage=9.5W; Luminous Flux=806 Lumen; Voltage=; Color Temperature=
Karcher K4 Full Control Pressure Washer 130 bar
  Manufacturer=Karcher; Model=K4; Pressure=130 bar; Power=; Weight=
Heavy Duty Rubber Garden Hose 1/2" x 50m Green
  Material=Rubber; Length=50m; Diameter=1/2"; Color=Green; Brand=
""",
    "home": """
Zinus 12 Inch Green Tea Memory Foam Mattress, Queen
  Brand=Zinus; Thickness=12 Inch; Size=Queen; Material=Memory Foam; Firmness=; Color=
Cuisinart 14-Cup Food Processor DFP-14BCWNY Stainless Steel
  Brand=Cuisinart; Capacity=14-Cup; Model Number=DFP-14BCWNY; Material=Stainless Steel; Wattage=; Color=
Blackout Curtains Grommet Thermal Insulated 2 Panels 52 x 84 Inch Navy
  Size=52 x 84 Inch; Color=Navy; Number of Pieces=2 Panels; Material=; Brand=
Pyrex Simply Store 18-Piece Glass Food Storage Set with Lids
  Brand=Pyrex; Number of Pieces=18-Piece; Material=Glass; Capacity=; Shape=
Round Bamboo Cutting Board 30 cm with Juice Groove
  Material=Bamboo; Shape=Round; Diameter=30 cm; Thickness=; Brand=
True TSSU-48-12 48" Sandwich Salad Prep Table 2 Doors 12 Pans 115V
  Manufacturer=True; Model Number=TSSU-48-12; Width=48"; Voltage=115V; Height=; Shelves=
Avery 5160 Easy Peel Address Labels White 1 x 2-5/8 Inch 3000/Box
  Brand=Avery; Color(s)=White; Pack Quantity=3000/Box; Size=1 x 2-5/8 Inch; Binding=; Paper Weight=
""",
    "beauty": """
Neutrogena Hydro Boost Water Gel Moisturizer 1.7 fl oz Fragrance Free
  Brand=Neutrogena; Volume=1.7 fl oz; Scent=Fragrance Free; Skin Type=; Item Form=Gel
Nature Made Fish Oil 1200 mg Softgels, Omega-3, 150 Count
  Brand=Nature Made; Strength=1200 mg; Form=Softgels; Count=150 Count; Flavor=; Age Range=
Maybelline SuperStay Matte Ink Liquid Lipstick 20 Pioneer 5ml
  Brand=Maybelline; Finish=Matte; Net Content=5ml; Item Form=Liquid; Skin Type=
Oral-B Pro 1000 Rechargeable Electric Toothbrush White
  Brand=Oral-B; Color=White; Power Source=Rechargeable; Model=Pro 1000; Voltage=
Dove Men+Care Body Wash Clean Comfort 13.5 oz Pack of 4
  Brand=Dove; Size=13.5 oz; Scent=Clean Comfort; Pack Quantity=Pack of 4; Skin Type=
Nylon Hair Brush Wooden Handle Anti Static Detangling Salon
  Bristle Material=Nylon; Handle Material=Wooden; Feature=Anti Static; Brand=; Color=
Optimum Nutrition Gold Standard 100% Whey Protein Powder Double Rich Chocolate 5 Pound
  Brand=Optimum Nutrition; Flavor=Double Rich Chocolate; Net Weight=5 Pound; Form=Powder; Dosage=
""",
    "toys and cars": """
LEGO City Police Station 60246 Building Kit 743 Pieces Ages 6+
  Brand=LEGO; Item Number=60246; Piece Count=743 Pieces; Age Range=6+; Material=; Color=
Bosch ICON 22A Wiper Blade 22" (Pack of 1)
  Brand=Bosch; Size=22"; Part Number=22A; Pack Quantity=Pack of 1; Material=; Compatible Model=
Front Brake Pads Ceramic for Honda Civic 2006-2011
  Material=Ceramic; Compatible Brand=Honda; Compatible Model=Civic; Year=2006-2011; Brand=; Part Number=
Mobil 1 Extended Performance 5W-30 Full Synthetic Motor Oil 5 Quart
  Brand=Mobil; Viscosity=5W-30; Volume=5 Quart; Oil Type=Full Synthetic; Part Number=
RC Car 1:16 Scale 4WD 2.4GHz Off Road Remote Control Truck Blue
  Scale=1:16; Frequency=2.4GHz; Color=Blue; Drive=4WD; Brand=; Battery Capacity=
Plush Unicorn Stuffed Animal Soft Toy 25cm Pink Gift for Girls
  Color=Pink; Height=25cm; Gender=Girls; Material=Plush; Brand Name=; Age Range=
Ravensburger Jigsaw Puzzle Neuschwanstein Castle 1000 Pieces
  Manufacturer=Ravensburger; Number of Pieces=1000 Pieces; Theme=Neuschwanstein Castle; Age Range=; Size=
""",
    "other texts": """
Two-bedroom flat in Lisbon, 74 sqm, third floor with lift, 1,250 EUR a month, available from June
  City=Lisbon; Area=74 sqm; Floor=third; Rent=1,250 EUR; Furnished=; Landlord=
Senior Data Engineer at Nordwind Analytics, Hamburg, permanent, 75-85k, remote two days a week
  Company=Nordwind Analytics; Location=Hamburg; Salary=75-85k; Job Title=Senior Data Engineer; Start Date=
Patient, 54 years, male, took ibuprofen 400 mg twice daily for lower back pain
  Age=54 years; Sex=male; Drug=ibuprofen; Dose=400 mg; Frequency=twice daily; Allergy=
Invoice 2024-0815 from Keller Druck GmbH over 1,380.50 EUR due 15 March 2024
  Invoice Number=2024-0815; Supplier=Keller Druck GmbH; Amount=1,380.50 EUR; Due Date=15 March 2024; Tax Rate=; IBAN=
Flight LH1234 from Munich to Oslo departs 07:45 from gate K12, economy
  Flight Number=LH1234; Origin=Munich; Destination=Oslo; Departure Time=07:45; Gate=K12; Class=economy; Seat=
The Old Man and the Sea by Ernest Hemingway, Scribner 1995, paperback, 128 pages
  Author=Ernest Hemingway; Publisher=Scribner; Year=1995; Pages=128 pages; Title=The Old Man and the Sea; ISBN=
2017 Toyota Corolla hatchback, 62,000 km, petrol, automatic, silver, one owner
  Make=Toyota; Model=Corolla; Year=2017; Mileage=62,000 km; Fuel=petrol; Transmission=automatic; Color=silver; Price=
""",
}
"""By kind of text: a text, and below it the attributes that are asked of it, each with its value or nothing."""


def calibration_titles() -> Iterator[dict[str, Any]]:
    """Every attribute that is asked of every text, with its value or None, and the kind of text."""
    for kind, block in TITLES.items():
        lines = [line for line in block.split("\n") if line]
        for title, asked in zip(lines[::2], lines[1::2], strict=True):
            for part in asked.split(";"):
                attribute, _, value = part.strip().partition("=")
                yield {"kind": kind, "title": title, "attribute": attribute, "label": value or None}
