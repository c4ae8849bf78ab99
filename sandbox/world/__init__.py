"""The simulated world: scenario files and the simulation that plays them."""

from sandbox.world.load import ScenarioError, json_schema, load, parse
from sandbox.world.schema import Scenario

__all__ = ["Scenario", "ScenarioError", "json_schema", "load", "parse"]
