"""The calls that are refused whoever approved them. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any

from bot.domain.plan import Step

NEVER_SERVICES = frozenset({"iam", "kms", "organizations", "sts", "account", "cloudtrail"})
ADMIN_PORTS = {22: "SSH", 3389: "Remote Desktop"}
# Every other call that deletes or terminates destroys something that no inverse call restores.
REVERSIBLE_DELETES = frozenset(
    {"delete_provisioned_concurrency_config", "delete_function_concurrency"}
)
_DESTROYING = ("delete_", "terminate_", "purge_", "schedule_key_deletion")
_MIN_PREFIX = {4: 8, 6: 16}  # by IP version; a shorter prefix counts as the internet


def forbidden(step: Step) -> str | None:
    """Why a call is never sent, in a sentence; None for one that may be."""
    if step.service in NEVER_SERVICES:
        return f"{step.permission} is never sent: it changes access rights, keys or the audit log."
    if step.operation.startswith(_DESTROYING) and step.operation not in REVERSIBLE_DELETES:
        return f"{step.permission} is never sent: it destroys something."
    opened = next(_opened_to_all(step), None)
    return f"{step.permission} is never sent with {opened}." if opened else None


def _opened_to_all(step: Step) -> Iterator[str]:
    """Admin ports the step would open to the internet, as text."""
    if step.operation.startswith("revoke_"):
        return
    for rule in _mappings(step.params):
        ports = [f"{port} ({name})" for port, name in ADMIN_PORTS.items() if _covers(rule, port)]
        for network in filter(_is_internet, _networks(rule)) if ports else ():
            yield f"port {' and '.join(ports)} open to {network}"


def _mappings(value: object) -> Iterator[Mapping[str, Any]]:
    """Every mapping in a step's parameters, at any depth."""
    if isinstance(value, Mapping):
        yield value
        for each in value.values():
            yield from _mappings(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _mappings(each)


def _covers(rule: Mapping[str, Any], port: int) -> bool:
    """Whether a security group rule (IpPermission, SecurityGroupRuleRequest) includes the port."""
    protocol = str(rule.get("IpProtocol", ""))
    if not protocol:
        return False
    if protocol == "-1":
        return True
    first, last = rule.get("FromPort", -1), rule.get("ToPort", 65535)
    return protocol in {"tcp", "6", "udp", "17"} and (first == -1 or first <= port <= last)


def _networks(rule: Mapping[str, Any]) -> Iterator[str]:
    yield from (str(rule[key]) for key in ("CidrIp", "CidrIpv4", "CidrIpv6") if rule.get(key))
    for key, cidr in (("IpRanges", "CidrIp"), ("Ipv6Ranges", "CidrIpv6")):
        yield from (str(each[cidr]) for each in rule.get(key, ()) if each.get(cidr))


def _is_internet(network: str) -> bool:
    """Whether a network includes a large part of the internet; true for text that is no network."""
    try:
        parsed = ipaddress.ip_network(network, strict=False)
    except ValueError:
        return True
    return parsed.prefixlen < _MIN_PREFIX[parsed.version]


# --- the lists ----------------------------------------------------------------------------------
