"""The other drivers of a study: what they did, and which trials they left behind."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sweeps.record.reading import TrialNews
    from sweeps.record.recorded_study import RecordedStudy
    from sweeps.study.state import LiveTrial, StudyState

_log = logging.getLogger(__name__)


class Others:
    """Keeps the driver's state beside the record that others write too.

    A study with one driver (SQLite) costs nothing here: what a dead driver left is this driver's at once, and then nothing ever changes from outside.
    """

    def __init__(self, record: RecordedStudy, state: StudyState) -> None:
        self._record = record
        self._state = state
        self._known: dict[int, tuple[object, ...]] = {}
        self._unheard: dict[str, datetime] | None = None
        self._stopping: set[int] = set()

    @property
    def undecided(self) -> bool:
        """Whether some driver that held trials when this one began has neither been heard of since nor lost them.

        If it lives, its next renewal says so in seconds; if it is dead, its trials come first: new proposals would be made without their results, and a study whose
        only driver was restarted elsewhere would go on otherwise than it had.
        """
        return self._unheard is None or bool(self._unheard)

    def follow(self) -> list[LiveTrial]:
        """Learn what others wrote; returns trials that nobody owned any more and that this driver has now taken over."""
        if not self._record.shared:
            return self._take_all()
        news = self._record.news(self._state.others())
        taken = [each.number for each in news if each.free and each.number not in self._stopping and self._record.claim(each.number, each)]
        changed = [each.number for each in news if each.number in taken or self._known.get(each.number) != each.written]
        for stored in self._record.read(changed) if changed else ():
            self._state.follow(stored)
        self._known |= {each.number: each.written for each in news}
        held = [self._hold(number) for number in taken]
        self._listen(news)
        return held

    def drop(self, number: int, *, running: bool) -> None:
        """A trial was lost to another driver; `running` says that its end is still to come from the executor."""
        self._state.held.discard(number)
        self._known.pop(number, None)
        if running:
            self._stopping.add(number)

    def stopped(self, number: int) -> bool:
        """The executor told the end of a trial: whether it was one that had been lost."""
        if number not in self._stopping:
            return False
        self._stopping.discard(number)
        return True

    def _take_all(self) -> list[LiveTrial]:
        if self._unheard is not None:
            return []
        self._unheard = {}
        return [self._hold(number) for number in sorted(self._state.live)]

    def _hold(self, number: int) -> LiveTrial:
        self._state.held.add(number)
        self._known.pop(number, None)
        return self._state.live[number]

    def _listen(self, news: Iterable[TrialNews]) -> None:
        """Note which drivers have been heard of: their leases were renewed, or are gone."""
        leases = [each.lease for each in news if each.lease is not None and each.number in self._state.others()]
        expires: dict[str, datetime] = {}
        for lease in leases:
            expires[lease.owner] = max(lease.expires, expires.get(lease.owner, lease.expires))
        if self._unheard is not None:
            self._unheard = {owner: first for owner, first in self._unheard.items() if expires.get(owner) == first}
            return
        self._unheard = expires
        for lease in {lease.owner: lease for lease in leases}.values():
            _log.warning(
                "study %s: driver %s has trials; waiting until it is heard of, %.0f s at most", self._record.name, lease.driver, lease.left
            )
