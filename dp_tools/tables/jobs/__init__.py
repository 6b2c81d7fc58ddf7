"""Whole-table work as jobs: requests, steps, their state on disk, results and reviews."""
