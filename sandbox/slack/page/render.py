"""Messages, modals and pages as HTML. Every template escapes what it is given."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup, escape

from sandbox.slack.emoji import emoji
from sandbox.slack.modals import View, options_of
from sandbox.slack.page.charts import Picture, picture
from sandbox.slack.page.mrkdwn import Mrkdwn, markdown, safe_link
from sandbox.slack.page.richtext import rich_text
from sandbox.slack.people import Channel, Person
from sandbox.slack.records import JSON, Message
from sandbox.slack.site import Site

_COLORS = {"good": "#2eb67d", "warning": "#daa038", "danger": "#d13b3b"}
_COLOR = re.compile(r"#?[0-9a-fA-F]{3}(?:[0-9a-fA-F]{3})?")
_SHORT_CODE = re.compile(r":([a-z0-9_+'\-]+):")
REACTIONS = ("eyes", "white_check_mark", "+1", "pray", "tada")
PICTURES = ("png", "jpg", "jpeg", "gif", "webp")

_ENVIRONMENT = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Author:
    """Who a message is shown to be from."""

    id: str
    name: str
    color: str
    initials: str
    is_app: bool
    title: str = ""
    icon: str = ""


@dataclass(frozen=True, slots=True)
class Ui:
    """What templates may ask, on behalf of one viewer."""

    site: Site
    viewer: Person

    @property
    def marks(self) -> Mrkdwn:
        return Mrkdwn(self.site.workspace, self.viewer.id)

    def mrkdwn(self, text: str) -> Markup:
        return self.marks(text)

    def text(self, text: JSON | str | None) -> Markup:
        """A text object: mrkdwn, or plain text with its short codes as emoji."""
        if not text:
            return Markup("")
        if isinstance(text, str):
            return escape(text)
        if text["type"] == "mrkdwn":
            return self.marks(text["text"])
        shown = _SHORT_CODE.sub(lambda match: emoji(match.group(1)), text["text"])
        return Markup("<br>").join(escape(line) for line in shown.split("\n"))

    def plain(self, text: JSON | str | None) -> str:
        """The same as plain characters, for attributes."""
        if not text:
            return ""
        if isinstance(text, str):
            return text
        return _SHORT_CODE.sub(lambda match: emoji(match.group(1)), str(text["text"]))

    def rich(self, block: JSON) -> Markup:
        return rich_text(block, self.marks)

    def markdown(self, text: str) -> Markup:
        return markdown(text)

    def chart(self, block: JSON) -> Picture:
        return picture(block)

    def emoji(self, name: str) -> str:
        return emoji(name)

    def safe_link(self, url: str | None) -> str:
        return safe_link(url or "") or ""

    def color(self, color: str | None) -> str:
        """An attachment's colour, grey when it isn't one."""
        wanted = _COLORS.get(color or "", color or "")
        if not _COLOR.fullmatch(wanted):
            return "#b5b5b5"
        return wanted if wanted.startswith("#") else f"#{wanted}"

    def author(self, message: Message) -> Author:
        """Whoever a message is from: a person, an app, or an integration's own name."""
        app = message.app
        if app is not None:
            name = message.username or app.name
            icon = emoji(message.icon_emoji) if message.icon_emoji else ""
            person = app.person
            return Author(app.id, name, person.color, person.avatar, True, app.description, icon)
        if message.user and (found := self.site.workspace.people.get(message.user)):
            return Author(
                found.id,
                found.name,
                found.color,
                found.avatar,
                found.app_id is not None,
                found.title,
            )
        return Author("slackbot", message.username or "Slackbot", "#5c6370", "SB", True)

    def confirm(self, element: JSON) -> JSON | None:
        """A confirmation dialog in plain characters."""
        dialog = element.get("confirm")
        if not dialog:
            return None
        return {name: self.plain(dialog.get(name)) for name in ("title", "confirm", "deny")} | {
            "text": str(self.text(dialog.get("text"))),
            "style": dialog.get("style", "primary"),
        }

    def options(self, element: JSON) -> list[JSON]:
        return options_of(element)

    def chosen(self, element: JSON, state: JSON) -> list[str]:
        """Values chosen in a menu: as filled in, else as the app preset them."""
        picked = state.get("selected_options") or [state.get("selected_option")]
        if not any(picked):
            picked = element.get("initial_options") or [element.get("initial_option")]
        return [one["value"] for one in picked if one]

    def members(self) -> list[Person]:
        return self.site.workspace.humans

    def channels(self) -> list[Channel]:
        return [one for one in self.site.workspace.channels.values() if one.kind != "im"]

    def name_of(self, channel: Channel) -> str:
        """A channel's name; for a direct message, the other side's."""
        if channel.kind != "im":
            return channel.name
        others = [one for one in channel.members if one != self.viewer.id]
        people = self.site.workspace.people
        return ", ".join(people[one].name for one in others) or self.viewer.name

    def shown(self, ts: str | float) -> str:
        """The moment a message is dated with: the world's, when that has a clock of its own."""
        return f"{self.site.clock.at(float(ts)):.3f}"

    def speed(self) -> str:
        """How much faster than the hall's clock the world runs, "6"; empty when it does not."""
        return "" if self.site.clock.speed == 1 else f"{self.site.clock.speed:g}"

    def clock(self, ts: str | float) -> str:
        """A moment in words for browsers without script; the script shows local time."""
        return f"{datetime.fromtimestamp(float(ts), UTC):%H:%M} UTC"

    def iso(self, ts: str | float) -> str:
        return datetime.fromtimestamp(float(ts), UTC).isoformat(timespec="seconds")

    def replies(self, message: Message) -> tuple[int, list[Author], str]:
        """How many replies a message has, by whom, and when the last one came."""
        workspace = self.site.workspace
        found = [
            one
            for one in workspace.thread(message.channel, message.ts, viewer=self.viewer.id)
            if one.ts != message.ts and not one.only_for
        ]
        authors = {author.id: author for author in map(self.author, found)}
        return len(found), list(authors.values())[:4], found[-1].ts if found else ""

    def shortcuts(self) -> list[JSON]:
        """Shortcuts that can be used at a message."""
        return [
            {"id": one.callback_id, "name": one.name, "app": app.name}
            for app in self.site.workspace.apps.values()
            for one in app.shortcuts
            if one.kind == "message"
        ]

    def file(self, file_id: str) -> JSON:
        file = self.site.workspace.files[file_id]
        return {
            "id": file.id,
            "name": file.title or file.name,
            "size": _size(file.size),
            "is_picture": file.name.rsplit(".", 1)[-1].lower() in PICTURES,
        }


