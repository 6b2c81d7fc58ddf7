"""Finding, repairing and filling the cells of a whole table."""
