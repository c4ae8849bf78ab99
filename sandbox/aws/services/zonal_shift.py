"""ARC zonal shift: moving a load balancer's traffic out of a zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sandbox.aws.account import Account, Call, Store
from sandbox.aws.balancing import Balancing
from sandbox.aws.errors import AwsError
from sandbox.aws.names import unique
from sandbox.aws.registry import Params, Reply, operation
from sandbox.world import names
from sandbox.world.kinds import LoadBalancer

_EXPIRES = re.compile(r"([1-9]\d*)([mh])")
_LONGEST = timedelta(hours=72)


@dataclass(slots=True)
class Shift:
    """One zonal shift; `away_from` is a zone id such as use1-az1."""

    shift_id: str
    resource: str
    away_from: str
    comment: str
    started: datetime
    expires: datetime
    status: str = "ACTIVE"
    kind: str = "ZONAL_SHIFT"

    def described(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "zonalShiftId": self.shift_id,
            "resourceIdentifier": self.resource,
            "awayFrom": self.away_from,
            "expiryTime": self.expires,
            "startTime": self.started,
            "status": self.status,
            "comment": self.comment,
        }


class Shifts(Store):
    """The account's zonal shifts."""

    def __init__(self, account: Account) -> None:
        super().__init__(account)
        self.all: list[Shift] = []

    def active(self) -> Shift | None:
        """The active shift; at most one, since there is one load balancer."""
        return next((shift for shift in self.all if shift.status == "ACTIVE"), None)

    def end(self, shift: Shift, status: str) -> None:
        """End a shift: traffic goes to all zones again."""
        shift.status = status
        self._pull(None)

    def begin(self, shift: Shift) -> None:
        """Move traffic away."""
        self.all.append(shift)
        self._pull(shift.away_from)

    def advance(self) -> None:
        """End the active shift when it has expired."""
        shift = self.active()
        if shift is not None and self.account.world.now() >= shift.expires:
            self.end(shift, "EXPIRED")

    def _pull(self, zone: str | None) -> None:
        balancer = self.account.resources.load_balancer
        assert balancer is not None
        self.account.world.pull(f"shift/{balancer.name}", zone)


def _resource(call: Call, identifier: str) -> tuple[LoadBalancer, str]:
    """The balancer and its ARN. Raises AwsError when the identifier is another."""
    store = call.store(Balancing)
    if store.balancer is None or identifier != store.balancer_arn():
        raise AwsError(
            "ResourceNotFoundException",
            f"The specified resource {identifier} does not exist or is not managed.",
        )
    return store.balancer, identifier


def _lasts(text: str) -> timedelta:
    match = _EXPIRES.fullmatch(text)
    lasts = None
    if match:
        lasts = timedelta(**{{"m": "minutes", "h": "hours"}[match[2]]: int(match[1])})
    if lasts is None or lasts > _LONGEST:
        raise AwsError(
            "ValidationException",
            "expiresIn must be a number of minutes or hours up to three days, such as 60m or 3h.",
            reason="InvalidExpiresIn",
        )
    return lasts


@operation("arc-zonal-shift", "StartZonalShift")
def start_zonal_shift(call: Call, params: Params) -> Reply:
    """Move traffic away from a zone, given by its id, for a time."""
    balancer, arn = _resource(call, params["resourceIdentifier"])
    ids = [names.zone_id(call.resources, suffix) for suffix in balancer.zones]
    if params["awayFrom"] not in ids:
        raise AwsError(
            "ValidationException",
            f"The resource is not in Availability Zone {params['awayFrom']}; it is in "
            f"{', '.join(ids)}.",
            reason="InvalidAz",
        )
    shifts = call.store(Shifts)
    active = shifts.active()
    if active is not None:
        raise AwsError(
            "ConflictException",
            "There is already an active zonal shift for the resource.",
            reason="ZonalShiftAlreadyExists",
            zonalShiftId=active.shift_id,
        )
    lasts = _lasts(params["expiresIn"])
    shift = Shift(
        unique("shift", call.request_id),
        arn,
        params["awayFrom"],
        params["comment"],
        call.time,
        call.time + lasts,
    )
    shifts.begin(shift)
    return shift.described()


@operation("arc-zonal-shift", "CancelZonalShift")
def cancel_zonal_shift(call: Call, params: Params) -> Reply:
    """End a shift: traffic goes to all zones again."""
    shifts = call.store(Shifts)
    for shift in shifts.all:
        if shift.shift_id == params["zonalShiftId"]:
            if shift.status != "ACTIVE":
                raise AwsError(
                    "ConflictException",
                    f"The zonal shift is not active: {shift.status}.",
                    reason="ZonalShiftStatusNotActive",
                    zonalShiftId=shift.shift_id,
                )
            shifts.end(shift, "CANCELED")
            return shift.described()
    raise AwsError(
        "ResourceNotFoundException", f"Zonal shift {params['zonalShiftId']} does not exist."
    )


def _in_resource(shift: Shift) -> dict[str, Any]:
    shown = shift.described()
    del shown["status"]
    return {**shown, "appliedStatus": "APPLIED", "shiftType": shift.kind}


def _managed(call: Call, balancer: LoadBalancer, arn: str) -> dict[str, Any]:
    shift = call.store(Shifts).active()
    weights = {names.zone_id(call.resources, suffix): 1.0 for suffix in balancer.zones}
    if shift is not None:
        weights[shift.away_from] = 0.0
    return {
        "arn": arn,
        "name": balancer.name,
        "appliedWeights": weights,
        "zonalShifts": [_in_resource(shift)] if shift else [],
        "autoshifts": [],
        "zonalAutoshiftStatus": "DISABLED",
    }


@operation("arc-zonal-shift", "GetManagedResource")
def get_managed_resource(call: Call, params: Params) -> Reply:
    """The balancer's zones, their weights and its active shift."""
    return _managed(call, *_resource(call, params["resourceIdentifier"]))


@operation("arc-zonal-shift", "ListZonalShifts")
def list_zonal_shifts(call: Call, params: Params) -> Reply:
    """The account's shifts, by status and resource, the latest first."""
    status, resource = params.get("status"), params.get("resourceIdentifier")
    found = [
        {**shift.described(), "shiftType": shift.kind}
        for shift in reversed(call.store(Shifts).all)
        if status in (None, shift.status) and resource in (None, shift.resource)
    ]
    return {"items": found}


@operation("arc-zonal-shift", "ListAutoshifts")
def list_autoshifts(call: Call, params: Params) -> Reply:
    """Shifts that AWS started because it saw a zone impaired: none here."""
    del call, params
    return {"items": []}
