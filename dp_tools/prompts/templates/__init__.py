"""Prompt templates: how a prompt's slots become the segments that a model was trained on."""
