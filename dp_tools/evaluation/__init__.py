"""Labelled data, what answers to it score, and what a rule does to that score."""
