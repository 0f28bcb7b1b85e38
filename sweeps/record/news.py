"""What other drivers did since this one last looked: one query, whatever the study's size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select

from sweeps.record.leases import UNFINISHED, lease_columns, seen_lease
from sweeps.record.optuna_tables import TRIALS
from sweeps.record.schema import ATTEMPTS, LEASES

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from reports.records import TrialState
    from sweeps.record.leases import Lease


@dataclass(frozen=True)
class TrialNews:
    """A trial that is new to this driver, or that it knows as another's.

    Attributes:
        trial_id: Optuna's, unique in the storage.
        number: unique in the study.
        state: Optuna's.
        attempts: how many began.
        seen: when its attempts were last heard of (their driver's clock), or None before the first.
        lease: who owns it, or None where nobody ever did.
    """

    trial_id: int
    number: int
    state: TrialState
    attempts: int
    seen: datetime | None
    lease: Lease | None

    @property
    def unfinished(self) -> bool:
        """Whether it is running, or waits to be run again."""
        return self.state in UNFINISHED

    @property
    def free(self) -> bool:
        """Whether it is unfinished and nobody owns it any more."""
        return self.unfinished and (self.lease is None or self.lease.free)

    @property
    def written(self) -> tuple[object, ...]:
        """Changes whenever something about it was written."""
        return self.state, self.attempts, self.seen


def read_news(connection: Connection, study_id: int, known: int, live: Collection[int]) -> list[TrialNews]:
    """Trials from number `known` on, and those among `live`, by number."""
    of_trial = ATTEMPTS.c.trial_id == TRIALS.c.trial_id
    seen = select(func.max(ATTEMPTS.c.seen)).where(of_trial).scalar_subquery().label("seen")
    attempts = select(func.count()).select_from(ATTEMPTS).where(of_trial).scalar_subquery().label("attempts")
    query = (
        select(TRIALS.c.trial_id, TRIALS.c.number, TRIALS.c.state, seen, attempts, *lease_columns())
        .select_from(TRIALS.outerjoin(LEASES, LEASES.c.trial_id == TRIALS.c.trial_id))
        .where(TRIALS.c.study_id == study_id, or_(TRIALS.c.number >= known, TRIALS.c.number.in_(live)))
        .order_by(TRIALS.c.number)
    )
    return [TrialNews(row.trial_id, row.number, row.state, row.attempts, row.seen, seen_lease(row)) for row in connection.execute(query)]
