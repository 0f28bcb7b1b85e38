"""Telling people and programs what becomes of a sweep: a command, a webhook."""

from sweeps.notify.event import Event, sweep_event, trial_event
from sweeps.notify.notifier import Notifier

__all__ = ["Event", "Notifier", "sweep_event", "trial_event"]
