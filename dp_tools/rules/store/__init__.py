"""The knowledge store: rules in SQLite with a chained history."""
