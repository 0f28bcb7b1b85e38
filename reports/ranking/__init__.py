"""Configurations, not trials, ordered by the accuracy they hold, with what the data can and cannot tell apart."""

from reports.ranking.rank import rank
from reports.ranking.ranked import ConfigurationState, RankedConfiguration, Ranking

__all__ = ["ConfigurationState", "RankedConfiguration", "Ranking", "rank"]
