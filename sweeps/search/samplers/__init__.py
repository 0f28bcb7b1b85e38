"""Samplers: who proposes configurations."""

from sweeps.search.samplers.protocol import Answer, Question, Sampler
from sweeps.search.samplers.random_points import RandomSampler, random_point
from sweeps.search.samplers.registry import make_sampler

__all__ = ["Answer", "Question", "RandomSampler", "Sampler", "make_sampler", "random_point"]
