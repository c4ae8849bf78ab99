"""Slack's Web API: one module for each family of methods."""

from __future__ import annotations

from sandbox.slack.api import chat, conversations, directory, files, items, views
from sandbox.slack.api.core import METHODS, Call, Method

__all__ = [
    "METHODS",
    "Call",
    "Method",
    "chat",
    "conversations",
    "directory",
    "files",
    "items",
    "views",
]
