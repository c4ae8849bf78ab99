"""The endpoint as a WSGI application: one request in, one AWS answer out.

identify -> parse -> faults -> permission -> handler or moto -> check -> record -> write.
"""

from __future__ import annotations

import gzip
import io
import threading
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from moto.core.request import Request

from sandbox.aws import callers, errors, faults, protocol, services, trail
from sandbox.aws.account import Account, Call
from sandbox.aws.callers import Caller
from sandbox.aws.errors import AwsError, Wire
from sandbox.aws.ledger import Entry, Ledger
from sandbox.aws.moto_account import parsed
from sandbox.aws.protocol import Target
from sandbox.aws.registry import OWN_SERVICES
from sandbox.aws.subjects import subjects
from sandbox.aws.writes import changes_something
from sandbox.world.api import Fault

_TIMEOUT_SECONDS = 60.0


class AnswerLost(ConnectionError):
    """The connection is closed without an answer."""


@dataclass
class _Exchange:
    """One request while it is being answered."""

    request: Request
    request_id: str
    time: datetime
    target: Target | None = None
    caller: Caller | None = None
    region: str = ""  # that the caller signed for
    params: dict[str, Any] = field(default_factory=dict)
    reply: Mapping[str, Any] | None = None
    outcome: str = "InternalFailure"  # until it has one
    fault: str | None = None

    @property
    def protocol(self) -> str:
        """The protocol the answer is written in."""
        return self.target.protocol if self.target else "json"


