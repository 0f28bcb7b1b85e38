"""What to train next, and what to stop: proposals, samplers, pruners. Knows no storage and no executor."""
