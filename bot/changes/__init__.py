"""Guarded changes, from the preview of an action to its verification or undo.

Decides who may change what and sends each call once. Computing a plan belongs to `playbooks`,
talking to AWS to `bot.aws`, the wording of messages to `bot.render`.
"""
