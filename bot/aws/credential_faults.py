"""Why AWS does not accept the bot's credentials, and what to do about it.

The same few error codes mean expired credentials, a wrong clock, keys that are not known and a
region that is not enabled. They are told apart by AWS's message, by the region, and by AWS's time,
which every answer has (`Date`).

Sources: IAM User Guide, "Troubleshoot request signing" (a signature is valid for 5 minutes) and
"Managing AWS STS in an AWS Region"; AWS Account Management, "Enable or disable AWS Regions"; EC2
API Reference, "Error codes" (AuthFailure, RequestExpired, OptInRequired).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    LoginError,
    NoCredentialsError,
    PartialCredentialsError,
    RefreshWithMFAUnsupportedError,
    SSOError,
    TokenRetrievalError,
)

from bot.domain.partitions import COMMERCIAL, partition_of

_SKEW_TOLERATED = timedelta(minutes=4)  # AWS tolerates 5; the difference is measured late
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "ExpiredTokenFault"}
_UNSIGNED = {"SignatureDoesNotMatch", "InvalidSignatureException", "InvalidSignature"}
_OUT_OF_TIME = {"RequestExpired", "RequestTimeTooSkewed", "RequestExpiredException"}
_UNKNOWN = {
    "AuthFailure",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidToken",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "UnrecognizedClientException",
}
_NOT_ENABLED = {"OptInRequired", "OptInRequiredException", "RegionDisabledException"}
_TIMES = re.compile(r"(\d{8}T\d{6}Z) is (?:now earlier|still later) than .*?\((\d{8}T\d{6}Z)")
_SIGN_IN = (TokenRetrievalError, SSOError, LoginError)

# Regions of the commercial partition that no account has to enable (AWS Account Management,
# "Enable or disable AWS Regions"); those launched after March 2019 have to be.
_ALWAYS_ENABLED = frozenset(
    f"{area}-{number}"
    for area, numbers in {
        "us-east": "12",
        "us-west": "12",
        "ca-central": "1",
        "sa-east": "1",
        "eu-central": "1",
        "eu-north": "1",
        "eu-west": "123",
        "ap-northeast": "123",
        "ap-south": "1",
        "ap-southeast": "12",
    }.items()
    for number in numbers
)


class MfaRequired(BotoCoreError):  # type: ignore[misc]  # botocore has no types
    """A profile of the bot's asks for the code of an MFA device."""

    fmt = "the profile asks for the code of an MFA device"


def credential_fault(error: Exception, region: str | None, now: datetime) -> str | None:
    """What is wrong with the credentials, the clock or the region; None when it is something else.

    One sentence with what to do, the same for every call that fails of it.

    Args:
        error: what boto3 raised.
        region: where the call was sent, if that is known.
        now: the time by this machine's clock, UTC.
    """
    if isinstance(error, ClientError):
        return _by_code(error, region, now)
    if isinstance(error, (NoCredentialsError, PartialCredentialsError)):
        return (
            "no AWS credentials found: set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, or give this machine a role"
        )
    if isinstance(error, _SIGN_IN):
        return f"the sign-in to AWS is not valid: run `aws sso login` or `aws login` ({error})"
    if isinstance(error, (MfaRequired, RefreshWithMFAUnsupportedError)):
        return _mfa()
    if isinstance(error, CredentialRetrievalError):
        return f"the AWS credentials could not be got: correct their source ({error})"
    return None


def _by_code(error: ClientError, region: str | None, now: datetime) -> str | None:
    body: Mapping[str, Any] = error.response.get("Error", {})
    code, message = str(body.get("Code", "")), str(body.get("Message", ""))
    if code in _EXPIRED:
        return (
            f"the AWS credentials have expired ({code}): sign in again, or replace the keys of the "
            "session; a role or a profile renews its own"
        )
    if "MultiFactorAuthentication" in message:
        return _mfa()
    if code in _NOT_ENABLED:
        return _region_not_enabled(code, region)
    if code not in _UNSIGNED | _OUT_OF_TIME | _UNKNOWN:
        return None
    skew = _skew(error.response, message, now)
    if skew is not None and abs(skew) > _SKEW_TOLERATED:
        return _wrong_clock(code, skew)
    if code in _OUT_OF_TIME or _TIMES.search(message) or "Signature expired" in message:
        return (
            f"AWS got the request too late or the clock was wrong ({code}): check the time of this "
            "machine (NTP)"
        )
    if code in _UNSIGNED:
        return (
            f"AWS does not accept the signature ({code}): the secret key does not belong to the "
            "access key; set both anew"
        )
    return _not_known(code, region)


def _skew(response: Mapping[str, Any], message: str, now: datetime) -> timedelta | None:
    """This machine's clock minus AWS's: by the times in the message, else by the answer's date."""
    if times := _TIMES.search(message):
        signed, at_aws = (datetime.strptime(time, "%Y%m%dT%H%M%S%z") for time in times.groups())
        return signed - at_aws
    header = response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    try:
        return now - parsedate_to_datetime(header).astimezone(UTC) if header else None
    except ValueError:
        return None


def _wrong_clock(code: str, skew: timedelta) -> str:
    minutes, seconds = divmod(round(abs(skew.total_seconds())), 60)
    way = "ahead of" if skew > timedelta(0) else "behind"
    return (
        f"this machine's clock is {minutes} min {seconds} s {way} AWS's ({code}): set it (NTP); "
        "the credentials may be right"
    )


def _not_known(code: str, region: str | None) -> str:
    text = f"AWS does not know the credentials ({code})"
    if region is None:
        return f"{text}: set them anew"
    partition = partition_of(region)
    if partition is COMMERCIAL and region not in _ALWAYS_ENABLED:
        return (
            f"{text} in {region}: enable the region for the account (Account, AWS Regions), or set "
            "the credentials anew when other regions refuse them too"
        )
    if partition is not COMMERCIAL:
        return f"{text} in {region}: give credentials of the partition {partition.name}"
    return f"{text} in {region}: the key was deleted or is inactive; set the credentials anew"


def _region_not_enabled(code: str, region: str | None) -> str:
    return (
        f"{region or 'the region'} is not enabled for the account ({code}): enable it (Account, "
        "AWS Regions), and STS in it (IAM, Account settings)"
    )


def _mfa() -> str:
    return (
        "the AWS credentials need an MFA code, which a program cannot give: use a role or keys "
        "whose policy does not ask for MFA"
    )
