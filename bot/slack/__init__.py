"""Everything that is sent to Slack: the outbox, the Web API client, Socket Mode connections.

What the messages look like belongs to `bot.render`; what Slack sends is read in `handlers.slack`.
"""
