"""The names of AWS regions in CloudWatch's messages."""

from __future__ import annotations

import re

from bot.domain.alarm import REGION

# By place, which is unique. Source: AWS General Reference, regional endpoints.
_PLACES = {
    "bahrain": "me-south-1",
    "beijing": "cn-north-1",
    "calgary": "ca-west-1",
    "california": "us-west-1",
    "canada central": "ca-central-1",
    "cape town": "af-south-1",
    "frankfurt": "eu-central-1",
    "hong kong": "ap-east-1",
    "hyderabad": "ap-south-2",
    "ireland": "eu-west-1",
    "jakarta": "ap-southeast-3",
    "london": "eu-west-2",
    "malaysia": "ap-southeast-5",
    "melbourne": "ap-southeast-4",
    "mexico central": "mx-central-1",
    "milan": "eu-south-1",
    "mumbai": "ap-south-1",
    "new zealand": "ap-southeast-6",
    "ningxia": "cn-northwest-1",
    "ohio": "us-east-2",
    "oregon": "us-west-2",
    "osaka": "ap-northeast-3",
    "paris": "eu-west-3",
    "sao paulo": "sa-east-1",
    "seoul": "ap-northeast-2",
    "singapore": "ap-southeast-1",
    "spain": "eu-south-2",
    "stockholm": "eu-north-1",
    "são paulo": "sa-east-1",
    "sydney": "ap-southeast-2",
    "taipei": "ap-east-2",
    "tel aviv": "il-central-1",
    "thailand": "ap-southeast-7",
    "tokyo": "ap-northeast-1",
    "uae": "me-central-1",
    "virginia": "us-east-1",
    "zurich": "eu-central-2",
}
_GOVCLOUD = {"east": "us-gov-east-1", "west": "us-gov-west-1"}
_AREAS = frozenset(
    {
        *("africa", "ap", "asia", "aws", "china", "eu", "europe", "israel", "middle", "pacific"),
        *("east", "n", "north", "northern", "sa", "south", "us", "west"),
    }
)


def region_of(text: str) -> str:
    """The id of a region given by id or by name; empty when it is not known.

    Senders write one name in many ways: "EU (Ireland)", "EU - Ireland", "Europe (Ireland)".
    """
    text = text.strip()
    if REGION.fullmatch(text):
        return text
    words = re.findall(r"\w+", text.lower())
    if "govcloud" in words:
        return next((_GOVCLOUD[word] for word in words if word in _GOVCLOUD), "")
    if {"sovereign", "eusc"} & set(words):
        return "eusc-de-east-1"
    place = " ".join(word for word in words if word not in _AREAS)
    for known in (place, place.removeprefix("america "), place.removeprefix("canada ")):
        if known in _PLACES:
            return _PLACES[known]
    return ""
