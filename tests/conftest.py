"""Fixtures every room may ask for; a room's own are in its conftest."""

pytest_plugins = (
    "tests.support.aws_endpoint",
    "tests.support.slack_stub",
    "tests.support.valkey",
)
