"""
checks.py --sign-at FILE --mskgov FILE --directory DIR [LANGUAGE…]

The checks of tests/interop/run, which builds what they need: DIR/LANGUAGE/signer is a
signer (README.md). Prints a line per check, and writes DIR/counts: how many passed and
failed.
"""
import argparse
import json
import os
import subprocess
import traceback

import broker as brokers
import cases
import judge
import judge_test

OAUTHBEARER, AWS_MSK_IAM = "OAUTHBEARER", "AWS_MSK_IAM"
MECHANISMS = {"java": [OAUTHBEARER, AWS_MSK_IAM]}  # of other languages, the first alone
USER_AGENT = "interop"
TIMEOUT_S = 60
SELF_TEST_UNIX_S = 1767323045


class Checks:
    """Prints checks, and counts them."""

    def __init__(self):
        self.passed = self.failed = 0

    def line(self, verdict, who, what):
        print(f"{verdict:<5} {who:<11} {what}", flush=True)

    def check(self, who, what, problems):
        """problems: a list of texts; none: the check has passed."""
        self.line("FAIL" if problems else "ok", who, what)
        for problem in problems[:20]:
            print(f"        {problem}", flush=True)
        self.failed += bool(problems)
        self.passed += not problems


def ask(command, *requests):
    """A program's answers, one for each request."""
    text = "".join(json.dumps(request) + "\n" for request in requests)
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=TIMEOUT_S, check=False)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode or len(answers) != len(requests):
        raise RuntimeError(f"{command[0]} ended with {done.returncode} after {len(answers)} of "
                           f"{len(requests)} answers: {done.stderr.strip()[-2000:]}")
    return answers


