"""Whether the judge finds what it has to find. Each check yields a name and what went wrong."""
import json

import judge

SIGNED_END = "&" + judge.USER_AGENT


def found(compare, original, changed):
    """Whether the judge objects; what cannot be read is found as well."""
    try:
        return bool(compare(original, changed))
    except ValueError:
        return True


def token_found(token, url):
    return found(judge.compare_tokens, token, judge.token_of(url))


def check_bytes(token):
    url = judge.url_of(token)
    end, slash = url.index(SIGNED_END), url.index("/?")

    missed = [f"byte {i} changed" for i in range(end)
              if token_found(token, url[:i] + chr(ord(url[i]) ^ 1) + url[i + 1:]) is False]
    missed += [f"byte {i} left out" for i in range(end)
               if i != slash and token_found(token, url[:i] + url[i + 1:]) is False]
    yield f"each of {end} bytes of a token, changed and left out, is found", missed


def check_parameters(token):
    base, _, query = judge.url_of(token).partition("?")
    pairs = query.split("&")
    missed = []
    for i, pair in enumerate(pairs):
        for what, others in (("left out", pairs[:i] + pairs[i + 1:]),
                             ("doubled", pairs + [pair])):
            if not token_found(token, base + "?" + "&".join(others)):
                missed.append(f"{pair} {what}")
    if not token_found(token, base + "?" + "&".join(pairs + ["x=y"])):
        missed.append("one more")
    swapped = judge.token_of(base + "?" + "&".join([pairs[1], pairs[0]] + pairs[2:]))
    if not judge.compare_tokens(token, swapped, same_order=True):
        missed.append("another order")
    if not found(judge.compare_tokens, token, token + "="):
        missed.append("padding")
    yield f"each of {len(pairs)} parameters, left out and doubled, is found", missed


def check_free(token):
    """What signers may do as they like."""
    base, _, query = judge.url_of(token).partition("?")
    pairs = query.split("&")
    same = {
        "another user agent": base + "?" + "&".join(pairs[:-1] + ["User-Agent=x"]),
        "the user agent before others": base + "?" + "&".join(pairs[-1:] + pairs[:-1]),
        "another order": base + "?" + "&".join(pairs[::-1]),
        "no slash": base.rstrip("/") + "?" + query,
    }
    yield ("user agent, order and an empty path are left to the signers",
           [what for what, url in same.items() if token_found(token, url)])


def check_payload(payload):
    names = [pair[0] for pair in judge.fields(payload)[0]]
    missed = []
    for name in names:
        changed = json.loads(payload)
        changed[name] = changed[name][:-1] + chr(ord(changed[name][-1]) ^ 1)
        if not found(judge.compare_payloads, payload, json.dumps(changed)):
            missed.append(f"{name} changed")
        del changed[name]
        if not found(judge.compare_payloads, payload, json.dumps(changed)):
            missed.append(f"{name} left out")
    unnamed = json.loads(payload)
    del unnamed[judge.USER_AGENT.lower()]
    if not found(judge.compare_payloads, payload, json.dumps(unnamed)):
        missed.append("the user agent left out")
    for what, more in (("one more", '"x":"y",'), ("a doubled one", '"version":"2020_10_22",')):
        if not found(judge.compare_payloads, payload, "{" + more + payload[1:]):
            missed.append(what)
    if not found(judge.compare_payloads, payload, payload.replace('"900"', "900")):
        missed.append("a number")
    yield f"each of {len(names)} fields of a payload, changed and left out, is found", missed


def check_signer(original, others):
    """others: what a changed request made of it, by the change."""
    signed = {"token": original["value"], "expires_at_ms": original["expires_at_ms"]}
    missed = [] if not judge.compare(signed, original) else ["it differs from itself"]
    missed += [what for what, other in others.items() if not judge.compare(signed, other)]
    later = dict(original, expires_at_ms=original["expires_at_ms"] + 1000)
    if not judge.compare(signed, later):
        missed.append("another end")
    yield "another " + ", ".join(others) + " or end is found", missed


def run(token, payload, others):
    """token, payload: sign_at's answers."""
    yield from check_bytes(token["value"])
    yield from check_parameters(token["value"])
    yield from check_free(token["value"])
    yield from check_payload(payload["value"])
    yield from check_signer(token, others)
