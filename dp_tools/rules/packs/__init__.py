"""Rule packs: YAML files that people read, review and install."""
