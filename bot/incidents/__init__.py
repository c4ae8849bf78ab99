"""The life of an incident: opened, investigated, shown on its card, recovered, closed.

Finding the cause belongs to `bot.investigation`, changing anything in AWS to `bot.changes`.
"""
