"""The values and rules every room uses: alarm, incident, report, plan, run, policy, the contract
of playbooks, and the protocols of what is outside.

Imports pydantic only. Nothing here talks to AWS, Redis or Slack, or renders for Slack.
"""
