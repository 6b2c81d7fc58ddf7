"""Matching whole tables and finding duplicates: blocking, judging pairs, pairs to groups."""
