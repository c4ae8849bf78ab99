"""The simulated world: scenario files and the simulation that plays them."""

from sandbox.world.alarms import AlarmPost
from sandbox.world.clock import Clock, FrozenClock, RunningClock
from sandbox.world.load import ScenarioError, json_schema, load, parse
from sandbox.world.schema import Scenario
from sandbox.world.simulation import Simulation

__all__ = [
    "AlarmPost",
    "Clock",
    "FrozenClock",
    "RunningClock",
    "Scenario",
    "ScenarioError",
    "Simulation",
    "json_schema",
    "load",
    "parse",
]
