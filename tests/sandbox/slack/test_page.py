"""The page as HTML: markup of Slack's becomes markup, nothing else does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.slack.emoji import emoji
from sandbox.slack.page.charts import picture, steps
from sandbox.slack.page.mrkdwn import Mrkdwn, markdown
from sandbox.slack.people import ChannelSeed, Command, Person, Seed, Shortcut
from sandbox.slack.server import SlackServer
from sandbox.slack.typed import as_mrkdwn
from sandbox.slack.workspace import Workspace
from tests.sandbox.slack.conftest import ADA, BEN, BOT, OPS, PRIVATE, seed

EVIL = """<img src=x onerror=alert(1)>"'`</textarea></script><script>alert(1)</script>{{7*7}}"""
TAGS = """
html head meta title link script body a div aside main section header footer h1 h2 h3 p span strong
em s u code pre br hr blockquote ul ol li table caption tr th td thead tbody img svg rect text path
circle g line polyline polygon figure figcaption time article button details summary nav form
textarea input select option optgroup label fieldset dialog kbd
"""
PLAIN_TAGS = frozenset(TAGS.split())


class Found(HTMLParser):
    """Every tag with its attributes, and the text between."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(str(html))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def assert_harmless(html: str, scripts: int = 0) -> Found:
    found = Found(html)
    assert {tag for tag, _ in found.tags} <= PLAIN_TAGS
    assert sum(tag == "script" for tag, _ in found.tags) == scripts
    for tag, attributes in found.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], tag
        for name in ("href", "src"):
            address = attributes.get(name) or ""
            assert (
                address == ""
                or address[0] in "/?#"
                or address.startswith(("http://", "https://", "mailto:"))
            ), address
    return found


@pytest.fixture
def marks(workspace: Workspace) -> Mrkdwn:
    return Mrkdwn(workspace, ADA)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*b* _i_ ~s~ `c *x*`", "<strong>b</strong> <em>i</em> <s>s</s> <code>c *x*</code>"),
        ("2*3*4 snake_case_name", "2*3*4 snake_case_name"),
        ("a &amp; &lt;b&gt;", "a &amp; &lt;b&gt;"),
        ("one\ntwo", "one<br>two"),
        ("&gt; quoted\nafter", "<blockquote>quoted</blockquote>after"),
        ("```\nx < *y*\n```", "<pre>x &lt; *y*</pre>"),
        ("• first\n• second",
         '<span class="bullet">first</span><span class="bullet">second</span>'),
        (f"<@{ADA}>", '<span class="mention you">@Ada Ogilvie</span>'),
        (f"<@{BEN}|x>", '<span class="mention">@Ben Castro</span>'),
        ("<!subteam^S0SRE>", '<span class="mention">@sre</span>'),
        ("<!here>", '<span class="mention you">@here</span>'),
        (f"<#{OPS}>", f'<a class="mention" href="/as/{ADA}/{OPS}">#ops</a>'),
        (
            "<https://e.com/?a=1&amp;b=2|*go*>",
            '<a href="https://e.com/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer">'
            "<strong>go</strong></a>",
        ),
        ("<javascript:alert(1)|go>", "go"),
        ("<data:text/html,x>", "data:text/html,x"),
        (":eyes: :no_such:", "👀 :no_such:"),
        (
            "<!date^1700000000^{date_short} {time}|Nov 14>",
            '<time data-ts="1700000000" data-format="{date_short} {time}">Nov 14</time>',
        ),
    ],
)  # fmt: skip
def test_mrkdwn(marks: Mrkdwn, text: str, html: str) -> None:
    assert marks(text) == html


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="<>&|*_~`:@#!\"'=/ \nabjsx^{}", max_size=60))
def test_no_mrkdwn_breaks_out(text: str) -> None:
    mrkdwn = Mrkdwn(Workspace(seed()), ADA)
    assert_harmless(mrkdwn(text))
    assert_harmless(markdown(text))


def test_markdown_keeps_html_as_text_and_refuses_script_links() -> None:
    html = markdown("**b** <b>x</b> [go](javascript:alert(1)) [ok](https://e.com)")
    found = assert_harmless(html)
    assert [tag for tag, _ in found.tags] == ["p", "strong", "a"]
    assert "<b>x</b>" in found.text


def test_what_is_typed_is_escaped_and_names_become_mentions(workspace: Workspace) -> None:
    typed = "@ben castro see #ops & <b> at https://e.com/a?b=1, mail@ada.ogilvie"
    assert as_mrkdwn(workspace, typed) == (
        f"<@{BEN}> see <#{OPS}|ops> &amp; &lt;b&gt; at <https://e.com/a?b=1>, mail@ada.ogilvie"
    )


def test_short_codes_become_emoji() -> None:
    assert (emoji("rotating_light"), emoji(":+1:"), emoji("nonsense")) == ("🚨", "👍", ":nonsense:")


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 412, [0, 200, 400, 600]),
        (0, 1, [0, 0.25, 0.5, 0.75, 1]),
        (0, 0, [0, 0.25, 0.5, 0.75, 1]),
        (-300, 5200, [-2000, 0, 2000, 4000, 6000]),
        (0, 1e9, [0, 2.5e8, 5e8, 7.5e8, 1e9]),
    ],
)
def test_axes_have_round_numbers(low: float, high: float, expected: list[float]) -> None:
    assert steps(low, high) == expected


@given(
    st.sampled_from(["line", "bar", "area"]),
    st.lists(st.floats(-1e12, 1e12), min_size=1, max_size=20),
)
def test_every_point_of_a_chart_stands_inside_it(kind: str, values: list[float]) -> None:
    points = [{"label": str(at), "value": value} for at, value in enumerate(values)]
    axes = {"categories": [point["label"] for point in points]}
    chart = {"type": kind, "series": [{"name": "s", "data": points}], "axis_config": axes}
    drawn = picture({"title": "t", "chart": chart})
    marks = drawn.series[0].marks
    assert len(marks) == len(values)
    for mark in marks:
        assert 56 <= mark.x <= 586
        assert 13.9 <= mark.y <= 214.1
        assert mark.y + mark.height <= 214.1


def test_a_pie_of_one_slice_is_whole() -> None:
    segments = [{"label": "all", "value": 3}]
    drawn = picture({"title": "t", "chart": {"type": "pie", "segments": segments}})
    assert drawn.series[0].share == "3 (100%)"
    assert drawn.summary == "t. all: 3 (100%)."


def hostile_blocks() -> list[dict[str, Any]]:
    plain = {"type": "plain_text", "text": EVIL[:60]}
    marked = {"type": "mrkdwn", "text": EVIL}
    option = {"text": plain, "value": EVIL}
    rich = {"type": "text", "text": EVIL}
    link = {"type": "link", "url": "javascript:alert(1)", "text": EVIL}
    confirm = {"title": plain, "text": marked, "confirm": plain, "deny": plain}
    return [
        {"type": "header", "text": plain},
        {"type": "section", "block_id": '"><b>', "text": marked, "fields": [marked]},
        {"type": "context", "elements": [marked]},
        {
            "type": "actions",
            "elements": [
                {"type": "button", "action_id": '"><b>', "text": plain, "confirm": confirm},
                {"type": "button", "url": "javascript:alert(1)", "text": plain, "value": EVIL},
                {"type": "static_select", "options": [option], "placeholder": plain},
                {"type": "overflow", "options": [option]},
                {"type": "checkboxes", "options": [option]},
            ],
        },
        {
            "type": "rich_text",
            "elements": [{"type": "rich_text_section", "elements": [rich, link]}],
        },
        {"type": "markdown", "text": EVIL},
        {"type": "table", "rows": [[{"type": "raw_text", "text": EVIL}]]},
        {"type": "image", "image_url": "javascript:alert(1)", "alt_text": EVIL, "title": plain},
        {
            "type": "data_visualization",
            "title": EVIL,
            "chart": {
                "type": "bar",
                "series": [{"name": EVIL, "data": [{"label": EVIL, "value": 1}]}],
                "axis_config": {"categories": [EVIL], "x_label": EVIL, "y_label": EVIL},
            },
        },
    ]  # fmt: skip


@pytest.fixture
def hostile() -> Iterator[SlackServer]:
    app = replace(
        BOT,
        name=EVIL,
        description=EVIL,
        commands=(Command("/x", EVIL, EVIL),),
        shortcuts=(Shortcut(EVIL, EVIL),),
    )
    people = (Person(ADA, EVIL, EVIL, color='red"><b>'), Person(BEN, "Ben"))
    channel = ChannelSeed(OPS, EVIL, topic=EVIL, members=(ADA, BEN, app.user_id))
    workspace = Workspace(Seed(people, (channel,), (app,), team_name=EVIL))
    with SlackServer(workspace) as server:
        yield server


async def test_hostile_names_and_texts_never_become_markup(hostile: SlackServer) -> None:
    workspace = hostile.workspace
    post = {
        "text": EVIL,
        "username": EVIL,
        "blocks": hostile_blocks(),
        "attachments": [
            {"color": '#fff"><b>', "title": EVIL, "title_link": "javascript:x", "text": EVIL,
             "pretext": EVIL, "footer": EVIL, "author_name": EVIL,
             "fields": [{"title": EVIL, "value": EVIL, "short": True}]}
        ],
    }  # fmt: skip
    ts = workspace.post_as_app(BOT.id, OPS, post)
    workspace.say(ADA, OPS, EVIL, ts)
    view = {
        "type": "modal",
        "title": {"type": "plain_text", "text": EVIL[:24]},
        "blocks": [block for block in hostile_blocks() if block["type"] != "data_visualization"],
    }
    hostile.site.modals.open(ADA, workspace.apps[BOT.id], view)
    async with httpx.AsyncClient(base_url=hostile.url) as http:
        page = await http.get(f"/as/{ADA}/{OPS}", params={"thread": ts})
    assert page.status_code == 200
    found = assert_harmless(page.text, scripts=2)
    assert found.text.count("onerror=alert(1)") > 10
    assert "{{7*7}}" in found.text
    assert "49" not in found.text
    policy = page.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


async def test_a_page_shows_what_its_viewer_may_see(slack: SlackServer) -> None:
    workspace = slack.workspace
    secret = workspace.message_of(workspace.apps[BOT.id], OPS, {"text": "just for Ada"})
    secret.only_for = ADA
    workspace.post(secret)
    workspace.say(BEN, PRIVATE, "among leads")
    async with httpx.AsyncClient(base_url=slack.url) as http:
        hers = await http.get(f"/as/{ADA}/{OPS}")
        his = await http.get(f"/as/{BEN}/{OPS}")
        outside = await http.get(f"/as/U0CLEO/{PRIVATE}")
        start = await http.get("/", follow_redirects=True)
    assert "Only visible to you" in hers.text
    assert "just for Ada" in hers.text
    assert "just for Ada" not in his.text
    assert outside.status_code == 307
    assert "Ada Ogilvie" in start.text


async def test_unread_counts_are_per_person(slack: SlackServer) -> None:
    workspace = slack.workspace
    workspace.say(BEN, PRIVATE, "one")
    workspace.say(BEN, PRIVATE, "two")
    assert (workspace.unread(ADA, PRIVATE), workspace.unread(BEN, PRIVATE)) == (2, 0)
    async with httpx.AsyncClient(base_url=slack.url) as http:
        other = await http.get(f"/as/{ADA}/{OPS}")
        assert 'aria-label="2 unread"' in other.text
        await http.get(f"/as/{ADA}/{PRIVATE}")
    assert workspace.unread(ADA, PRIVATE) == 0


async def test_an_open_page_is_told_what_to_replace(slack: SlackServer) -> None:
    workspace = slack.workspace
    parent = workspace.say(BEN, OPS, "before")
    patches: list[dict[str, Any]] = []
    async with (
        httpx.AsyncClient(base_url=slack.url, timeout=5) as http,
        http.stream("GET", f"/as/{ADA}/{OPS}/stream") as stream,
    ):
        async for line in stream.aiter_lines():
            if line.startswith("retry"):
                workspace.say(BEN, OPS, "a reply", parent.ts)
                workspace.edit(parent, BEN, {}, text="after")
            if line.startswith("data: "):
                patches.append(json.loads(line[6:]))
            if any("after" in patch.get("html", "") for patch in patches):
                break
    puts = [(patch["list"], patch["ts"] == parent.ts) for patch in patches if patch["op"] == "put"]
    assert puts[:2] == [(parent.ts, False), ("channel", True)]
    assert "1 reply" in patches[1]["html"]
    assert "edited" in patches[-1]["html"]
