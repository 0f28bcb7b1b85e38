"""One command a file: a function with explicit arguments that returns an exit code."""
