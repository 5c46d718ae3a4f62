"""A broker in a box (mskgov broker), and a client that shows it one token."""
import json
import os
import signal
import socket
import ssl
import struct
import subprocess

SASL_HANDSHAKE, SASL_AUTHENTICATE = 17, 36
TIMEOUT_S = 10


class Broker:
    """with Broker(…) as broker: it listens. What it counted is in `counts` afterwards."""

    def __init__(self, mskgov, credentials, region, ca_file):
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith("AWS_")}
        for name, value in credentials.parts.items():
            if value is not None:
                environment["AWS_" + name.upper()] = value
        self.ca_file = ca_file
        self.counts = None
        self.process = subprocess.Popen(
            [mskgov, "broker", "--json", "--quota", "1000", "--region", region,
             "--ca-file", ca_file],
            env=environment, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            raise RuntimeError(f"mskgov broker ended with {self.process.returncode}")
        self.servers = json.loads(line)["bootstrap_servers"]
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        try:
            text, _ = self.process.communicate(timeout=TIMEOUT_S)
        finally:
            self.process.kill()
        self.counts = json.loads(text)

    def show(self, mechanism, message):
        """Shows it a client's first message. Returns an answer, below."""
        host, port = self.servers.rsplit(":", 1)
        context = ssl.create_default_context(cafile=self.ca_file)
        with socket.create_connection((host, int(port)), TIMEOUT_S) as plain:
            with context.wrap_socket(plain, server_hostname=host) as connection:
                return authenticate(connection, mechanism, message)


class Answer:
    def __init__(self, error, text="", data=b"", lifetime_ms=0):
        self.error, self.text, self.data, self.lifetime_ms = error, text, data, lifetime_ms


def receive(connection, length):
    data = b""
    while len(data) < length:
        part = connection.recv(length - len(data))
        if not part:
            raise ConnectionError("the broker closed the connection")
        data += part
    return data


def exchange(connection, api, version, header_end, body):
    client = b"interop"
    request = struct.pack(">hhih", api, version, api, len(client)) + client + header_end + body
    connection.sendall(struct.pack(">i", len(request)) + request)
    answer = receive(connection, struct.unpack(">i", receive(connection, 4))[0])
    if struct.unpack(">i", answer[:4])[0] != api:
        raise ValueError("the broker answered another request")
    return answer[4:]


def pack_compact(data):
    length, out = len(data) + 1, b""
    while length > 0x7F:
        out += bytes([length & 0x7F | 0x80])
        length >>= 7
    return out + bytes([length]) + data


def unpack_compact(data):
    """A string or bytes (null: empty), and what follows."""
    length = shift = 0
    while True:
        byte, data = data[0], data[1:]
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    length = max(length - 1, 0)
    return data[:length], data[length:]


def authenticate(connection, mechanism, message):
    """SaslHandshake 1, then SaslAuthenticate 2, which is of the flexible sort."""
    name = mechanism.encode()
    answer = exchange(connection, SASL_HANDSHAKE, 1, b"", struct.pack(">h", len(name)) + name)
    error = struct.unpack(">h", answer[:2])[0]
    if error:
        return Answer(error, "the handshake failed")

    answer = exchange(connection, SASL_AUTHENTICATE, 2, b"\0", pack_compact(message) + b"\0")
    error = struct.unpack(">h", answer[1:3])[0]  # after no tagged fields
    text, rest = unpack_compact(answer[3:])
    data, rest = unpack_compact(rest)
    return Answer(error, text.decode(), data, struct.unpack(">q", rest[:8])[0])
