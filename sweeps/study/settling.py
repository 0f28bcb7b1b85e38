"""Ends a search once no untried configuration can credibly hold more, where the sweep file asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.search.settled import LEAST_TRIALS, possible_gain, worth_searching
from sweeps.seeds import proposal_seed

if TYPE_CHECKING:
    from sweeps.study.plan import StudyPlan
    from sweeps.study.study_state import StudyState

SHARE_BETWEEN = 20
"""The rule is asked again when a twentieth more trials are complete: its model costs the cube of them."""


class Settling:
    """Asks the rule now and then.

    Args:
        plan: says whether it is wanted, and how near is near enough.
        state: the study's trials.
    """

    def __init__(self, plan: StudyPlan, state: StudyState) -> None:
        self._plan = plan
        self._state = state
        self._next = LEAST_TRIALS

    def reason(self, num_val: int | None) -> str:
        """Why the search is over, in words with figures; empty while it is not.

        Args:
            num_val: validation images, or None when unknown.
        """
        plan = self._plan
        complete = self._state.complete
        if not plan.stop_when_settled or complete < self._next:
            return ""
        self._next = complete + max(1, complete // SHARE_BETWEEN)
        seed = proposal_seed(plan.seed, complete, -1)
        found = possible_gain(plan.proposer.space, self._state.seen(), maximize=plan.maximize, seed=seed)
        limit = None if found is None else worth_searching(found.best, num_val, plan.settled_within)
        if found is None or limit is None or found.gain > limit:
            return ""
        why = (
            "as the sweep file asks"
            if plan.settled_within is not None
            else f"the standard error of the best figure on {num_val} validation images"
        )
        return (
            f"after {found.trials} complete trials an untried configuration may hold at most {found.gain:.4f} more than the best ({found.best:.4f}); "
            f"less than {limit:.4f}, {why}"
        )
