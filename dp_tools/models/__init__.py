"""Which weights: the catalogue, preparing them, the shipped adapter with its card and its calibration."""
