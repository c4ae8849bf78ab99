"""What comes in: messages and clicks from Slack, alarm notifications from AWS.

Reads and checks them, saves them as envelopes and later calls the use case each one asks for. What
an incident or a change does with it belongs to `bot`.
"""