def _size(size: int) -> str:
    return f"{size} bytes" if size < 1024 else f"{size / 1024:,.0f} kB"


class Renderer:
    """Renders for one viewer."""

    def __init__(self, site: Site, viewer: Person) -> None:
        self.site = site
        self.viewer = viewer
        self.ui = Ui(site, viewer)

    def message(self, message: Message, *, in_thread: bool = False) -> str:
        """One message as it stands in a channel or in its thread."""
        return self._render("one_message.html", message=message, in_thread=in_thread)

    def sidebar(self, current: str) -> str:
        """Channels with their unread counts, and who one is."""
        workspace = self.site.workspace
        mine = [
            one
            for one in workspace.channels.values()
            if self.viewer.id in one.members and not one.archived
        ]
        unread = {one.id: workspace.unread(self.viewer.id, one.id) for one in mine}
        homes = [
            app for app in workspace.apps.values() if self.site.modals.home(app, self.viewer.id)
        ]
        return self._render(
            "sidebar.html", channels=mine, unread=unread, current=current, homes=homes
        )

    def header(self, channel: Channel) -> str:
        """Name, topic, bookmarks and members of a channel."""
        workspace = self.site.workspace
        return self._render(
            "header.html",
            channel=channel,
            members=[workspace.people[one] for one in channel.members],
            canvas=workspace.canvases.get(channel.canvas_id or ""),
        )

    def thread(self, channel: Channel, messages: Sequence[Message]) -> str:
        """The right-hand pane."""
        return self._render("thread.html", channel=channel, messages=messages)

    def messages(self, messages: Sequence[Message]) -> str:
        """The messages of a channel, one after the other."""
        return self._render("messages.html", messages=messages)

    def modal(self, view: View | None) -> str:
        """The modal that is open, or nothing."""
        return "" if view is None else self._render("modal.html", view=view)

    def page(self, channel: Channel, thread: str | None) -> str:
        """The whole page of a channel."""
        workspace = self.site.workspace
        messages = workspace.messages(channel.id, viewer=self.viewer.id)
        in_thread = workspace.thread(channel.id, thread, viewer=self.viewer.id) if thread else []
        return self._render(
            "page.html",
            channel=channel,
            messages=messages,
            thread=thread if in_thread else None,
            in_thread=in_thread,
            sidebar=Markup(self.sidebar(channel.id)),
            header=Markup(self.header(channel)),
            modal=Markup(self.modal(self.site.modals.top(self.viewer.id))),
            boot=self._boot(channel.id),
        )

    def home(self, app_id: str) -> str:
        """The home tab of an app."""
        app = self.site.workspace.apps[app_id]
        return self._render(
            "home.html",
            app=app,
            view=self.site.modals.home(app, self.viewer.id),
            sidebar=Markup(self.sidebar(app.id)),
            modal=Markup(self.modal(self.site.modals.top(self.viewer.id))),
            boot=self._boot(""),
        )

    def _boot(self, channel: str) -> JSON:
        """What the script needs to know: who and where, and the names it can complete."""
        workspace = self.site.workspace
        return {
            "me": self.viewer.id,
            "channel": channel,
            "commands": [
                {
                    "insert": command.name,
                    "label": f"{command.name} {command.usage}".strip(),
                    "detail": command.description or app.name,
                }
                for app in workspace.apps.values()
                for command in app.commands
            ],
            "people": [
                {"insert": f"@{person.name}", "label": f"@{person.name}", "detail": person.title}
                for person in workspace.people.values()
                if person.id != self.viewer.id
            ]
            + [
                {"insert": f"@{group.handle}", "label": f"@{group.handle}", "detail": group.name}
                for group in workspace.user_groups
            ],
            "channels": [
                {"insert": f"#{one.name}", "label": f"#{one.name}", "detail": one.topic}
                for one in workspace.channels.values()
                if one.kind == "channel"
            ],
        }

    def _render(self, template: str, **context: Any) -> str:
        workspace = self.site.workspace
        return _ENVIRONMENT.get_template(template).render(
            ui=self.ui, me=self.viewer, workspace=workspace, reactions=REACTIONS, **context
        )
