"""Investigations: which playbook and service an alarm is about, reading evidence, weighing causes.

What counts as evidence belongs to `playbooks/`; what becomes of the report to `bot.incidents`.
"""
