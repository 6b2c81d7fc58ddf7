"""Whole tables for a script: what it gives, the work that it waits for, and what it gets back."""
