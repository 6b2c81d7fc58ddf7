"""The tools that the server offers."""