class Run:
    def __init__(self, arguments):
        self.arguments = arguments
        self.checks = Checks()
        self.signed = {}  # by language: by (credentials' name, region, broker)
        self.expected = {}  # what the broker has to have counted

    def sign_at(self, requests, unix_s):
        return ask([self.arguments.sign_at],
                   *[dict(request, unix_s=at, user_agent=USER_AGENT)
                     for request, at in zip(requests, unix_s)])

    def signer(self, language, verb, *requests):
        return ask([os.path.join(self.arguments.directory, language, "signer"), verb], *requests)

    def judge_the_judge(self):
        one = cases.request(cases.NEGATIVE, cases.REGIONS[0])
        changes = {
            "secret": dict(one, secret_access_key=one["secret_access_key"] + "x"),
            "key id": dict(one, access_key_id=one["access_key_id"] + "X"),
            "session token": dict(one, session_token=one["session_token"] + "="),
            "region": dict(one, region=cases.REGIONS[1]),
            "second": one,
        }
        paid = dict(one, broker=cases.broker_in(cases.REGIONS[0]))
        now = [SELF_TEST_UNIX_S] * (len(changes) + 1) + [SELF_TEST_UNIX_S + 1]
        token, payload, *others = self.sign_at([one, paid, *changes.values()], now)
        for what, missed in judge_test.run(token, payload, dict(zip(changes, others))):
            self.checks.check("judge", what, missed)

    def sign(self, language):
        """Everything that a language is asked to sign, at once."""
        keys = []
        hosts = [f"{cases.BROKER_HOST}:9098"] if language == "java" else []
        for credentials in (*cases.ALL, cases.NEGATIVE.with_another_secret()):
            keys += [(credentials, region, None) for region in cases.REGIONS]
            if language == "java":
                keys += [(credentials, region, cases.broker_in(region))
                         for region in cases.REGIONS]
            keys += [(credentials, cases.BROKER_REGION, host) for host in hosts]
        answers = self.signer(language, "sign", *[cases.request(*key) for key in keys])
        self.signed[language] = {(key[0].name, *key[1:]): answer
                                 for key, answer in zip(keys, answers)}

    def compare(self, language, credentials):
        """Tokens, and where the language makes them payloads, against ours."""
        official = [(key, answer) for key, answer in self.signed[language].items()
                    if key[0] == credentials.name]
        ours = self.sign_at([cases.request(credentials, *key[1:]) for key, _ in official],
                            [judge.signed_at_s(answer) for _, answer in official])
        # botocore's order is the sorted one, but for a session token
        same_order = language == "python" and not credentials.parts["session_token"]
        for kind in ("token", "payload"):
            pairs = [(key, one, other) for (key, one), other in zip(official, ours) if kind in one]
            if pairs:
                self.checks.check(
                    language, f"{kind}, {credentials.name}: the same in {len(pairs)} cases",
                    [f"{key[1]} {key[2] or ''}: {difference}" for key, one, other in pairs
                     for difference in judge.compare(one, other, same_order)])

    def show(self, broker, mechanism, language, signer_name, tampered=False,
             address=f"{cases.BROKER_HOST}:9098"):
        """Shows a broker what a language has signed. Returns the answer."""
        address = None if mechanism == OAUTHBEARER else address
        signed = self.signed[language][(signer_name, cases.BROKER_REGION, address)]
        if mechanism == AWS_MSK_IAM:
            message = signed["payload"]
            if tampered:
                fields = json.loads(message)
                fields["x-amz-signature"] = change_digit(fields["x-amz-signature"])
                message = json.dumps(fields)
            return broker.show(mechanism, message.encode())

        url = judge.url_of(signed["token"])
        if tampered:
            signature = dict(judge.parameters(url))["X-Amz-Signature"]
            url = url.replace(signature, change_digit(signature))
        return broker.show(mechanism, b"n,,\1auth=Bearer " + judge.token_of(url).encode() + b"\1\1")

    def check_taken(self, broker, mechanism, language, credentials):
        answer = self.show(broker, mechanism, language, credentials.name)
        problems = []
        if answer.error:
            problems.append(f"error {answer.error}: {answer.text}")
        elif not 0 < answer.lifetime_ms <= 900_000:
            problems.append(f"the session's lifetime is {answer.lifetime_ms} ms")
        elif mechanism == AWS_MSK_IAM and not is_iam_answer(answer.data):
            problems.append(f"it answers {answer.data}")
        self.checks.check(language, f"{mechanism}, {credentials.name}: accepted", problems)
        self.expected["accepted"] += 1

    def check_denied(self, broker, mechanism, language):
        negative = [("a changed digit", {"signer_name": cases.NEGATIVE.name, "tampered": True}),
                    ("another secret",
                     {"signer_name": cases.NEGATIVE.with_another_secret().name})]
        if mechanism == AWS_MSK_IAM:
            negative.append(("another broker", {"signer_name": cases.NEGATIVE.name, "address":
                                                cases.broker_in(cases.BROKER_REGION)}))
        for what, how in negative:
            answer = self.show(broker, mechanism, language, **how)
            self.checks.check(language, f"{mechanism}, {what}: denied", [] if
                              answer.error and answer.text.endswith("]: Access denied")
                              else [f"error {answer.error}: {answer.text}"])
            self.expected["denied"] += 1

    def check_client(self, broker, mechanism, language):
        """A whole client with the official signer in it."""
        for credentials, denied in ((cases.NEGATIVE, False),
                                    (cases.NEGATIVE.with_another_secret(), True)):
            error, = [answer["error"] for answer in self.signer(
                language, "connect", {**cases.request(credentials, cases.BROKER_REGION),
                                      "mechanism": mechanism, "ca_file": broker.ca_file,
                                      "bootstrap_servers": broker.servers})]
            if denied:
                what, good = "another secret: denied", error and "Access denied" in error
            else:
                what, good = "connected, metadata read", error is None
            self.checks.check(language, f"{mechanism}, a client, {what}",
                              [] if good else [f"error: {error}"])

    def show_all(self, credentials):
        """Every language's tokens and payloads to one broker, which knows these credentials."""
        self.expected = {"accepted": 0, "denied": 0}
        ca_file = os.path.join(self.arguments.directory, "ca.pem")
        with brokers.Broker(self.arguments.mskgov, credentials, cases.BROKER_REGION,
                            ca_file) as broker:
            for language in self.signed:
                for mechanism in MECHANISMS.get(language, [OAUTHBEARER]):
                    self.check_taken(broker, mechanism, language, credentials)
                    if credentials is cases.NEGATIVE:
                        self.check_denied(broker, mechanism, language)
                        self.check_client(broker, mechanism, language)
        if credentials is not cases.NEGATIVE:  # whole clients try as often as they like
            self.checks.check("broker", f"{credentials.name}: it counted the same",
                              [f"{what} {broker.counts[what]}, not {count}"
                               for what, count in self.expected.items()
                               if broker.counts[what] != count])

    def guarded(self, who, step, *arguments):
        """A step that breaks off is a failed check."""
        try:
            step(*arguments)
        except Exception:  # whatever it is, the other checks go on
            self.checks.check(who, f"{step.__name__} broke off",
                              traceback.format_exc().splitlines())

    def all(self):
        self.guarded("judge", self.judge_the_judge)
        for language in self.arguments.languages:
            self.guarded(language, self.sign, language)
        for language in self.signed:
            for credentials in cases.ALL:
                self.guarded(language, self.compare, language, credentials)
        if self.signed:
            for credentials in cases.ALL:
                self.guarded("broker", self.show_all, credentials)


def is_iam_answer(data):
    """{"version": …, "request-id": …}, as MSK answers a payload."""
    try:
        answer = json.loads(data)
    except ValueError:
        return False
    return (set(answer) == {"version", "request-id"} and answer["version"] == "2020_10_22" and
            bool(answer["request-id"]))


def change_digit(signature):
    return signature[:-1] + ("0" if signature[-1] != "0" else "1")


def main():
    parser = argparse.ArgumentParser()
    for option in ("--sign-at", "--mskgov", "--directory"):
        parser.add_argument(option, required=True, type=os.path.abspath)
    parser.add_argument("languages", nargs="*")
    run = Run(parser.parse_args())
    run.all()
    with open(os.path.join(run.arguments.directory, "counts"), "w", encoding="ascii") as file:
        print(run.checks.passed, run.checks.failed, file=file)


main()
