"""Requests from Slack: verification, authorization, listeners, commands, alarm messages.

Only reads and acknowledges. Messages to Slack belong to `bot.slack`, their layout to `bot.render`.
"""
