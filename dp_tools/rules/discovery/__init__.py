"""Rules that data suggests: value patterns, constraints, contrasts of labelled cases, truth discovery."""
