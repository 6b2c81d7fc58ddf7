"""Which weights: the catalogue, optimizing them, the shipped adapter with its card and its calibration."""
