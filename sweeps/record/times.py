"""How long the record waits for what."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StorageTimes:
    """Waits of a driver, in seconds.

    Attributes:
        lease: a trial whose driver has not been heard of for so long may be taken over; longer than a database's restart. Only PostgreSQL has leases.
        outage: a database that is away for so long ends the run; shorter than a person's patience.
    """

    lease: float = 60.0
    outage: float = 300.0

    def __post_init__(self) -> None:
        if self.lease <= 0 or self.outage < 0:
            raise ValueError(f"lease must be above 0 s and outage at least 0 s, but got {self.lease} and {self.outage}")
