"""A Slack workspace on this machine, for demonstrations and tests.

It speaks Slack's Web API, Socket Mode and signed HTTP delivery well enough that Bolt can't tell,
refuses what Slack refuses, plays Slack's faults on demand, and shows a page a person can use.
Everything is in memory. Start it with `sandbox.slack.server.SlackServer`.
"""
