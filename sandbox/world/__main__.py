"""Prints the JSON Schema of a scenario file: `python -m sandbox.world`."""

import sys

from sandbox.world import json_schema

sys.stdout.write(json_schema())
