#!/usr/bin/env python3
"""Compares Baleen with nginx before the same backend, in one run, and prints ratios.

    bench.py [--binary PATH] [--seconds N] [--gib N]

nginx is one worker with plain proxy_pass and keep-alive; Baleen is one loop that translates Image API v1 to v2. CPU
time is user and system time of the process from /proc, resident memory is VmHWM. Needs nginx, wrk and curl.
"""
import argparse
import hashlib
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from nginx import BACKEND, PEER, Nginx  # noqa: E402
from sink import ID, image  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOKEN = "alice.acme.member"
TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def children(pid):
    """The process and its children (nginx: master and worker)."""
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
    return [pid, *map(int, found)]


def cpu(pid):
    """User and system seconds of a process and its children so far."""
    total = 0
    for each in children(pid):
        fields = pathlib.Path(f"/proc/{each}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def resident(pid):
    """Largest resident set so far, MiB: of the worker for nginx."""
    return max(
        int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{each}/status").read_text())[1]) for each in children(pid)
    ) / 1024


def load(url, method, seconds):
    """Requests per second and the number of requests of one wrk run over 32 connections."""
    script = tempfile.NamedTemporaryFile("w", suffix=".lua")
    script.write(f'wrk.method = "{method}"\nwrk.headers["X-Auth-Token"] = "{TOKEN}"\n')
    script.flush()
    out = subprocess.run(
        ["wrk", "-t1", "-c32", f"-d{seconds}s", "-s", script.name, url], capture_output=True, text=True, check=True
    ).stdout
    if bad := re.search(r"Non-2xx.*|Socket errors.*", out):
        raise RuntimeError(f"{url}: {bad[0]}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1]), int(re.search(r"(\d+) requests in", out)[1])


def curl(*arguments):
    """One transfer; raises unless the answer is a success."""
    subprocess.run(
        ["curl", "-sS", "--fail", "-o", "/dev/null", "-H", f"X-Auth-Token: {TOKEN}", *map(str, arguments)], check=True)


def measure(server, action):
    """CPU seconds that the action costs the server."""
    before = cpu(server)
    action()
    time.sleep(0.2)
    return cpu(server) - before


def start_baleen(binary, directory, backend, port, admin):
    configuration = directory / "baleen.json5"
    configuration.write_text(json.dumps({
        "listen": [{"address": f"127.0.0.1:{port}"}],
        "admin": {"address": f"127.0.0.1:{admin}"},
        "backends": {"main": {"dialect": "image-v2", "url": f"http://127.0.0.1:{backend}"}},
        "mounts": [{"prefix": "/v1", "dialect": "glance-v1", "backend": "main"}],
        "identity": {"kind": "passthrough"},
        "loops": 1,
        "log": {"access": False},
    }))
    began = time.monotonic()
    process = subprocess.Popen([binary, "serve", "--config", configuration], stderr=subprocess.DEVNULL)
    while time.monotonic() < began + 5:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/versions", timeout=1):
                return process, (time.monotonic() - began) * 1000
        except urllib.error.HTTPError:
            return process, (time.monotonic() - began) * 1000
        except OSError:
            time.sleep(0.001)
    raise RuntimeError("baleen did not start")


def digest_cost():
    """CPU seconds that the MD5 of one GiB costs with the same library."""
    piece, began, digest = bytes(1 << 20), time.process_time(), hashlib.md5()
    for _ in range(1 << 10):
        digest.update(piece)
    return time.process_time() - began


def row(name, ours, theirs, form):
    print(f"| {name} | {form.format(ours)} | {form.format(theirs)} | {ours / theirs:.2f} |", flush=True)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--binary", default=ROOT / ".build/release/baleen")
    options.add_argument("--seconds", type=int, default=8)
    options.add_argument("--gib", type=int, default=2)
    options = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        run(options, pathlib.Path(name))


def run(options, directory):
    size = options.gib << 30
    root = directory / "root"
    root.mkdir()
    (root / "image.json").write_text(json.dumps(image("active", size, "d41d8cd98f00b204e9800998ecf8427e")))
    data = root / "data"
    with open(data, "wb") as file:
        file.truncate(size)
    os.chmod(directory, 0o755)
    sink = subprocess.Popen([sys.executable, pathlib.Path(__file__).parent / "sink.py"], stdout=subprocess.PIPE)
    sink_port = int(sink.stdout.readline())
    fast, peer_port, port, sink_front = (free_port() for _ in range(4))
    servers = []
    try:
        servers.append(Nginx(directory / "backend", BACKEND, port=fast, root=root, id=ID))
        peer = Nginx(directory / "peer", PEER, port=peer_port, fast=fast, sink=sink_port)
        servers.append(peer)
        ours, start = start_baleen(options.binary, directory, fast, port, free_port())
        print(f"start to first answer: {start:.0f} ms; resident when idle: {resident(ours.pid):.1f} MiB\n", flush=True)
        uploads = directory / "uploads"
        uploads.mkdir()
        up, _ = start_baleen(options.binary, uploads, sink_port, sink_front, free_port())
        try:
            report(options, size, data, ours.pid, up.pid, peer.process.pid, port, sink_front, peer_port)
        finally:
            ours.terminate()
            up.terminate()
            ours.wait(30)
            up.wait(30)
    finally:
        for server in servers:
            server.stop()
        sink.terminate()


def report(options, size, data, ours, up, peer, port, sink_front, peer_port):
    gib = size / (1 << 30)
    print("| what | Baleen | nginx | ratio |\n| --- | --- | --- | --- |")
    result = {}
    for server, url, method in (
        (peer, f"http://127.0.0.1:{peer_port}/v2/images/{ID}", "GET"),
        (ours, f"http://127.0.0.1:{port}/v1/images/{ID}", "HEAD"),
    ):
        load(url, method, 1)
        before = cpu(server)
        rate, count = load(url, method, options.seconds)
        result[server] = (rate, (cpu(server) - before) / count * 1e6)
    row("HEAD /v1/images/ID, CPU per request (µs)", result[ours][1], result[peer][1], "{:.1f}")
    row("HEAD /v1/images/ID, requests per second", result[ours][0], result[peer][0], "{:.0f}")
    row(
        "download, CPU seconds per GiB",
        measure(ours, lambda: curl(f"http://127.0.0.1:{port}/v1/images/{ID}")) / gib,
        measure(peer, lambda: curl(f"http://127.0.0.1:{peer_port}/v2/images/{ID}/file")) / gib, "{:.2f}")
    headers = ["-H", "Content-Type: application/octet-stream", "-T", data]
    create = [
        "-X", "POST", "-H", "x-image-meta-name: bench", "-H", "x-image-meta-disk_format: raw",
        "-H", "x-image-meta-container_format: bare"]
    ours_up = measure(up, lambda: curl(*create, *headers, f"http://127.0.0.1:{sink_front}/v1/images")) / gib
    theirs_up = measure(
        peer, lambda: curl(*headers, f"http://127.0.0.1:{peer_port}/sink/v2/images/{ID}/file")) / gib
    row("upload with its MD5, CPU seconds per GiB", ours_up, theirs_up, "{:.2f}")
    row("upload less the MD5, CPU seconds per GiB", ours_up - digest_cost(), theirs_up, "{:.2f}")
    row("resident memory after it all (MiB)", max(resident(ours), resident(up)), resident(peer), "{:.1f}")


if __name__ == "__main__":
    main()
