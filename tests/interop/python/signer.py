"""signer.py sign|connect: aws-msk-iam-sasl-signer-python (tests/interop/README.md)."""
import json
import sys
import time

from aws_msk_iam_sasl_signer import MSKAuthTokenProvider
from botocore.credentials import CredentialProvider, Credentials
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

TIMEOUT_S = 20


class Given(CredentialProvider):
    """The credentials of a request."""

    def __init__(self, request):
        self.credentials = Credentials(request["access_key_id"],
                                       request["secret_access_key"],
                                       request["session_token"])

    def load(self):
        return self.credentials


def make_token(request):
    return MSKAuthTokenProvider.generate_auth_token_from_credentials_provider(
        request["region"], Given(request))


def sign():
    for line in sys.stdin:
        token, expires_at_ms = make_token(json.loads(line))
        print(json.dumps({"token": token, "expires_at_ms": expires_at_ms}))


def connect(request):
    """What kept the client from the broker's metadata; None: nothing."""
    errors = []

    def oauth(_):
        token, expires_at_ms = make_token(request)
        return token, expires_at_ms / 1000

    def on_error(error):
        if error.code() != KafkaError._ALL_BROKERS_DOWN:
            errors.append(str(error))

    client = AdminClient({
        "bootstrap.servers": request["bootstrap_servers"],
        "ssl.ca.location": request["ca_file"],
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "OAUTHBEARER",
        "oauth_cb": oauth,
        "error_cb": on_error,
        "reconnect.backoff.ms": 10000,
    })
    until = time.monotonic() + TIMEOUT_S
    while True:
        client.poll(0.1)  # serves the callbacks
        try:
            client.list_topics(timeout=1)
            return None
        except KafkaException as error:
            if errors or time.monotonic() > until:
                return "; ".join(errors + [str(error)])


def main():
    if sys.argv[1] == "sign":
        sign()
    else:
        print(json.dumps({"error": connect(json.load(sys.stdin))}))


main()
