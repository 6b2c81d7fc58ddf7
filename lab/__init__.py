"""What makes and measures the shipped model; not part of the package that users install."""
