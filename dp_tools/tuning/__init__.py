"""Tuning: the training mix, adapter training, calibration, and the benchmarks that say what it was worth."""
