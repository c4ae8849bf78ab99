"""Redaction: a corpus of canaries is caught, ordinary lines stay as they are."""

from __future__ import annotations

import base64
import json
import logging
import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.redaction import evidence_in, redact, redact_tree
from bot.telemetry.logs import RedactingFilter

# Canaries are made, not written down: a scanner of this repository finds none.
RANDOM = random.Random(17)
UPPER = string.ascii_uppercase + string.digits
WORD = string.ascii_letters + string.digits


def some(alphabet: str, length: int) -> str:
    return "".join(RANDOM.choices(alphabet, k=length))


def b64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def jwt() -> str:
    claims = b64(json.dumps({"sub": some(WORD, 12), "exp": 1795445496}))
    return f"{b64(json.dumps({'alg': 'HS256'}))}.{claims}.{some(WORD + '-_', 43)}"


def card(prefix: str, length: int) -> str:
    body = prefix + some(string.digits, length - len(prefix) - 1)
    doubled = (sum(divmod(2 * int(d), 10)) for d in body[::-2])
    return body + str(-(sum(doubled) + sum(map(int, body[-2::-2]))) % 10)


def pem(kind: str) -> str:
    lines = "\n".join(some(WORD + "+/", 64) for _ in range(4))
    return f"-----BEGIN {kind}-----\n{lines}\n-----END {kind}-----"


