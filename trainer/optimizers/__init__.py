"""Optimisers and learning-rate schedules. The schedules are plain Python; the optimisers import Keras when made."""
