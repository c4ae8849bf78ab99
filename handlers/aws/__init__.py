"""Alarm notifications from AWS (SNS, EventBridge). Calls to AWS belong to `bot.aws`."""