def canaries() -> list[tuple[str, str]]:
    """A secret and the text it stands in, some hundred of them."""
    made: list[tuple[str, str]] = []

    def plant(secret: str, *texts: str) -> None:
        made.extend((secret, text.replace("@@", secret)) for text in texts)

    for _ in range(12):
        for prefix in ("AKIA", "ASIA"):
            plant(
                prefix + some(UPPER, 16),
                "key @@ is invalid",
                "AWS_ACCESS_KEY_ID=@@",
                '{"accessKeyId": "@@"}',
                "?X-Amz-Credential=@@/20261123/eu-west-1/s3/aws4_request",
            )
        plant(
            some(WORD + "+/", 40),
            "aws_secret_access_key = @@",
            "AWS_SECRET_ACCESS_KEY=@@",
            '{"SecretAccessKey": "@@", "Expiration": "2026-11-23T12:00:00Z"}',
            "secretAccessKey: '@@'",
            '\\"aws_session_token\\": \\"@@\\"',
            "AWS_SESSION_TOKEN=@@",
        )
        plant(
            jwt(),
            "token @@ expired",
            "Authorization: Bearer @@",
            "GET /cb?id_token=@@&state=1",
            '{"jwt":"@@"}',
        )
        plant(
            some(WORD, 32),
            "Authorization: Bearer @@",
            '"authorization": "Bearer @@"',
            "curl -H 'Authorization: token @@'",
            "proxy-authorization: Basic @@",
            "called with bearer @@7=",
            "Cookie: session=@@; theme=dark",
            "Set-Cookie: sid=@@; HttpOnly; Path=/",
            "{'cookie': 'sid=@@'}",
            "api_key=@@",
            "X-Api-Key: @@",
            "?api-key=@@&page=2",
            "client_secret=@@",
            "refresh_token=@@",
            '{"password": "@@", "user": "ana"}',
            "password: @@",
            "DB_PASSWORD=@@ PGUSER=app",
            "--db-password=@@",
            "postgres://app:@@@db.internal:5432/checkout",
            "redis://:@@@cache:6379/0",
            "amqp://user:@@@mq/%2f failed",
            "https://ci:@@@git.example.com/a.git",
            "SLACK_SIGNING_SECRET=@@",
            "GET /reset?token=@@",
            "X-Amz-Signature=@@",
            "https://hooks.slack.com/services/T0001/B0001/@@",
        )
        for kind in ("xoxb", "xoxp", "xapp"):
            plant(
                f"{kind}-{some(string.digits, 12)}-{some(WORD, 24)}",
                "invalid_auth for @@",
                "SLACK_TOKEN=@@",
                '"@@"',
            )
        plant("ghp_" + some(WORD, 36), "remote: @@ denied", "git clone https://@@@github.com/a/b")
        plant("sk_live_" + some(WORD, 24), "stripe said no to @@")
        for key in (
            "sk-proj-" + some(WORD + "-_", 48),
            "sk-ant-" + "api03-" + some(WORD + "-_", 40),
            "sk-" + some(WORD, 48),
            "AI" + "za" + some(WORD + "-_", 35),
            "SG." + some(WORD, 22) + "." + some(WORD + "-_", 43),
            "hf_" + some(WORD, 34),
            "npm_" + some(WORD, 36),
            "whsec_" + some(WORD + "+/", 32),
            "hvs." + some(WORD, 24),
            "glsa_" + some(WORD, 32) + "_1a2b3c4d",
            "pypi-" + some(WORD, 60),
        ):
            plant(key, "key @@ was refused", '"@@"', "x=@@", "(@@)", "got @@.")
        plant(
            some(WORD, 12),
            "mysql -h db.internal -u root -p@@ checkout",
            "mysqldump -p@@ orders > x",
            "mariadb -u app -p@@",
            "sshpass -p @@ ssh host",
            "redis-cli -h cache -a @@ ping",
            "curl -s -u ana:@@ https://example.com",
            "curl --user ana:@@ https://example.com",
            "jdbc:oracle:thin:scott/@@@//db.internal:1521/orders",
        )
        plant(
            f"{some(string.ascii_lowercase, 6)}.{some(string.ascii_lowercase, 7)}@example.co.uk",
            "mail to @@ bounced",
            "<mailto:@@|write>",
            '{"email":"@@"}',
            "user=@@,",
            "(@@)",
            "login failed: @@.",
            "GET /users/@@/orders",
        )
        for prefix, length in (
            ("4", 16),
            ("52", 16),
            ("2305", 16),
            ("37", 15),
            ("6011", 16),
            ("36", 14),
            ("3530", 16),
        ):
            plant(card(prefix, length), "card @@ declined", "pan=@@;", '"@@"')
        number = card("4", 16)
        for gap in " -":
            grouped = gap.join(number[n : n + 4] for n in range(0, 16, 4))
            plant(grouped, "card @@ declined")
        for kind in ("RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "OPENSSH PRIVATE KEY"):
            plant(pem(kind).splitlines()[2], *[pem(kind)])
            whole = pem(kind)
            made.append((whole.splitlines()[2], f"loaded {whole} from disk"))
            made.append((whole.splitlines()[2], whole[:200]))  # cut short by a log limit
    return [(secret, text) for secret, text in made if secret in text]


def test_the_canaries_are_caught() -> None:
    planted = canaries()
    missed = [text for secret, text in planted if secret in redact(text)]
    assert len(planted) > 900
    assert len(missed) <= len(planted) * 0.01, f"{len(missed)} of {len(planted)}: {missed[:10]}"


ORDINARY = [
    "2026-11-23T03:12:45.123Z ERROR Task timed out after 3.00 seconds",
    "START RequestId: 8f5e2c1a-7a4e-4d0f-9a53-0f6f1f6d2b11 Version: 42",
    "REPORT RequestId: 8f5e2c1a-7a4e-4d0f-9a53-0f6f1f6d2b11 Duration: 3000.00 ms Billed Duration: "
    "3000 ms Memory Size: 512 MB Max Memory Used: 128 MB Init Duration: 1834.12 ms",
    "arn:aws:lambda:eu-west-1:123456789012:function:checkout:live",
    "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188",
    "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Ops_0123456789abcdef/ana@example.com",
    "arn:aws:secretsmanager:eu-west-1:123456789012:secret:checkout/db-AbCdEf",
    "arn:aws:iam::123456789012:user/deploy changed the alias",
    "AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/bot/s is not "
    "authorized to perform: secretsmanager:GetSecretValue on resource: *",
    "x-amzn-trace-id: Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1",
    "x-amzn-requestid: c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
    "x-amz-cf-id: 3AqRRYrJn2sMvLGxn3H9Qd4EuKkXTGXk8a8Q4v5zWfMnPvRrTg==",
    "1795445496127 1795445496127875 1795445496127875123 4294967296 18446744073709551615",
    "ts=1795445496.127875 thread_ts=1795445000.000100 channel=C0123456789 user=U0123456789",
    "8.4 % of requests, 504 mostly: 1,204 of 14,333 in 5 min; p99 2,913 ms",
    'POST /checkout HTTP/1.1" 504 0 29.001 10.0.12.7:52344 -> 10.0.3.4:8080',
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "commit 4da44f4e8c1b2a7d9f3e6c5b4a3928171605f4e3 by deploy-bot",
    "eni-0a1b2c3d4e5f67890 sg-0123456789abcdef0 i-0abcd1234efgh5678 d-ABCDEF123",
    "NextToken: none; MaxTokens=4096, tokens used: 1234",
    "ThrottlingException: Rate exceeded (tokens per second: 10)",
    "passwordless login is on; the secretary approved; tokenizer ready; cookies: 3",
    "2 basic checks passed, 1 basic authentication test skipped",
    "the bearer of bad news",
    "password=null secret=None token: false",
    "psycopg2.OperationalError: FATAL: too many connections for role checkout",
    "jdbc:postgresql://db.internal:5432/checkout?ssl=true",
    "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#alarmsV2:alarm/x",
    "https://hooks.example.com/services/1",
    "<@U0123456789> deployed to <#C0123456789> at 12:00 (v2.13.4@sha256)",
    "registry.example.com/checkout@sha256:9f86d081884c7d65",
    "npm ERR! 404 @types/node@20.1.0 not found; user@host",
    "key AKIAEXAMPLE is too short; EYJ is no token; eyJust words",
    "4111-1111-1111 and 4111111111111112 are no card numbers; 0000000000000000 neither",
    "version 10.15.7.4.12.3 of 2026-11-23 03:12:45,123 [pool-1-thread-4] 3/4",
    "healthy targets of update-password: 0 at the least",
    "ECS rollout of token:43 (FAILED, 3 tasks failed)",
    "SyntaxError: Unexpected token: u in JSON at position 0; Unexpected token: punc",
    "token: 5 of 6 invalid; authorise-access-token: 12.5% of requests; api-key: 3.",
    "mysql -P3306 -p -u root; mysql --port=3306 --protocol=tcp; npm run sk-build; hf_1",
    "sk-learn and SG.west and AIza are no keys; whsec_ and hvs.1 neither",
    "curl -u ana https://example.com; curl --url https://example.com:443/x",
    "jdbc:oracle:thin:@//db.internal:1521/orders",
    "-----BEGIN CERTIFICATE-----",
    "-----BEGIN PUBLIC KEY-----",
    '{"level":"error","msg":"dial tcp 10.0.0.1:5432: connect: connection refused","attempt":3}',
    "DynamoDB ProvisionedThroughputExceededException on table checkout-sessions, key={S: 42}",
    "cloned git@github.com:example/checkout.git; order/1234567890123456",
    '{"SecretId": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a-b", "Token": null}',
]


@pytest.mark.parametrize("line", ORDINARY)
def test_ordinary_lines_stay_as_they_are(line: str) -> None:
    assert redact(line) == line


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("postgres://app:hunter2@db:5432/x", "postgres://app:[password]@db:5432/x"),
        ("Authorization: Bearer abc123def456", "Authorization: [credentials]"),
        ('{"password": "p@ss w0rd", "user": "ana"}', '{"password": "[secret]", "user": "ana"}'),
        ("?token=abc&page=2", "?token=[secret]&page=2"),
        ("mail ana@example.com now", "mail [email] now"),
        ("card 4111 1111 1111 1111 declined", "card [card] declined"),
    ],
)
def test_the_rest_of_the_line_stays_readable(text: str, left: str) -> None:
    assert redact(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "password: hunter2",
        "update-password: hunter2",
        "token=43",
        "token: 123456",
        '{"password": "0"}',
        "DB_PASSWORD=7",
        "invalid token: abcdef",
    ],
)
def test_a_figure_is_spared_only_where_it_is_said(text: str) -> None:
    assert "[secret]" in redact(text)


