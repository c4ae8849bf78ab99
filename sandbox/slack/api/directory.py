"""auth, apps, users and user groups: who is who."""

from __future__ import annotations

from sandbox.slack.api.core import Call, method
from sandbox.slack.records import JSON, SlackError
from sandbox.slack.wire import channel_json, user_json


@method("api.test", tier=4)
def api_test(call: Call) -> JSON:
    """Answer."""
    return {"args": dict(call.args)}


@method("auth.test", tier=4)
def auth_test(call: Call) -> JSON:
    """Who this token belongs to."""
    enterprise = call.workspace.enterprise_id
    return {
        **({"enterprise_id": enterprise} if enterprise else {}),
        "url": f"{call.workspace.base_url}/",
        "team": call.workspace.team_name,
        "user": call.app.person.username,
        "team_id": call.workspace.team_id,
        "user_id": call.app.user_id,
        "bot_id": call.app.bot,
        "is_enterprise_install": False,
    }


@method("apps.connections.open", app_level=True, tier=2)
def connections_open(call: Call) -> JSON:
    """A WebSocket address for Socket Mode."""
    return {"url": call.site.sockets.issue(call.app)}


@method("team.info", "team:read", tier=3)
def team_info(call: Call) -> JSON:
    """The workspace."""
    workspace = call.workspace
    return {
        "team": {
            "id": workspace.team_id,
            "name": workspace.team_name,
            "domain": workspace.team_domain,
        }
    }


@method("users.info", "users:read", tier=4)
def users_info(call: Call) -> JSON:
    """One member."""
    return {"user": user_json(call.workspace, call.workspace.person(call.need("user")))}


@method("users.conversations", "channels:read", "groups:read", "im:read", "mpim:read", tier=3)
def users_conversations(call: Call) -> JSON:
    """The channels this app is a member of."""
    kinds = {"public_channel": "channel", "private_channel": "group", "im": "im"}
    wanted = call.text("types", "public_channel").replace(" ", "").split(",")
    asked = {kinds[one] for one in wanted if one in kinds}
    viewer = call.app.user_id
    found = [
        channel_json(call.workspace, one, viewer)
        for one in call.workspace.channels.values()
        if one.kind in asked
        and viewer in one.members
        and not (one.archived and call.flag("exclude_archived"))
    ]
    channels, metadata = call.page(found)
    return {"channels": channels, "response_metadata": metadata}


@method("users.list", "users:read", tier=2)
def users_list(call: Call) -> JSON:
    """All members, people and bot users."""
    found, metadata = call.page([*call.workspace.people.values()])
    return {
        "members": [user_json(call.workspace, person) for person in found],
        "cache_ts": int(call.workspace.now()),
        "response_metadata": metadata,
    }


@method("users.lookupByEmail", "users:read.email", tier=3)
def lookup_by_email(call: Call) -> JSON:
    """The member with an e-mail address."""
    email = call.need("email").lower()
    for person in call.workspace.humans:
        if person.mail.lower() == email and not person.deleted:
            return {"user": user_json(call.workspace, person)}
    raise SlackError("users_not_found")


@method("usergroups.list", "usergroups:read", tier=2)
def usergroups_list(call: Call) -> JSON:
    """All user groups."""
    groups = []
    for group in call.workspace.user_groups:
        told: JSON = {
            "id": group.id,
            "team_id": call.workspace.team_id,
            "is_usergroup": True,
            "name": group.name,
            "handle": group.handle,
            "date_delete": 0,
            "user_count": len(group.users),
        }
        if call.flag("include_users"):
            told["users"] = list(group.users)
        groups.append(told)
    return {"usergroups": groups}


@method("usergroups.users.list", "usergroups:read", tier=2)
def usergroups_users(call: Call) -> JSON:
    """Members of a user group."""
    wanted = call.need("usergroup")
    for group in call.workspace.user_groups:
        if group.id == wanted:
            return {"users": list(group.users)}
    raise SlackError("no_such_subteam")
