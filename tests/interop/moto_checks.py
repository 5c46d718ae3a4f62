"""
moto_checks.py --probe FILE --mskgov FILE --directory DIR

The checks of tests/interop/moto, which builds what they need. Prints a line per check, and
writes DIR/moto-counts: how many passed, failed and were skipped.
"""
import argparse
import datetime
import json
import os
import subprocess
import tempfile
import time
import traceback

import boto3

from moto_probe import ANSWER_S, Checks, equal, Probe
from moto_server import ACCOUNT, Moto, Proxy, REGION, role_arn, session_arn

THREADS = 1500
LIFE_S = 12  # of credentials that are to be fetched anew while one waits
RECOVERED_S = 90  # a cache asks again after 60 s at the latest
REFUSED, TRANSPORT = "MSKGOV_ERR_REFUSED", "MSKGOV_ERR_TRANSPORT"
PROFILES = """\
[profile three]
role_arn = {three}
source_profile = two
role_session_name = chain
[profile two]
role_arn = {two}
source_profile = one
role_session_name = chain
[profile one]
role_arn = {one}
source_profile = ci
role_session_name = chain
[profile guarded]
role_arn = {guarded}
source_profile = ci
external_id = ext-1
role_session_name = build-7
[profile instance]
role_arn = {guarded}
credential_source = Ec2InstanceMetadata
role_session_name = from-instance
[profile pod]
role_arn = {guarded}
web_identity_token_file = {token_file}
role_session_name = pod-1
"""
KEYS = "[ci]\naws_access_key_id = {}\naws_secret_access_key = {}\n"


