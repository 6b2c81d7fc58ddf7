"""Adapters of the embedded model: trained, calibrated and installed. Needs the packages of the extra "tune"."""
