"""Samplers: who proposes configurations."""

from sweeps.search.samplers.fixed_points import RandomSampler, random_point
from sweeps.search.samplers.registry import make_sampler
from sweeps.search.samplers.sampler import Answer, Question, Sampler

__all__ = ["Answer", "Question", "RandomSampler", "Sampler", "make_sampler", "random_point"]