REPORT = {
    "changes": [{"actor": "maya@example.com (role Admin)", "resource": "update-password"}],
    "resources": {"functions": [{"name": "authorise-access-token", "alias": "live"}]},
    "text": "by maya@example.com (role Admin), not by eve@example.com",
    "named": "update-password: healthy; authorise-access-token: slow; db-password: hunter2",
}


def test_who_changed_what_is_evidence_wherever_it_is_told() -> None:
    left = redact_tree(REPORT)
    assert left["changes"] == REPORT["changes"]
    assert left["text"] == "by maya@example.com (role Admin), not by [email]"
    assert left["named"] == (
        "update-password: healthy; authorise-access-token: slow; db-password: [secret]"
    )
    assert redact_tree(left) == left


def test_a_resources_name_makes_no_assignment_safe() -> None:
    tree = {"resource": "api-key", "text": "api-key=hunter2", "quoted": '"api-key": "hunter2"'}
    assert "hunter2" not in str(redact_tree(tree))


def test_what_is_kept_of_one_text_stays_in_another() -> None:
    kept = evidence_in(REPORT)
    assert redact("moved by maya@example.com", kept) == "moved by maya@example.com"
    assert redact("moved by maya@example.com") == "moved by [email]"


@given(st.text(), st.frozensets(st.sampled_from(["update-password", "a@example.com"])))
def test_what_is_kept_changes_nothing_else(text: str, kept: frozenset[str]) -> None:
    once = redact(text, kept)
    assert redact(once, kept) == once
    if not any(each in text for each in kept):
        assert once == redact(text)


@given(st.text())
def test_any_text_twice_is_as_once(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@given(st.lists(st.sampled_from([text for _, text in canaries()] + ORDINARY), max_size=6))
def test_a_mixture_twice_is_as_once(lines: list[str]) -> None:
    once = redact("\n".join(lines))
    assert redact(once) == once


def test_a_tree_keeps_its_shape() -> None:
    tree = {
        "db_password": "x y",
        "text": "mail ana@example.com",
        "n": 1,
        "list": [("password=x", None)],
        "ok": True,
    }
    assert redact_tree(tree) == {
        "db_password": "[secret]",
        "text": "mail [email]",
        "n": 1,
        "list": [("password=[secret]", None)],
        "ok": True,
    }


def test_logs_are_redacted() -> None:
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    handler = Keep()
    handler.addFilter(RedactingFilter())
    logger = logging.getLogger("test-redaction")
    logger.addHandler(handler)
    logger.propagate = False
    logger.warning("login of %s with %s", "ana@example.com", {"password": "hunter2"})
    try:
        raise RuntimeError("password=hunter2")
    except RuntimeError:
        logger.exception("it failed")
    assert lines[0] == "login of [email] with {'password': '[secret]'}"
    assert "RuntimeError" in lines[1]
    assert "hunter2" not in lines[1]
