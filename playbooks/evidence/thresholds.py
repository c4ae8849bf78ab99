"""Every number that evidence and causes are measured against, each with its reason.

They follow from what the words mean ("most", "several times"), not from fitting recordings.
"""

from __future__ import annotations

from datetime import timedelta

# Counts.
FEW = 5  # fewer say nothing about a share

# Shares. A cause should account for so much of the errors.
PART = 0.2  # a good part; below it, the errors have another cause
AS_USUAL = 2.0  # times the usual share of errors; abnormal ones are far above it
EXPLAINS = 0.5  # most of the errors
MOSTLY = 0.6  # clearly more than half: of the late requests, of the exceptions
TIMEOUTS = 0.7  # of the errors are timeouts: what else there is cannot be the main thing
NEARLY_ALL = 0.8  # the rest may be chance: one zone's errors, one version's exceptions

# Versions that serve side by side.
CANARY = 0.05  # of the requests: a weighted alias gives a new version hardly less
ENOUGH_REQUESTS = 100  # of the version beside it: fewer do not show that it fails less
VERSION_LIFT = 5.0  # times the failures of the version beside it; same code differs by far less

# Cold starts.
COLD_LIFT_NEEDED = 2.0  # times as often late as warm requests: below it, cold or warm is no matter
COLD_LIFT_DECISIVE = 5.0  # slowness for all does not come near it
COLD_SHARE_FLAT = 1.5  # times the usual share of cold starts: nothing new up to it
INIT_SLOWER = 3.0  # times the usual init: a release made starting slow, not the surge
INIT_SLOW_MS = 1000.0  # ms: an init that is quicker keeps nobody waiting, whatever its usual is

# Traffic, as a multiple of the usual.
SURGE = 2.0  # more than a day's swing within minutes
MORE_LOAD = 1.5  # enough to bring what was near its limit over it

# Durations, as a multiple of their baseline.
SAME = 1.3  # minutes differ by so much without a cause
ABOUT_SAME = 1.5  # for the 99th percentile, which differs more
ALL_SLOWER = 2.0  # for the median: most requests are slower
MUCH_SLOWER = 3.0  # for the 99th percentile: beyond what varies
SLOWER_MS = 100.0  # ms more than usual: below it no deadline is missed, however many times it is
AT_ONCE_MS = 1000.0  # ms: an answer that came sooner waited for nothing

# Saturation.
CPU_HIGH = 80.0  # percent; above it, requests queue
MEMORY_HIGH = 90.0  # percent of what the tasks have; at 100, ECS kills them
USE_ROSE = 10.0  # points of CPU or memory above the usual: what is always so high hurts nobody
LATENCY_HIGH = 3.0  # times a database's own usual latency
LATENCY_HIGH_MS = 20.0  # ms for one read or write: a request that makes ten is not late by less
CONNECTIONS_MANY = 3.0  # times the usual; how many a database accepts is in no metric
CONNECTIONS_FEW = 40.0  # half of what RDS's smallest instance takes (1 GiB: 85); none is full by it
AT_LIMIT = 0.95  # of the concurrency limit; the metric may miss the very peak
# New environments that Lambda starts for one function within 10 s (Lambda developer guide,
# "Lambda function scaling"). More within a minute than that are no proof, fewer a disproof.
SCALING_RATE = 1000.0

# Zones and targets.
FEWER = 0.75  # of the usual targets: one of four is gone; rollouts keep more than that
ZONE_LIFT_NEEDED = 3.0  # times the error rate of the other zones
ZONE_LIFT_DECISIVE = 5.0  # zones that share a backend do not differ by so much
ZONE_RATE = 0.01  # of a zone's requests: fewer failures are no zone that fails
CONNECTIONS_ROSE = 3.0  # times the usual failed connections
# From the first failed check to "unhealthy" it takes interval x threshold: 1 minute by default,
# 5 in slow set-ups. Errors that came longer before are no consequence of it.
FOUND_UNHEALTHY = timedelta(minutes=5)

# Changes: from the change, or the end of its rollout, to the onset.
AFTERWARDS = timedelta(
    minutes=2
)  # the onset is known to a minute or two; later changes are no cause
AT_ONCE = timedelta(minutes=3)  # the release and the first bad minutes
SERVED_WELL = timedelta(minutes=6)  # in force so long without errors: it is not the change itself
SOON = timedelta(minutes=15)  # a change people would connect with the onset
LATEST = timedelta(minutes=60)  # before it, a change would have shown by then
# CloudTrail delivers within about 5 minutes, without promise; three times that
TRAIL_IS_LATE = timedelta(minutes=15)

# Exceptions.
EXCEPTION_ROSE = 3.0  # times the usual lines a minute
ENOUGH_BASELINE = 10  # minutes of log before the anomaly, to say what is usual
