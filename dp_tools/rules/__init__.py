"""The knowledge store: rules with scope, precedence, checks and a history, and the injector that picks them."""
