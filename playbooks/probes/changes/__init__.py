"""Changes: who changed what and when, from every source in AWS that tells."""

from playbooks.probes.changes.collected import Changes, Unread
from playbooks.probes.changes.collector import ChangesProbe

__all__ = ["Changes", "ChangesProbe", "Unread"]
