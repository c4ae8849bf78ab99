"""Expired credentials, a wrong clock, unknown keys and a region not enabled are told apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    LoginRefreshRequired,
    NoCredentialsError,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

from bot.aws.client import AwsAccount, Budget
from bot.aws.credential_faults import credential_fault
from bot.aws.failures import read_failed
from bot.aws.sessions import Roles
from bot.domain.errors import CredentialsRefused, ReadFailed
from bot.domain.report import GapReason

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
LATE = "Signature expired: 20151221T200419Z is now earlier than 20151221T201450Z"
EARLY = "Signature not yet current: 20151221T203021Z is still later than 20151221T202450Z"


def refused(code: str, message: str = "refused", at_aws: datetime = NOON) -> ClientError:
    header = {"date": format_datetime(at_aws, usegmt=True)}
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPHeaders": header},  # type: ignore[typeddict-item]
        },
        "GetAlias",
    )


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (refused("ExpiredToken"), "credentials have expired"),
        (refused("ExpiredTokenException"), "credentials have expired"),
        (TokenRetrievalError(provider="sso", error_msg="Token has expired"), "aws sso login"),
        (UnauthorizedSSOTokenError(), "aws sso login"),
        (SSOTokenLoadError(error_msg="no such file"), "aws sso login"),
        (LoginRefreshRequired(), "aws login"),
        (NoCredentialsError(), "no AWS credentials found: set AWS_PROFILE"),
        (CredentialRetrievalError(provider="process", error_msg="x"), "correct their source"),
        (refused("InvalidClientTokenId"), "key was deleted or is inactive"),
        (refused("UnrecognizedClientException"), "key was deleted or is inactive"),
        (refused("AuthFailure"), "key was deleted or is inactive"),
        (refused("SignatureDoesNotMatch", "check your Secret Access Key"), "secret key does not"),
        (refused("RequestExpired"), "check the time"),
        (refused("RegionDisabledException", "STS is not activated"), "eu-west-1 is not enabled"),
        (refused("OptInRequired", "You are not subscribed"), "eu-west-1 is not enabled"),
        (refused("AccessDenied", "MultiFactorAuthentication failed"), "MFA code"),
    ],
)
def test_what_to_do_is_said(error: ClientError | BotoCoreError, words: str) -> None:
    assert words in (credential_fault(error, "eu-west-1", NOON) or "")
    failed = read_failed("lambda", "get_alias", error, "eu-west-1")
    assert isinstance(failed, CredentialsRefused)
    assert failed.reason is GapReason.NOT_CONFIGURED
    assert failed.permission is None, "no permission is missing"


@pytest.mark.parametrize(
    "error",
    [
        refused("AccessDenied"),
        refused("ThrottlingException"),
        refused("ResourceNotFoundException", "no such function"),
        refused("ValidationException", "the token is invalid"),
        ConnectTimeoutError(endpoint_url="https://x"),
    ],
)
def test_other_failures_are_no_fault_of_the_credentials(error: ClientError | BotoCoreError) -> None:
    assert credential_fault(error, "eu-west-1", NOON) is None


@pytest.mark.parametrize("code", ["SignatureDoesNotMatch", "InvalidSignatureException"])
@pytest.mark.parametrize(
    ("message", "words"),
    [
        (f"{LATE} (20151221T201950Z - 5 min.)", "clock is 15 min 31 s behind AWS's"),
        (f"{EARLY} (20151221T201950Z + 5 min.)", "clock is 10 min 31 s ahead of AWS's"),
    ],
)
def test_a_wrong_clock_is_told_with_its_difference(code: str, message: str, words: str) -> None:
    assert words in (credential_fault(refused(code, message), "eu-west-1", NOON) or "")


@pytest.mark.parametrize("code", ["RequestExpired", "RequestTimeTooSkewed", "AuthFailure"])
def test_without_times_the_answers_own_date_tells(code: str) -> None:
    late = refused(code, at_aws=NOON + timedelta(minutes=7, seconds=3))
    said = credential_fault(late, "eu-west-1", NOON) or ""
    assert "clock is 7 min 3 s behind AWS's" in said
    right = credential_fault(refused(code), "eu-west-1", NOON) or ""
    assert "behind" not in right
    assert "ahead" not in right


def test_dead_credentials_are_not_taken_for_a_wrong_clock() -> None:
    expired = refused("ExpiredToken", at_aws=NOON + timedelta(hours=1))
    assert "expired" in (credential_fault(expired, "eu-west-1", NOON) or "")


@pytest.mark.parametrize(
    ("region", "words"),
    [
        ("eu-south-1", "in eu-south-1: enable the region"),
        ("mx-central-1", "in mx-central-1: enable the region"),
        ("us-east-1", "in us-east-1: the key was deleted"),
        ("us-gov-west-1", "in us-gov-west-1: give credentials of the partition aws-us-gov"),
        ("cn-north-1", "in cn-north-1: give credentials of the partition aws-cn"),
        ("eusc-de-east-1", "in eusc-de-east-1: give credentials of the partition aws-eusc"),
        (None, "set them anew"),
    ],
)
def test_unknown_keys_depend_on_the_region(region: str | None, words: str) -> None:
    assert words in (credential_fault(refused("InvalidClientTokenId"), region, NOON) or "")


@pytest.mark.usefixtures("aws")
def test_nobody_is_asked_for_an_mfa_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = tmp_path / "config"
    settings.write_text(
        "[profile base]\naws_access_key_id = a\naws_secret_access_key = b\n"
        "[profile ops]\nrole_arn = arn:aws:iam::111122223333:role/ops\nsource_profile = base\n"
        "mfa_serial = arn:aws:iam::111122223333:mfa/ana\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(settings))
    reader = AwsAccount(Roles(), "ops").reader("eu-west-1", Budget())
    with pytest.raises(ReadFailed, match="need an MFA code") as failed:
        reader.read("lambda", "get_alias", FunctionName="checkout", Name="live")
    assert isinstance(failed.value, CredentialsRefused)
