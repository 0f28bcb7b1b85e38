"""The training loop, its figures, its checkpoints and its exported model."""
