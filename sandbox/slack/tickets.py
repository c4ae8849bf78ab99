"""Trigger ids and response URLs: short-lived permissions that come with an interaction."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.slack.people import App
from sandbox.slack.records import SlackError
from sandbox.slack.workspace import Workspace


@dataclass(slots=True)
class _Trigger:
    user: str
    app_id: str
    born: float
    used: bool = False


class Triggers:
    """Trigger ids: one use, three seconds, only for the app they were given to."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._known: dict[str, _Trigger] = {}

    def issue(self, user: str, app: App) -> str:
        ids = self._workspace.ids
        trigger_id = f"{ids.number()}.{int(self._workspace.now())}.{ids.secret()}"
        self._known[trigger_id] = _Trigger(user, app.id, self._workspace.now())
        return trigger_id

    def exchange(self, trigger_id: str, app: App) -> str:
        """The user a trigger stands for; it can't be used again.

        Raises:
            SlackError: ``invalid_trigger_id``, ``exchanged_trigger_id``, ``expired_trigger_id``.
        """
        trigger = self._known.get(trigger_id)
        if trigger is None or trigger.app_id != app.id:
            raise SlackError("invalid_trigger_id")
        if trigger.used:
            raise SlackError("exchanged_trigger_id")
        if self._workspace.now() - trigger.born > self._workspace.timing.trigger:
            raise SlackError("expired_trigger_id")
        trigger.used = True
        return trigger.user


@dataclass(slots=True)
class ResponseUrl:
    """Where an app may answer an interaction. ``source`` is the ts of the message clicked on."""

    app: App
    channel: str
    user: str
    born: float
    source: str | None = None
    thread_ts: str | None = None
    uses: int = 0


class ResponseUrls:
    """Response URLs: five uses within thirty minutes."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._known: dict[str, ResponseUrl] = {}

    def issue(
        self,
        app: App,
        channel: str,
        user: str,
        *,
        source: str | None = None,
        thread_ts: str | None = None,
    ) -> str:
        secret = self._workspace.ids.secret()
        born = self._workspace.now()
        self._known[secret] = ResponseUrl(app, channel, user, born, source, thread_ts)
        return f"{self._workspace.base_url}/response/{self._workspace.team_id}/{secret}"

    def use(self, secret: str) -> ResponseUrl:
        """Count one use of a response URL.

        Raises:
            SlackError: ``used_url`` after the fifth use or for a URL never given,
                ``expired_url`` after thirty minutes.
        """
        url = self._known.get(secret)
        timing = self._workspace.timing
        if url is None or url.uses >= timing.response_url_uses:
            raise SlackError("used_url")
        if self._workspace.now() - url.born > timing.response_url:
            raise SlackError("expired_url")
        url.uses += 1
        return url
