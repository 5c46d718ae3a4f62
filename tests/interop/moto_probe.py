"""A provider of ours (moto_probe.c), driven from here; and how checks are printed."""
import json
import subprocess
import threading

ANSWER_S = 90


class Checks:
    """Prints checks, and counts them."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, what, *conditions):
        """conditions: (whether it holds, what is the case). All have to hold."""
        wrong = [text for holds, text in conditions if not holds]
        print(f"{'FAIL' if wrong else 'ok':<5} {'moto':<11} {what}", flush=True)
        for text in wrong:
            print(f"        {text}", flush=True)
        self.failed += bool(wrong)
        self.passed += not wrong


def equal(is_so, expected, name):
    return is_so == expected, f"{name}: {is_so!r}, not {expected!r}"


class Probe:
    """with Probe(…) as probe: a provider of ours, which answers commands."""

    def __init__(self, program, environment, **provider):
        self.process = subprocess.Popen([program, json.dumps(provider)], env=environment,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(ANSWER_S)
        finally:
            self.process.kill()
        if self.process.returncode:
            raise RuntimeError(f"moto_probe ended with {self.process.returncode}")

    def ask(self, command):
        late = threading.Timer(ANSWER_S, self.process.kill)
        late.start()
        try:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        finally:
            late.cancel()
        if not line:
            raise RuntimeError(f"moto_probe broke off at \"{command}\"")
        return json.loads(line)
