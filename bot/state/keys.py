"""Every Redis key of the program, named here and nowhere else, and how long each lives.

All keys share one hash tag, so that scripts over several keys work on Redis Cluster. docket names
its own keys.
"""

from __future__ import annotations

import hashlib

DAY = 86_400  # seconds
RETENTION = 90 * DAY
"""How long incidents, runs and messages are kept after their last change, in seconds."""

WITHOUT_TTL = {
    "audit:entries": "the audit chain is evidence; an operator archives it, time does not",
    "audit:head": "shows that entries at the end of the audit chain were removed",
    "audit:faults": "changes stay frozen until what was found is over or accepted",
    "audit:sealed": "a broken chain that an operator accepted is evidence too",
}
"""The keys that never expire, by name without the tag, and the reason."""


class Keys:
    """Key names in one namespace. Parts from outside that may be long are hashed."""

    def __init__(self, namespace: str = "ih") -> None:
        self.prefix = f"{{{namespace}}}:"
        self.incident_prefix = f"{self.prefix}incident:"
        self.run_prefix = f"{self.prefix}run:"
        self.thread_prefix = f"{self.prefix}thread:"
        self.audit_entries = f"{self.prefix}audit:entries"
        self.audit_head = f"{self.prefix}audit:head"
        self.audit_faults = f"{self.prefix}audit:faults"
        self.open_incidents = f"{self.prefix}open-incidents"
        self.runs_under_way = f"{self.prefix}runs-under-way"
        self.outbox_channels = f"{self.prefix}outbox-channels"
        self.outbox_workspace = f"{self.prefix}outbox-workspace"
        """The pace of edits, pauses of methods, kinds of blocks that are refused; times in µs."""
        self.posts_seen = f"{self.prefix}posts-seen"

    def audit_sealed(self, generation: str) -> str:
        """The entries that were there when the chain of this generation began."""
        return f"{self.prefix}audit:sealed:{generation}"

    # incidents
    def incident(self, incident_id: str) -> str:
        return f"{self.incident_prefix}{incident_id}"

    def dedupe(self, key: str) -> str:
        return f"{self.prefix}dedupe:{_hashed(key)}"

    def channel(self, channel: str) -> str:
        """Ids of a channel's incidents, scored by opening time."""
        return f"{self.prefix}channel:{channel}"

    def thread(self, channel: str, thread_ts: str) -> str:
        return f"{self.thread_prefix}{channel}:{thread_ts}"

    def report(self, incident_id: str) -> str:
        return f"{self.prefix}report:{incident_id}"

    def timeline(self, incident_id: str) -> str:
        return f"{self.prefix}timeline:{incident_id}"

    def timeline_seen(self, incident_id: str) -> str:
        return f"{self.prefix}timeline-seen:{incident_id}"

    def turn(self, incident_id: str) -> str:
        """Requests for an investigation, and the run that goes on."""
        return f"{self.prefix}turn:{incident_id}"

    # guarded changes
    def run(self, run_id: str) -> str:
        return f"{self.run_prefix}{run_id}"

    def runs(self, incident_id: str) -> str:
        return f"{self.prefix}runs:{incident_id}"

    def target(self, target: str) -> str:
        return f"{self.prefix}target:{_hashed(target)}"

    # deliveries
    def once(self, what: str) -> str:
        return f"{self.prefix}once:{_hashed(what)}"

    # the outbox of a channel
    def outbox_order(self, channel: str) -> str:
        """Keys of the messages with something to send, in the order of outbox_rank.lua."""
        return f"{self.prefix}outbox:{channel}:order"

    def outbox_gate(self, channel: str) -> str:
        """Times (µs) before which nothing is sent to the channel, or a method is not called there,
        and failures in a row."""
        return f"{self.prefix}outbox:{channel}:gate"

    def outbox_lease(self, channel: str) -> str:
        return f"{self.prefix}outbox:{channel}:lease"

    def outbox_message_prefix(self, channel: str) -> str:
        return f"{self.prefix}outbox:{channel}:message:"

    def outbox_message(self, channel: str, key: str) -> str:
        return f"{self.outbox_message_prefix(channel)}{key}"


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
