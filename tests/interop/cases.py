"""What is signed: credentials, most of which need escaping, in several regions."""
import base64
import hashlib

REGIONS = ("eu-west-1", "us-east-1", "cn-north-1")
BROKER_REGION = "eu-west-1"  # of the brokers that the tokens are shown to
BROKER_HOST = "127.0.0.1"
LONG = 700  # bytes


def long_session_token():
    """Base64 with all of its 64 characters, the same at every run."""
    blocks = b"".join(hashlib.sha256(bytes([i])).digest() for i in range(17))
    return base64.b64encode(blocks).decode()[:LONG]


def visible_session_token():
    """
    A percent sign has two digits after it here and below, since the signer for Java, to
    find when its token ends, decodes the query twice.
    """
    others = "".join(chr(c) for c in range(ord("!"), ord("~") + 1) if c != ord("%"))
    return "%25" + others


class Credentials:
    def __init__(self, name, access_key_id, secret_access_key, session_token=None):
        self.name = name
        self.parts = {"access_key_id": access_key_id,
                      "secret_access_key": secret_access_key,
                      "session_token": session_token}

    def with_another_secret(self):
        return Credentials(self.name + ", another secret", self.parts["access_key_id"],
                           self.parts["secret_access_key"] + "x", self.parts["session_token"])


SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

ALL = (
    Credentials("no session token", "AKIDEXAMPLE", SECRET),
    Credentials("a session token", "ASIAEXAMPLE", SECRET, "FwoGZXIvYXdzEXAMPLESESSION"),
    Credentials("a secret with / + = %", "AKIDESCAPED", "/+a/b+c//d++e/=%2F%"),
    Credentials("a session token with + / = %", "ASIAESCAPED", "/+a/b+c//d++e/",
                "+/=%2Ba+b/c%25%2F/+=="),
    Credentials(f"a session token of {LONG} bytes", "ASIALONG", SECRET, long_session_token()),
    Credentials("a session token of all visible characters", "ASIAVISIBLE", SECRET,
                visible_session_token()),
)
NEGATIVE = ALL[3]  # those that are tampered with, and that whole clients connect by


def broker_in(region):
    """host:port of a broker, whose name tells the region."""
    suffix = ".cn" if region.startswith("cn-") else ""
    return f"b-1.demo.abc123.c2.kafka.{region}.amazonaws.com{suffix}:9098"


def request(credentials, region, broker=None):
    return {"region": region, "broker": broker, **credentials.parts}
