"""Benchmarks of the makers: what they measure, without the commands."""
