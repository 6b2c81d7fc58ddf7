"""Lists of contacts, companies, patients, properties and inventory, with errors as people and systems make them.

Two generators share nothing but `listing` and the shape of `proportions`: `everyday` is for calibration, tests and
training, `held_back` (other names, countries, formats and errors) only measures. The same seed gives the same list.
"""

from lab.synthetic.lists import everyday, held_back
from lab.synthetic.lists.listing import Record, SyntheticList
from lab.synthetic.lists.proportions import EVERYDAY, HELD_BACK, Proportions

KINDS = ("contacts", "companies", "patients", "properties", "inventory")

__all__ = ["EVERYDAY", "HELD_BACK", "KINDS", "Proportions", "Record", "SyntheticList", "everyday", "held_back"]
