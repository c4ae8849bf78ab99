"""EC2: zones with the ids that zonal shift uses. Everything else of EC2 is moto's."""

from __future__ import annotations

from sandbox.aws.account import Call
from sandbox.aws.registry import Params, Reply, operation
from sandbox.world import names


@operation("ec2", "DescribeAvailabilityZones")
def describe_availability_zones(call: Call, params: Params) -> Reply:
    """The region's zones a to d, by name and id."""
    balancer = call.resources.load_balancer
    suffixes = sorted({*"abcd", *(balancer.zones if balancer else ())})
    found = [
        {
            "ZoneName": names.zone(call.resources, suffix),
            "ZoneId": names.zone_id(call.resources, suffix),
            "RegionName": call.account.region,
            "State": "available",
            "OptInStatus": "opt-in-not-required",
            "ZoneType": "availability-zone",
            "GroupName": call.account.region,
            "NetworkBorderGroup": call.account.region,
            "Messages": [],
        }
        for suffix in suffixes
    ]
    if "ZoneNames" in params:
        found = [zone for zone in found if zone["ZoneName"] in params["ZoneNames"]]
    if "ZoneIds" in params:
        found = [zone for zone in found if zone["ZoneId"] in params["ZoneIds"]]
    return {"AvailabilityZones": found}
