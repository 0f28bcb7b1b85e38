"""Search spaces: YAML to typed parameters and back. Knows no other package of the project."""
