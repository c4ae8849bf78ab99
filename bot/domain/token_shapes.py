"""What secrets of known vendors look like: the prefixes that vendors gave them to be found by.

Each is from the vendor's documentation, or from its entry in the partner patterns of GitHub's
secret scanning (docs.github.com, "Supported secret scanning patterns"). detect-secrets and similar
programs find lines, for people to look at; they do not replace, and their entropy rules take
request ids for secrets.
"""

from __future__ import annotations

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

START = r"(?:(?<![\w.-])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2}))"
"""Before a secret: no letter, except that of an escaped line break or of percent-encoding."""

AWS = (
    # IAM user guide, "Understanding unique ID prefixes"
    r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])",
)

TOKENS = (
    # AWS: session tokens begin with what their first field encodes to; MWS; Bedrock API keys
    r"(?:IQoJb3JpZ2lu|FwoGZXIvYXdz|AgoJb3JpZ2lu|AQoDYXdz)[\w+/=%-]{60,}",
    rf"amzn\.mws\.{_UUID}",
    r"ABSK[A-Za-z0-9+/]{60,}={0,2}",
    # GitHub, GitLab, Bitbucket and Atlassian
    r"gh[pousr]_\w{30,}|github_pat_\w{30,}",
    r"gl(?:pat|rt|dt|ptt|ft|soat|cbt|imt|agent|oas)-[\w.-]{20,}",
    r"ATATT3[\w=-]{40,}|ATBB[A-Za-z0-9]{28,}",
    # language registries
    r"npm_[A-Za-z0-9]{30,}|pypi-[\w-]{40,}|rubygems_[0-9a-f]{40,}|cio[A-Za-z0-9]{32}(?!\w)",
    r"dckr_(?:pat|oat)_[\w-]{20,}|CLOJARS_[0-9a-f]{50,}|oy2[a-z0-9]{43}(?!\w)",
    # language models
    r"sk-(?:proj|ant|svcacct|admin|or-v1)-[\w-]{16,}|sk-[A-Za-z0-9]{32,}",
    r"gsk_[A-Za-z0-9]{40,}|xai-[A-Za-z0-9]{60,}|pplx-[A-Za-z0-9]{40,}|r8_[A-Za-z0-9]{35,}",
    r"hf_[A-Za-z0-9]{20,}|api_org_[A-Za-z]{30,}",
    # Google
    r"AIza[\w-]{30,}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,}|1//\d{2}[\w-]{40,}",
    # payments
    r"[rs]k_(?:live|test)_\w{16,}|whsec_[\w+/=]{16,}",
    r"sq0(?:atp|csp|idp)-[\w-]{22,}|EAAA[\w-]{60}(?!\w)|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",
    rf"access_token\$(?:production|sandbox)\$[0-9a-z]{{16}}\$[0-9a-f]{{32}}|access-(?:production|development|sandbox)-{_UUID}",
    # mail and messages
    r"SG\.[\w-]{16,}\.[\w-]{16,}|xkeysib-[0-9a-f]{32,}(?:-\w{16})?|key-[0-9a-f]{32}(?!\w)",
    r"[0-9a-f]{32}-us\d{1,2}(?!\w)|SK[0-9a-f]{32}(?!\w)|re_[A-Za-z0-9]{8}_[A-Za-z0-9]{20,}",
    r"\d{8,10}:AA[\w-]{33}(?!\w)|[MNO][A-Za-z0-9]{23,25}\.[\w-]{6}\.[\w-]{27,}",
    # infrastructure
    r"hv[sbr]\.[\w-]{20,}|s\.[A-Za-z0-9]{24}(?!\w)|[A-Za-z0-9]{14}\.atlasv1\.[\w-]{60,}",
    r"pul-[0-9a-f]{40}(?!\w)|dapi[0-9a-f]{32}(?:-\d)?(?!\w)|sha256~[\w-]{43}(?!\w)",
    r"[A-Za-z0-9_~.]{3}\dQ~[\w~.-]{31,34}",  # Entra ID client secrets
    r"do[opr]_v1_[0-9a-f]{40,}|fm[12][a-z]?_[\w+/=-]{60,}|HRKU-[\w-]{30,}|nfp_[A-Za-z0-9]{30,}",
    r"sbp_[0-9a-f]{40}|pscale_(?:pw|tkn|oauth)_[\w.-]{30,}|dp\.(?:pt|st|ct|sa|scim|audit)\.\w{30,}",
    rf"(?:sdk|mob)-{_UUID}",  # LaunchDarkly
    # observability
    r"glsa_\w{30,}|glc_eyJ[\w+/=-]{40,}|NRAK-[A-Z0-9]{27}|NRJS-[0-9a-f]{19}",
    r"sntrys_eyJ[\w+/=-]{40,}|sntryu_[0-9a-f]{64}|dt0[a-z]\d{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}",
    # work
    r"lin_(?:api|oauth)_[A-Za-z0-9]{30,}|(?:ntn|secret)_[A-Za-z0-9]{40,}|pat[A-Za-z0-9]{14}\.[0-9a-f]{64}",
    r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}|figd_[\w-]{30,}|bkua_[0-9a-f]{40}",
    r"CCI(?:PAT|PRJ)_[A-Za-z0-9]{22}_[0-9a-f]{40}|ops_eyJ[\w+/=-]{60,}|AGE-SECRET-KEY-1[A-Z0-9]{58}",
)
