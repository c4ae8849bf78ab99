"""Every number the 5XX rules use. They follow from what the words mean, not from recordings."""

from __future__ import annotations

from datetime import timedelta

# How many it takes to say anything about a share.
FEW = 5

# A cause should account for so much of the 5XX.
EXPLAINS = 0.5  # most of them
PART = 0.2  # a good part: below it, it is something else
MOSTLY = 0.6  # of the late requests, of the exceptions
NEARLY_ALL = 0.8  # one zone's share of the 5XX
TIMEOUTS = 0.7  # of the 5XX are timeouts

# Cold starts.
COLD_LIFT_NEEDED = 2.0  # cold requests fail so many times as often as the others, at least
COLD_LIFT_DECISIVE = 5.0
COLD_SHARE_FLAT = 1.5  # times the usual cold share: nothing new
INIT_SLOWER = 3.0  # times the usual: the release, not the surge, made starting slow

# Traffic.
SURGE = 2.0  # times the usual
MORE_LOAD = 1.5

# Durations, against their own baseline.
SAME = 1.3  # up to so many times: not slower
ABOUT_SAME = 1.5
ALL_SLOWER = 2.0  # the median request too
MUCH_SLOWER = 3.0

# Saturation.
CPU_HIGH = 80.0  # percent
LATENCY_HIGH = 3.0  # times the usual, of a database's own latency
MEMORY_HIGH = 90.0  # percent of what the tasks have
CONNECTIONS_MANY = 3.0  # times the usual: how many a database takes no metric tells

# Concurrency.
AT_LIMIT = 0.95  # of the limit

# Zones and targets.
ZONE_LIFT_NEEDED = 3.0  # the worst zone's error rate against the others'
ZONE_LIFT_DECISIVE = 5.0
CONNECTIONS_ROSE = 3.0  # times the usual

# Changes: lag from the change (or its rollout's end) to the onset.
AFTERWARDS = timedelta(minutes=2)  # a change so long after the onset did not cause it
SOON = timedelta(minutes=15)
LATEST = timedelta(minutes=60)
SERVED_WELL = timedelta(minutes=6)  # in force so long without errors: it is not the change itself
TRAIL_IS_LATE = timedelta(minutes=10)  # CloudTrail may not have it yet
AT_ONCE = timedelta(minutes=3)
EXCEPTION_ROSE = 3.0  # times the usual lines a minute
QUIET_ENOUGH = 10  # minutes of quiet log needed to say what is usual