class Endpoint:
    """The WSGI application of an account. `closing` ends waits when the server stops."""

    def __init__(self, account: Account, ledger: Ledger) -> None:
        self._account = account
        self._ledger = ledger
        self._operations = services.load()
        self.closing = threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request (PEP 3333)."""
        now = self._account.world.now()
        exchange = _Exchange(Request(_inflated(environ)), str(uuid.uuid4()), now)
        exchange.request.get_data()  # kept: reading the form later would use the stream up
        wire = self._answer(exchange)
        headers = {
            **wire.headers,
            "Content-Length": str(len(wire.body)),
            "Date": format_datetime(self._account.world.now(), usegmt=True),
            "x-amzn-RequestId": exchange.request_id,
        }
        start_response(
            f"{wire.status} {'OK' if wire.status < 400 else 'Error'}", [*headers.items()]
        )
        return [wire.body]

    def _answer(self, exchange: _Exchange) -> Wire:
        try:
            met = self._admit(exchange)
            exchange.outcome, wire = self._run(exchange)
            return self._after(exchange, wire, met)
        except AwsError as error:
            service = exchange.target.service if exchange.target else None
            exchange.outcome = errors.resolve(service, error, exchange.protocol).code
            return errors.write_error(error, service, exchange.protocol, exchange.request_id)
        finally:
            self._note(exchange)

    def _admit(self, exchange: _Exchange) -> list[Fault]:
        """Identify operation and caller, play faults, check permission and input.

        Returns the faults of this call. Raises AwsError when it is refused.
        """
        account, request = self._account, exchange.request
        signed = protocol.signature(request)
        if signed is None:
            raise AwsError("MissingAuthenticationToken", "Request is missing Authentication Token")
        exchange.region = signed.region
        target = exchange.target = protocol.find_target(request, signed.service)
        if fault := callers.signature_fault(signed):
            raise faults.bad_signature(target.protocol, fault)
        exchange.caller = caller = account.callers.identify(signed)
        exchange.params = protocol.parse(request, target)
        met = account.faults.met_by(target)
        self._play(met, exchange)
        found = subjects(target.service, exchange.params, account.region, account.id)
        arn = found[0].arn if found else None
        refusal = account.callers.refusal_of(caller, target.iam_action, arn or "*")
        if refusal is not None or any(fault.kind == "deny" for fault in met):
            action = target.iam_action
            because = f"no identity-based policy allows the {action} action"
            raise faults.access_denied(
                target.protocol,
                target.service,
                caller.arn,
                action,
                arn,
                refusal.because if refusal else because,
            )
        protocol.check_input(exchange.params, target)
        return met

    def _play(self, met: list[Fault], exchange: _Exchange) -> None:
        """Play the faults that come before the work: latency, throttling, server errors."""
        exchange.fault = met[0].kind if met else None
        for fault in met:
            if fault.kind == "latency":
                self.closing.wait(fault.latency_ms / 1000)
            elif fault.kind == "throttle":
                raise faults.throttling(exchange.protocol)
            elif fault.kind == "server_error":
                raise faults.server_error(exchange.protocol)

    def _run(self, exchange: _Exchange) -> tuple[str, Wire]:
        """Have a handler or moto do the work; its outcome and the answer."""
        target, caller = exchange.target, exchange.caller
        assert target is not None
        assert caller is not None
        found = self._operations.get((target.service, target.name))
        if found is None:
            return self._pass_on(exchange, target)
        if target.service not in OWN_SERVICES:
            self._account.moto.prepare(target.service)  # slow at first, and nobody else need wait
        with self._account.lock:
            self._account.advance()
            exchange.time = self._account.world.now()
            call = Call(
                self._account,
                target.service,
                target.name,
                caller,
                exchange.request_id,
                exchange.time,
                exchange.request.headers.get("User-Agent", ""),
                exchange.region,
            )
            exchange.reply = protocol.without_none(found.handler(call, exchange.params) or {})
        assert exchange.reply is not None
        protocol.check_output(exchange.reply, target)
        return "ok", protocol.serialize(exchange.reply, target, exchange.request_id)

    def _pass_on(self, exchange: _Exchange, target: Target) -> tuple[str, Wire]:
        if target.service in OWN_SERVICES:
            raise AwsError(
                "NotImplemented",
                f"{target.service}:{target.name} is not supported by this sandbox",
            )
        moto = self._account.moto
        if target.protocol == protocol.CBOR:
            exchange.reply = moto.call(target.service, target.name, exchange.params)
            return "ok", protocol.serialize(exchange.reply, target, exchange.request_id)
        request = exchange.request
        query = request.query_string.decode()
        wire = moto.forward(
            target.service,
            target.name,
            method=request.method,
            path=f"{request.raw_path}?{query}" if query else request.raw_path,
            headers=dict(request.headers),
            body=request.get_data(),
        )
        if wire.status >= 400:
            try:
                parsed(wire, target.operation)
            except AwsError as error:
                return error.code, wire
        return "ok", wire

    def _after(self, exchange: _Exchange, wire: Wire, met: list[Fault]) -> Wire:
        """Play the faults that come after the work: the answer is lost or cut in half."""
        for fault in met:
            if fault.kind == "timeout":
                wait = fault.latency_ms / 1000 if fault.latency_ms else _TIMEOUT_SECONDS
                self._note(exchange)
                self.closing.wait(wait)
                raise AnswerLost
            if fault.kind == "malformed":
                half = wire.body[: max(1, len(wire.body) // 2)]
                return Wire(wire.status, wire.headers, half)
        return wire

    def _note(self, exchange: _Exchange) -> None:
        """Record the call in ledger and trail, once, whatever its outcome."""
        target, caller = exchange.target, exchange.caller
        if target is None or caller is None:
            return
        exchange.caller = None
        write = changes_something(target.service, target.name)
        self._ledger.add(
            Entry(
                exchange.time,
                target.service,
                target.name,
                exchange.params,
                caller.arn,
                exchange.request_id,
                exchange.outcome,
                write,
                exchange.fault,
            )
        )
        if not write or not trail.is_management_event(target.service, target.name):
            return
        event = trail.event(
            time=exchange.time,
            service=target.service,
            operation=target.name,
            params=exchange.params,
            reply=exchange.reply,
            error_code=None if exchange.outcome == "ok" else exchange.outcome,
            actor=caller.actor,
            user_agent=exchange.request.headers.get("User-Agent", ""),
            request_id=exchange.request_id,
            region=self._account.region,
            account=self._account.id,
        )
        with self._account.lock:
            self._account.world.record(event)


def _inflated(environ: dict[str, Any]) -> dict[str, Any]:
    """The request with its body unzipped: SDKs compress large bodies of some operations."""
    if environ.get("HTTP_CONTENT_ENCODING") != "gzip":
        return environ
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body = gzip.decompress(environ["wsgi.input"].read(length))
    plain = {key: value for key, value in environ.items() if key != "HTTP_CONTENT_ENCODING"}
    return {**plain, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
