"""
The judge: whether two tokens, or two payloads, ask for the same. Every function returns
what differs, as a list of texts; none: they are the same.
"""
import base64
import datetime
import json
from collections import Counter
from urllib.parse import urlsplit

USER_AGENT = "User-Agent"  # not signed, and each signer's own


def url_of(token):
    """The URL in a token; it must be base64url without padding, as it stands."""
    url = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    if base64.urlsafe_b64encode(url).rstrip(b"=").decode() != token:
        raise ValueError("a token is no base64url without padding")
    return url.decode("ascii")


def token_of(url):
    return base64.urlsafe_b64encode(url.encode("ascii")).rstrip(b"=").decode()


def parameters(url):
    """Names and values, encoded as they stand, in order."""
    return [tuple(pair.partition("=")[::2]) for pair in urlsplit(url).query.split("&")]


def unix_s(date):
    """X-Amz-Date as Unix time."""
    parsed = datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ")
    return int(parsed.replace(tzinfo=datetime.timezone.utc).timestamp())


def signed_at_s(signed):
    """When a signer's answer was signed, Unix time."""
    if "payload" in signed:
        return unix_s(json.loads(signed["payload"])["x-amz-date"])
    return unix_s(dict(parameters(url_of(signed["token"])))["X-Amz-Date"])


def place(url):
    """Scheme, host and path; no path is the root (RFC 3986, 6.2.3)."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc, parts.path or "/", parts.fragment


def compare_lists(official, ours):
    """Of pairs, as multisets."""
    official, ours = Counter(official), Counter(ours)
    return ([f"missing in ours: {name}={value}" for name, value in (official - ours).elements()] +
            [f"only in ours: {name}={value}" for name, value in (ours - official).elements()])


def compare_tokens(official, ours, same_order=False):
    """
    The parameters are compared percent-encoded as they stand, so that their encoding is
    the same too. same_order: and they come in the same order.
    """
    official, ours = url_of(official), url_of(ours)
    differences = []
    if place(official) != place(ours):
        differences.append(f"{place(official)} is {place(ours)} in ours")

    signed = []
    for whose, url in (("the official token", official), ("ours", ours)):
        pairs = parameters(url)
        signed.append([pair for pair in pairs if pair[0] != USER_AGENT])
        if len(pairs) - len(signed[-1]) != 1:
            differences.append(f"{whose} has not one {USER_AGENT}")
    differences += compare_lists(*signed)
    if same_order and not differences and signed[0] != signed[1]:
        differences.append("the order is another")

    return differences


def fields(payload):
    """A payload's fields but the user agent's, and how many there are with it."""
    pairs = json.loads(payload, object_pairs_hook=list)
    return [pair for pair in pairs if pair[0] != USER_AGENT.lower()], len(pairs)


def compare_payloads(official, ours):
    differences, signed = [], []
    for whose, payload in (("the official payload", official), ("ours", ours)):
        some, count = fields(payload)
        signed.append(some)
        if count - len(some) != 1:
            differences.append(f"{whose} has not one {USER_AGENT.lower()}")
    return differences + compare_lists(*signed)


def compare(official, ours, same_order=False):
    """A signer's answer, and sign_at's."""
    if "payload" in official:
        return compare_payloads(official["payload"], ours["value"])

    differences = compare_tokens(official["token"], ours["value"], same_order)
    if official["expires_at_ms"] != ours["expires_at_ms"]:
        differences.append(f"it ends at {official['expires_at_ms']} ms, "
                           f"ours at {ours['expires_at_ms']} ms")
    return differences
