"""Freezing: blocks, boundaries, cuts. Import the functions from their files; `trainer.models` re-exports what others need."""
