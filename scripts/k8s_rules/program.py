"""What the program itself says: of settings, and of whom a service calls."""

import os
import re
import socket
import subprocess
import tempfile
import tomllib
from functools import cache
from pathlib import Path

from .cluster import TREE

SERVICES = ["user", "item", "coupon", "order", "payment", "settlement"]
WRONG_SETTINGS = 64
# The commented defaults, by the section that they are of.
DEFAULTS = {
    "mesh": "mesh/config.default.toml",
    "database": "mesh/database.default.toml",
    "serve": "mesh/serve.default.toml",
    "services": "mesh/services.default.toml",
    "gateway": "gateway/config.default.toml",
    "kafka": "crates/events/config.default.toml",
    "telemetry": "crates/telemetry/config.default.toml",
    "user": "services/user/config.default.toml",
}
TLS_IS_MISSING = "need a build with --features kafka-tls"


def run(arguments, variables):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BOJAGI_")}
    command = [os.environ["BOJAGI"], *map(str, arguments)]
    return subprocess.run(command, env=environment | variables, capture_output=True, text=True, timeout=60)


@cache
def defaults():
    return {section: tomllib.loads((TREE / path).read_text()) for section, path in DEFAULTS.items()}


class Settings:
    """The settings of a container: the environment over the file over the defaults."""

    def __init__(self, cluster, pod):
        self.environment = cluster.environment(pod.ours)
        self.text = ""
        mounted = {mount["name"]: mount["mountPath"] for mount in pod.ours.get("volumeMounts", [])}
        arguments = pod.ours.get("args", [])
        self.path = arguments[arguments.index("--config") + 1] if "--config" in arguments else None
        for volume in pod.spec.get("volumes", []):
            for key, text in (cluster.keys("ConfigMap", volume.get("configMap", {}).get("name")) or {}).items():
                if f"{mounted.get(volume['name'])}/{key}" == self.path:
                    self.text = text
        try:
            self.file = tomllib.loads(self.text)
        except tomllib.TOMLDecodeError:
            # The program says it better.
            self.file = {}

    def get(self, *path):
        variable = "BOJAGI_" + "__".join(path).upper()
        if variable in self.environment:
            return self.environment[variable]
        for table in (self.file, defaults()):
            for name in path:
                table = table.get(name) if isinstance(table, dict) else None
            if table is not None:
                return table
        return None

    def seconds(self, *path):
        return int(self.get(*path)) / 1000


@cache
def calls():
    """Whom each workload calls, in the words with which it refuses to start."""
    called = {}
    for workload in [*SERVICES, "gateway"]:
        arguments = ["gateway", "--shop"] if workload == "gateway" else ["serve", workload]
        refused = run(arguments, {})
        called[workload] = set(re.findall(r"services\.(\w+): is empty, and \w+ calls it", refused.stderr))
        if refused.returncode != WRONG_SETTINGS or not (called[workload] or workload == "user"):
            raise SystemExit(f"{workload} was to say whom it calls, and said {refused.stderr!r}")
    return called


def judged(pod, settings, certificates):
    """What the program says of the settings of a pod, a line each; and what was left out because this build cannot judge it.

    Nothing is started: where it would listen or connect, a port is held by somebody else, and the program tells mistakes before that.
    """
    with socket.socket() as held, tempfile.TemporaryDirectory() as folder:
        held.bind(("127.0.0.1", 0))
        nowhere = f"127.0.0.1:{held.getsockname()[1]}"
        file = Path(folder) / "bojagi.toml"
        file.write_text(settings.text)
        arguments = [str(file) if argument == settings.path else argument for argument in pod.ours.get("args", [])]
        environment = dict(settings.environment)
        if arguments[0] in ("serve", "gateway"):
            name = arguments[1] if arguments[0] == "serve" else "gateway"
            arguments = [*without(arguments, "--listen"), "--listen", nowhere]
            # The real ones are in the cluster; whether they are where the settings say is a rule of its own.
            environment |= {
                "BOJAGI_SERVE__IDENTITY__CERTIFICATE": f"{certificates}/{name}.pem",
                "BOJAGI_SERVE__IDENTITY__KEY": f"{certificates}/{name}.key",
                "BOJAGI_SERVE__IDENTITY__CA": f"{certificates}/ca.pem",
            }
            expected = "cannot listen on"
        else:
            url = environment.get("BOJAGI_DATABASE__URL", "")
            if not url.startswith("postgres://"):
                return [f"[database] url is {url or 'sqlite'!r}, a file that no other pod sees"], []
            environment["BOJAGI_DATABASE__URL"] = f"postgres://nobody@{nowhere}/{{context}}?sslmode=disable"
            expected = "the store of user"
        done, left_out = run(arguments, environment), []
        if done.returncode == WRONG_SETTINGS and all(TLS_IS_MISSING in line for line in done.stderr.strip().splitlines()):
            left_out = ["this build has no kafka-tls: [kafka] security and sasl_mechanism were not judged"]
            plain = {"BOJAGI_KAFKA__SECURITY": "sasl_plaintext", "BOJAGI_KAFKA__SASL_MECHANISM": "PLAIN"}
            done = run(arguments, environment | plain)
        if done.returncode == 1 and expected in done.stderr:
            return [], left_out
        said = done.stderr.strip().removeprefix("bojagi: ").splitlines()
        return [f"the program says: {line}" for line in said] or [f"the program ended with {done.returncode}"], left_out


def without(arguments, option):
    at = arguments.index(option) if option in arguments else len(arguments)
    return arguments[:at] + arguments[at + 2 :]