class Run:
    def __init__(self, arguments, home):
        self.arguments = arguments
        self.checks = Checks()
        self.moto = Moto(arguments.directory)
        self.proxy = Proxy(self.moto)
        self.token_file = os.path.join(home, "token")
        self.config_file = os.path.join(home, "config")
        self.credentials_file = os.path.join(home, "credentials")
        with open(self.token_file, "w", encoding="ascii") as file:
            file.write("eyJhbGciOiJub25lIn0.e30.\n")
        with open(self.config_file, "w", encoding="ascii") as file:
            file.write(PROFILES.format(token_file=self.token_file, **{
                name: role_arn(name) for name in ("one", "two", "three", "guarded")}))

    def start(self):
        self.moto.start()
        self.user = self.moto.make_roles()
        with open(self.credentials_file, "w", encoding="ascii") as file:
            file.write(KEYS.format(*self.user))

    def environment(self, **more):
        """Of a client: moto is STS, and IMDS; nothing else of AWS's variables."""
        clean = {name: value for name, value in os.environ.items()
                 if not name.startswith("AWS_") and not name.lower().endswith("_proxy")}
        return {**clean, "AWS_ENDPOINT_URL_STS": self.proxy.url,
                "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.proxy.url, "AWS_REGION": REGION,
                "AWS_CONFIG_FILE": self.config_file,
                "AWS_SHARED_CREDENTIALS_FILE": self.credentials_file, **more}

    def probe(self, variables=None, **provider):
        self.proxy.take()
        return Probe(self.arguments.probe, self.environment(**(variables or {})),
                     **{"cached": True, **provider})

    def role(self, **more):
        return {"kind": "role", "access_key_id": self.user[0],
                "secret_access_key": self.user[1], **more}

    def botocore_arn(self, variables=None, profile=None):
        """Whom botocore takes itself for, with the same files and variables."""
        before = dict(os.environ)
        os.environ.clear()
        os.environ.update(self.environment(AWS_DEFAULT_REGION=REGION, **(variables or {})))
        try:
            return boto3.Session(profile_name=profile).client(
                "sts").get_caller_identity()["Arn"]
        finally:
            os.environ.clear()
            os.environ.update(before)

    def check_end_to_end(self, what, arn, source, variables=None, asked=None, **provider):
        """
        Whom STS takes us for, and that the credentials are good for a connection.
        `asked`: the requests that it took, as (action or path, who signed).
        """
        with self.probe(variables, **provider) as probe:
            got, who = probe.ask("get"), probe.ask("caller")
            requests = self.proxy.take()
            connected = probe.ask("connect")
        key = got.get("access_key_id")
        self.checks.check(
            f"{what}: {arn.split(':', 5)[-1]}",
            equal(got.get("error"), None, "get"), equal(who.get("error"), None, "caller"),
            equal(who.get("arn"), arn, "ARN"), equal(got.get("source"), source, "source"),
            equal(who.get("access_key_id"), key, "the caller's key"),
            (got.get("expires_at_s") is None or got["expires_at_s"] > time.time(),
             f"expires at {got.get('expires_at_s')}"),
            *([equal([(one.action or one.path, one.signed_by) for one in requests],
                     asked(requests), "requests")] if asked else []))
        self.checks.check(
            f"{what}: a connection is accepted",
            equal(connected.get("error"), None, "connect"),
            equal(connected.get("accepted"), 1, "accepted"),
            equal(connected.get("principal"), key, "principal"),
            equal(connected.get("source"), source, "source"))
        self.checks.check(
            f"{what}: one byte of the secret changed: Access denied",
            ("]: Access denied" in connected.get("another", ""),
             f"refusal: {connected.get('another')!r}"),
            equal(connected.get("another_code"), "MSKGOV_ERR_AUTHENTICATION", "code"),
            equal(connected.get("denied"), 1, "denied"),
            equal(connected.get("accepted_after"), 1, "accepted"))

    # --- Roles, where moto verifies signatures, policies and trust ---

    def assume_role(self):
        self.moto.enforce(True)
        arn = session_arn("guarded", "build-7")
        role = self.role(role_arn=role_arn("guarded"), external_id="ext-1",
                         session_name="build-7")
        self.check_end_to_end(
            "AssumeRole", arn, "role " + role_arn("guarded"),
            asked=lambda requests: [("AssumeRole", self.user[0]),
                                    ("GetCallerIdentity", requests[0].given)], **role)
        with self.probe(**role) as probe:
            got, (request,) = probe.ask("get"), self.proxy.take()
        self.checks.check(
            "AssumeRole: it is asked for, and kept, as it is meant",
            equal(request.form.get("ExternalId"), "ext-1", "external id"),
            equal(request.form.get("RoleSessionName"), "build-7", "session's name"),
            equal(request.form.get("DurationSeconds"), "3600", "duration"),
            equal(got["access_key_id"], request.given, "key"),
            equal(got["expires_at_s"], int(datetime.datetime.fromisoformat(
                request.expiration.replace("Z", "+00:00")).timestamp()), "end"))
        self.check_end_to_end("a profile with an external id", arn,
                              "role " + role_arn("guarded"), kind="profile", profile="guarded")
        self.checks.check("the same as botocore", equal(
            self.botocore_arn(profile="guarded"), arn, "botocore's ARN"))
        self.moto.enforce(False)

    def refusals(self):
        self.moto.enforce(True)
        good = self.role(role_arn=role_arn("guarded"), external_id="ext-1")
        for what, code, change in (
                ("another external id", "AccessDenied", {"external_id": "ext-2"}),
                ("a role that trusts others", "AccessDenied", {"role_arn": role_arn("two")}),
                ("another secret", "SignatureDoesNotMatch",
                 {"secret_access_key": self.user[1][:-1] + "!"}),
                ("an unknown key", "InvalidClientTokenId",
                 {"access_key_id": "AKIAUNKNOWNUNKNOWN12"})):
            with self.probe(**{**good, **change}) as probe:
                got = probe.ask("get")
                codes = [one.code for one in self.proxy.take("AssumeRole")]
            # moto does not word it in STS's form, so our error has no code of STS's
            self.checks.check(
                f"AssumeRole, {what}: refused", equal(got.get("code"), REFUSED, "code"),
                equal(codes, [code], "moto's"),
                ("status 403" in got.get("error", ""), f"error: {got.get('error')}"))
        self.moto.enforce(False)

    def chain(self):
        self.moto.enforce(True)
        self.check_end_to_end(
            "a profile chain of three roles", session_arn("three", "chain"),
            "role " + role_arn("three"), kind="profile", profile="three",
            asked=lambda requests: [("AssumeRole", self.user[0]),
                                    ("AssumeRole", requests[0].given),
                                    ("AssumeRole", requests[1].given),
                                    ("GetCallerIdentity", requests[2].given)])
        self.checks.check("the same as botocore", equal(
            self.botocore_arn(profile="three"), session_arn("three", "chain"),
            "botocore's ARN"))
        done = subprocess.run([self.arguments.mskgov, "whoami", "--profile", "three",
                               "--json"], env=self.environment(), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=ANSWER_S,
                              check=False)
        self.checks.check("mskgov whoami: the same", (
            done.returncode == 0 and json.loads(done.stdout)["arn"] ==
            session_arn("three", "chain"), done.stdout))
        self.moto.enforce(False)

    # --- Those that moto cannot verify ---

    def web_identity(self):
        arn = session_arn("guarded", "pod-1")
        self.check_end_to_end(
            "AssumeRoleWithWebIdentity", arn, "web identity " + role_arn("guarded"),
            asked=lambda requests: [("AssumeRoleWithWebIdentity", None),
                                    ("GetCallerIdentity", requests[0].given)],
            kind="web_identity", role_arn=role_arn("guarded"), session_name="pod-1",
            token_file=self.token_file)
        with self.probe(kind="web_identity", role_arn=role_arn("guarded"),
                        token_file=self.token_file) as probe:
            probe.ask("get")
            sent = [one.form.get("WebIdentityToken") for one in self.proxy.take()]
        with open(self.token_file, encoding="ascii") as file:
            self.checks.check("the token is the file's",
                              equal(sent, [file.read().strip()], "tokens"))
        self.checks.check("the same as botocore", equal(
            self.botocore_arn(profile="pod"), arn, "botocore's ARN"))

    def instance(self):
        arn = f"arn:aws:sts::{ACCOUNT}:user/moto"  # whom moto takes unknown keys for
        self.check_end_to_end("instance metadata", arn,
                              "instance metadata, role default-role", kind="imds")
        with self.probe(kind="imds") as probe:
            probe.ask("get")
            asked = self.proxy.take()
        self.checks.check(
            "version 2: a session token first, then with it",
            equal([(one.method, one.path) for one in asked], [
                ("PUT", "/latest/api/token"),
                ("GET", "/latest/meta-data/iam/security-credentials/"),
                ("GET", "/latest/meta-data/iam/security-credentials/default-role")],
                  "requests"),
            equal([one.imds_token for one in asked],
                  [None, "fake-imdsv2-token", "fake-imdsv2-token"], "session tokens"))
        arn = session_arn("guarded", "from-instance")
        self.check_end_to_end("credential_source = Ec2InstanceMetadata", arn,
                              "role " + role_arn("guarded"), kind="profile", profile="instance")
        self.checks.check("the same as botocore", equal(
            self.botocore_arn(profile="instance"), arn, "botocore's ARN"))

    def default(self):
        keys = {"AWS_ACCESS_KEY_ID": "AKIDENVIRONMENT", "AWS_SECRET_ACCESS_KEY": "secret"}
        profile = {"AWS_PROFILE": "one"}
        pod = {"AWS_WEB_IDENTITY_TOKEN_FILE": self.token_file,
               "AWS_ROLE_ARN": role_arn("guarded"), "AWS_ROLE_SESSION_NAME": "pod-2"}
        # the same form of answer as a container's service has
        container = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": self.proxy.url +
                     "/latest/meta-data/iam/security-credentials/default-role"}
        for what, variables, source, given in (
                ("the environment first", {**keys, **profile, **pod, **container},
                 "environment", {}),
                ("a profile that is asked for before it", {**keys, **pod, **container},
                 "role " + role_arn("one"), {"profile": "one"}),
                ("then the profile", {**profile, **pod, **container},
                 "role " + role_arn("one"), {}),
                ("then the web identity", {**pod, **container},
                 "web identity " + role_arn("guarded"), {}),
                ("then the container", container, "container", {}),
                ("then the instance", {}, "instance metadata, role default-role", {}),
                ("none, if that is switched off", {"AWS_EC2_METADATA_DISABLED": "true"}, None,
                 {})):
            with self.probe(variables, kind="default", cached=False, **given) as probe:
                got = probe.ask("get")
            self.checks.check(
                f"the default chain: {what}", equal(got.get("source"), source, "source"),
                equal(got.get("code"), None if source else "MSKGOV_ERR_NO_CREDENTIALS",
                      "code"))

    # --- The cache ---

    def one_call(self):
        role = self.role(role_arn=role_arn("guarded"))
        with self.probe(**role) as probe:
            first, second = probe.ask("get"), probe.ask("get")
            calls = len(self.proxy.take("AssumeRole"))
        self.checks.check("two gets through the cache: one request", equal(calls, 1, "requests"),
                          equal(second, first, "the second answer"),
                          equal(first.get("error"), None, "error"))
        with self.probe(cached=False, **role) as probe:
            first, second = probe.ask("get"), probe.ask("get")
            calls = len(self.proxy.take("AssumeRole"))
        self.checks.check("without a cache: two", equal(calls, 2, "requests"), (
            first.get("access_key_id") != second.get("access_key_id"), "they are the same"))
        with self.probe(**role) as probe:
            at_once = probe.ask(f"get {THREADS}")
            calls = len(self.proxy.take("AssumeRole"))
        self.checks.check(f"{THREADS} threads at once: one request",
                          equal(calls, 1, "requests"),
                          equal(at_once, {"answers": THREADS, "failures": 0, "keys": 1},
                                "answers"))

    def session_name(self):
        """Over two refreshes, of credentials that live 3 s."""
        self.proxy.life_s = 3
        for what, variables, given in (
                ("one that is given", {}, {"session_name": "given"}),
                ("AWS_ROLE_SESSION_NAME", {"AWS_ROLE_SESSION_NAME": "variable"}, {}),
                ("the host's", {}, {})):
            with self.probe(variables, **self.role(role_arn=role_arn("guarded"), **given)) as \
                    probe:
                seen, end = {}, time.monotonic() + 30
                while len(seen) < 3 and time.monotonic() < end:
                    who = probe.ask("caller")
                    seen[who.get("access_key_id")] = who.get("arn")
                    time.sleep(0.2)
                sent = {one.form["RoleSessionName"] for one in self.proxy.take("AssumeRole")}
            self.checks.check(
                f"the session's name over two refreshes, {what}: the same",
                (len(seen) >= 3, f"keys that were seen: {seen}"),
                equal(len(set(seen.values())), 1, "ARNs"), equal(len(sent), 1, "names"),
                (set(seen.values()) == {session_arn("guarded", name) for name in sent},
                 f"ARNs {set(seen.values())}, names {sent}"))
        self.proxy.life_s = None

    def outage(self):
        """moto's server is killed, and comes back."""
        self.proxy.life_s = LIFE_S
        with self.probe(**self.role(role_arn=role_arn("guarded"))) as probe:
            first = probe.ask("get")
            self.moto.kill()
            alive = []
            # the whole seconds that it lives, by its own word, and half a second to spare
            while time.time() < first["expires_at_s"] - 0.5:
                alive.append(probe.ask("get"))
                time.sleep(0.1)
            failed = self.proxy.count_unanswered()
            time.sleep(max(0, first["expires_at_s"] + 0.5 - time.time()))
            over = probe.ask("get")
            self.checks.check(
                "STS down while the credentials live: gets go on",
                (all(got == first for got in alive), f"{[g for g in alive if g != first][:1]}"),
                (len(alive) > 20, f"{len(alive)} gets"),
                (failed > 0, "nothing was asked while it was down"))
            self.checks.check("after that: the last failure",
                              equal(over.get("code"), TRANSPORT, "code"),
                              ("STS" in over.get("error", ""), f"{over}"))
            self.start()
            self.moto.enforce(False)
            got, end = over, time.monotonic() + RECOVERED_S
            while "error" in got and time.monotonic() < end:
                time.sleep(0.2)
                got = probe.ask("get")
            connected = probe.ask("connect")
        self.checks.check("STS back: it recovers", equal(got.get("error"), None, "error"), (
            got.get("access_key_id") != first.get("access_key_id"), "the old key"))
        self.checks.check("a connection is accepted then",
                          equal(connected.get("accepted"), 1, "accepted"),
                          equal(connected.get("error"), None, "error"))
        self.proxy.life_s = None

    def all(self):
        try:
            self.start()
            for step in (self.assume_role, self.refusals, self.chain, self.web_identity,
                         self.instance, self.default, self.one_call, self.session_name,
                         self.outage):
                try:
                    self.moto.enforce(False)
                    step()
                except Exception:  # whatever it is, the other checks go on
                    self.checks.check(f"{step.__name__} broke off",
                                      (False, traceback.format_exc(limit=-1)))
        finally:
            self.moto.kill()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--probe", required=True)
    parser.add_argument("--mskgov", required=True)
    parser.add_argument("--directory", required=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        run = Run(arguments, home)
        run.all()
    with open(os.path.join(arguments.directory, "moto-counts"), "w", encoding="ascii") as file:
        print(run.checks.passed, run.checks.failed, 0, file=file)


main()
