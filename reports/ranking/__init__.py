"""Configurations, not trials, ordered by the accuracy they hold, with what the data can and cannot tell apart."""

from reports.ranking.belief import Belief, Contender, belief
from reports.ranking.race import next_contender
from reports.ranking.rank import rank
from reports.ranking.ranked import ConfigurationState, RankedConfiguration, Ranking, Recommendation

__all__ = [
    "Belief",
    "ConfigurationState",
    "Contender",
    "RankedConfiguration",
    "Ranking",
    "Recommendation",
    "belief",
    "next_contender",
    "rank",
]
