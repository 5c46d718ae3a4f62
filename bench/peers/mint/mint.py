"""mint.py: what a token costs with aws-msk-iam-sasl-signer-python (README.md beside this)."""
import base64
import importlib.metadata
import json
import statistics
import sys
import time
import urllib.parse

from aws_msk_iam_sasl_signer import MSKAuthTokenProvider
from botocore.credentials import CredentialProvider, Credentials

PEER = "aws-msk-iam-sasl-signer-python"
WARM_UP_NS = 1_000_000_000
ROUND_NS = 20_000_000
ROUNDS = 15
BATCH = 20  # tokens between two looks at the clock


def make_session():
    """The session token that all programs have."""
    begin = "IQoJb3JpZ2luX2VjEJv//////////wEa"
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    x = 2463534242
    session = ""

    for i in range(700):
        x = (x * 1664525 + 1013904223) & 0xFFFFFFFF
        session += begin[i] if i < len(begin) else letters[x >> 26]
    return session


class Kept(CredentialProvider):
    """Credentials that are made once."""

    def __init__(self, session):
        self.credentials = Credentials("ASIAIOSFODNN7EXAMPLE",
                                       "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", session)

    def load(self):
        return self.credentials


def measure_ns(provider, budget_ns):
    """ns per token, for as long as that."""
    make = MSKAuthTokenProvider.generate_auth_token_from_credentials_provider
    count = elapsed_ns = 0
    from_ns = time.perf_counter_ns()

    while elapsed_ns < budget_ns:
        for _ in range(BATCH):
            token, _ = make("eu-west-1", provider)
        count += BATCH
        elapsed_ns = time.perf_counter_ns() - from_ns

    url = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    escaped = urllib.parse.quote(provider.credentials.token, safe="")
    if f"X-Amz-Security-Token={escaped}&" not in url or "X-Amz-Signature=" not in url:
        sys.exit("mint.py: not the token that was asked for")
    return elapsed_ns / count


def main():
    provider = Kept(make_session())

    measure_ns(provider, WARM_UP_NS)
    ns = statistics.median(measure_ns(provider, ROUND_NS) for _ in range(ROUNDS))
    print(json.dumps({"peer": PEER, "version": importlib.metadata.version(PEER),
                      "language": "python", "case": "mint", "ns": round(ns, 1)}))


main()
