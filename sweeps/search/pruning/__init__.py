"""Pruners: who stops trials early."""

from sweeps.search.pruning.levels import LevelBook, Pruner
from sweeps.search.pruning.registry import make_pruner

__all__ = ["LevelBook", "Pruner", "make_pruner"]
