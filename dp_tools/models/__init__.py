"""Models: the catalogue, optimized weights, the shipped adapter and its calibration."""
