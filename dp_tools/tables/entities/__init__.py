"""Entities that last: one merged record each, and a register that keeps their ids from file to file."""
