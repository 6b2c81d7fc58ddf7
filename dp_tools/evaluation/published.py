"""What the paper's table says: the columns that `dp-tools bench` prints beside our own scores.

Source: Zhang, Dong, Xiao, Oyamada, "Jellyfish: A Large Language Model for Data Preprocessing" (EMNLP 2024). Accuracy
for imputation, F1 for the rest, in percent.
"""

from __future__ import annotations

COLUMNS = ("non-LLM", "GPT-3.5", "GPT-4", "GPT-4o", "Jellyfish-7B", "Jellyfish-8B", "Jellyfish-13B")
"""The systems, in the order of the figures."""

_RESULTS: dict[tuple[str, str], tuple[float | None, ...]] = {
    ("ED", "Adult"): (99.10, 99.10, 92.01, 83.58, 77.40, 73.74, 99.33),
    ("ED", "Hospital"): (94.40, 97.80, 90.74, 44.76, 94.51, 93.40, 95.59),
    ("ED", "Flights"): (81.00, None, 83.48, 66.01, 69.15, 66.21, 82.52),
    ("ED", "Rayyan"): (79.00, None, 81.95, 68.53, 75.07, 81.06, 90.65),
    ("DI", "Buy"): (96.50, 98.50, 100, 100, 98.46, 98.46, 100),
    ("DI", "Restaurant"): (77.20, 88.40, 97.67, 90.70, 89.53, 87.21, 89.53),
    ("DI", "Flipkart"): (68.00, None, 89.94, 83.20, 87.14, 87.48, 81.68),
    ("DI", "Phone"): (86.70, None, 90.79, 86.78, 86.52, 85.68, 87.21),
    ("SM", "MIMIC-III"): (20.00, None, 40.00, 29.41, 53.33, 45.45, 40.00),
    ("SM", "Synthea"): (38.50, 45.20, 66.67, 6.56, 55.56, 47.06, 56.00),
    ("SM", "CMS"): (50.00, None, 19.35, 22.22, 42.86, 38.10, 59.29),
    ("EM", "Amazon-Google"): (75.58, 63.50, 74.21, 70.91, 81.69, 81.42, 81.34),
    ("EM", "Beer"): (94.37, 100, 100, 90.32, 100, 100, 96.77),
    ("EM", "DBLP-ACM"): (98.99, 96.60, 97.44, 95.87, 98.65, 98.77, 98.98),
    ("EM", "DBLP-GoogleScholar"): (95.70, 83.80, 91.87, 90.45, 94.88, 95.03, 98.51),
    ("EM", "Fodors-Zagats"): (100, 100, 100, 93.62, 100, 100, 100),
    ("EM", "iTunes-Amazon"): (97.06, 98.20, 100, 98.18, 96.30, 96.30, 98.11),
    ("EM", "Abt-Buy"): (89.33, None, 92.77, 78.73, 86.06, 88.84, 89.58),
    ("EM", "Walmart-Amazon"): (86.89, 87.00, 90.27, 79.19, 84.91, 85.24, 89.42),
    ("CTA", "SOTAB"): (None, 89.47, 91.55, 65.05, 83, 76.33, 82),
    ("AVE", "AE-110k"): (None, 61.30, 55.50, 55.77, 56.09, 59.55, 58.12),
    ("AVE", "OA-Mine"): (None, 62.70, 68.90, 60.20, 51.98, 59.22, 55.96),
}
_BY_KEY = {(folder, name.lower()): figures for (folder, name), figures in _RESULTS.items()}


def published(folder: str, dataset: str) -> dict[str, float] | None:
    """The published scores on a dataset by system, those that were published; None if the paper does not have it."""
    found = _BY_KEY.get((folder, dataset.lower()))
    if found is None:
        return None
    return {name: figure for name, figure in zip(COLUMNS, found, strict=True) if figure is not None}
