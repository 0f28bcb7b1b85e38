"""What makes a driver the one that may write a trial."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from sqlalchemy.engine import Connection

    from sweeps.record.leases import Lease


class Ownership(Protocol):
    """Held while a driver runs a study: of the whole study (`StudyLock`), or of single trials (`LeasedTrials`)."""

    @property
    def shared(self) -> bool:
        """Whether other drivers may run trials of the same study."""
        ...

    def take(self, connection: Connection, trial_id: int) -> None:
        """Own a new trial, in the transaction that makes it; `keep` follows once that is committed."""
        ...

    def keep(self, trial_id: int) -> None:
        """A trial that was taken is on record."""
        ...

    def took(self, connection: Connection, trial_id: int) -> bool:
        """Whether it was this driver that made a trial: asked when the answer to its commit was lost."""
        ...

    def claim(self, trial_id: int, lease: Lease | None) -> bool:
        """Own an unfinished trial that nobody owns any more, `lease` being what was seen of it; False when somebody was quicker."""
        ...

    def check(self, connection: Connection, trial_id: int) -> bool:
        """Whether this driver still owns a trial; nobody can take it over before the transaction ends."""
        ...

    def let_go(self, trial_id: int) -> None:
        """Own a trial no longer: it is over."""
        ...

    def lost(self) -> set[int]:
        """Trials that were taken over by others since the last call."""
        ...

    def others(self, connection: Connection) -> tuple[str, ...]:
        """Host and process of the other drivers that own trials of the study."""
        ...

    def alone(self) -> AbstractContextManager[None]:
        """A block that one driver of the study is in at a time."""
        ...

    def release(self) -> None:
        """Let others in."""
        ...
