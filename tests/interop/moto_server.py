"""moto's server as STS and IMDS, and in front of it a proxy that notes what is asked."""
import datetime
import http.client
import http.server
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.parse

import boto3

HOST = "127.0.0.1"
REGION = "us-east-1"
ACCOUNT = "123456789012"
START_S = 60
EXCHANGE_S = 10
EVERYBODY = {"AWS": "*"}


def free_port():
    with socket.create_server((HOST, 0)) as listener:
        return listener.getsockname()[1]


def role_arn(name):
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def session_arn(role, session):
    return f"arn:aws:sts::{ACCOUNT}:assumed-role/{role}/{session}"


class Moto:
    """moto's server in a process of its own, on a port that it keeps when it comes back."""

    def __init__(self, directory):
        self.port = free_port()
        self.url = f"http://{HOST}:{self.port}"
        self.log = os.path.join(directory, "moto-server.log")
        self.process = None

    def start(self):
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith(("AWS_", "MOTO_"))}
        program = os.path.join(os.path.dirname(sys.executable), "moto_server")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([program, "-H", HOST, "-p", str(self.port)],
                                            env=environment, stdout=log, stderr=log)
        end = time.monotonic() + START_S
        while True:
            try:
                self.post("/moto-api/reset", b"")
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"moto's server does not start; see {self.log}")
                time.sleep(0.1)

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def post(self, path, body):
        connection = http.client.HTTPConnection(HOST, self.port, timeout=EXCHANGE_S)
        connection.request("POST", path, body)
        return connection.getresponse().read()

    def enforce(self, whether):
        """Whether it verifies signatures, policies and trust, or takes everything."""
        self.post("/moto-api/reset-auth", b"0" if whether else b"inf")

    def make_roles(self):
        """
        A user, who may assume every role, and the roles: "one" trusts the user only, "two"
        role one, "three" role two, each in the session "chain"; "guarded" everybody who
        knows the external id "ext-1". Returns the user's keys.
        """
        iam = boto3.client("iam", endpoint_url=self.url, region_name=REGION,
                           aws_access_key_id="setup", aws_secret_access_key="setup")
        user = iam.create_user(UserName="ci")["User"]["Arn"]
        keys = iam.create_access_key(UserName="ci")["AccessKey"]
        may = json.dumps({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}]})
        iam.put_user_policy(UserName="ci", PolicyName="may", PolicyDocument=may)
        for name, principal, condition in (
                ("one", {"AWS": user}, {}),
                ("two", {"AWS": session_arn("one", "chain")}, {}),
                ("three", {"AWS": session_arn("two", "chain")}, {}),
                ("guarded", EVERYBODY, {"StringEquals": {"sts:ExternalId": "ext-1"}})):
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(
                {"Version": "2012-10-17", "Statement": [
                    {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole",
                     **({"Condition": condition} if condition else {})}]}))
            iam.put_role_policy(RoleName=name, PolicyName="may", PolicyDocument=may)
        return keys["AccessKeyId"], keys["SecretAccessKey"]


def text_in(element, xml):
    found = re.search(b"<" + element + b">([^<]*)", xml)
    return found[1].decode() if found else None


class Asked:
    """A request that came through the proxy. `status`: None, if there was no answer."""

    def __init__(self, method, path, headers, body):
        self.method, self.path, self.status = method, path, None
        self.form = dict(urllib.parse.parse_qsl(body.decode("latin-1")))
        self.action = self.form.get("Action")
        self.signed_by = None  # access key id
        found = re.search(r"Credential=([^/]+)/", headers.get("Authorization", ""))
        if found:
            self.signed_by = found[1]
        self.imds_token = headers.get("X-aws-ec2-metadata-token")
        self.given = None  # the access key id in the answer
        self.expiration = None  # in it
        self.code = None  # of a refusal


class Proxy(http.server.ThreadingHTTPServer):
    """
    Hands everything on to `moto`, as it is. Where `life_s` is set, credentials that STS
    hands out say that they live so long: moto honours any duration, clients ask for 15 min
    at least. Where moto is not there the connection is closed without an answer.
    """
    daemon_threads = True
    request_queue_size = 2048

    def __init__(self, moto):
        super().__init__((HOST, 0), Handler)
        self.moto = moto
        self.url = f"http://{HOST}:{self.server_address[1]}"
        self.life_s = None
        self.lock = threading.Lock()
        self.asked = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def take(self, action=None):
        """What was asked since it was last taken: all, or one action of STS."""
        with self.lock:
            asked, self.asked = self.asked, []
        return [one for one in asked if action is None or one.action == action]

    def count_unanswered(self):
        with self.lock:
            return sum(one.status is None for one in self.asked)

    def rewrite(self, body):
        if self.life_s is None:
            return body
        end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(
            seconds=self.life_s)
        return re.sub(rb"(<Expiration>)[^<]*",
                      rb"\g<1>" + end.strftime("%Y-%m-%dT%H:%M:%SZ").encode(), body)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def hand_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = Asked(self.command, self.path, self.headers, body)
        connection = http.client.HTTPConnection(HOST, self.server.moto.port,
                                                timeout=EXCHANGE_S)
        try:
            connection.putrequest(self.command, self.path, skip_host=True,
                                  skip_accept_encoding=True)
            for name, value in self.headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            text = self.server.rewrite(answer.read())
        except (OSError, http.client.HTTPException):
            self.close_connection = True
            text = None
        if text is not None:
            asked.status = answer.status
            asked.given = text_in(b"AccessKeyId", text)
            asked.expiration = text_in(b"Expiration", text)
            asked.code = text_in(b"Code", text)
        with self.server.lock:
            self.server.asked.append(asked)
        if text is not None:
            self.send_response_only(answer.status)
            for name in ("Content-Type", "Date"):
                if answer.getheader(name):
                    self.send_header(name, answer.getheader(name))
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    do_GET = do_POST = do_PUT = hand_on

    def log_message(self, *_):
        pass
