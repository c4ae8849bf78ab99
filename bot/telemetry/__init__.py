"""What the program tells its operator: its log and its Prometheus metrics.

What it tells people in Slack belongs to `bot.render` and `bot.slack`.
"""
