"""What a few labelled rows teach of a table: which of its cells are wrong, and what belongs in their place."""
