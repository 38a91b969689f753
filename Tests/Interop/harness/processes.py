"""The processes under test: the gateway, and the real Glances behind it."""
import json
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

from .wire import free_ports

HERE = Path(__file__).resolve().parent.parent
PROJECT = HERE.parent.parent
VENVS = PROJECT / '.venv'
START_SECONDS = 10
DRAIN_SECONDS = 45


class Gateway:
    """One `baleen serve` with a configuration file of its own."""

    def __init__(self, binary, folder, backend, **settings):
        """`backend` is the configuration of the one backend; `settings` are further top-level keys."""
        self.binary, self.folder = binary, Path(folder)
        self.port, self.admin_port = free_ports(2)
        self.url = f'http://127.0.0.1:{self.port}'
        identity = 'open' if backend['dialect'] == 'embedded' else 'passthrough'
        self.configuration = {
            'listen': [{'address': f'127.0.0.1:{self.port}'}],
            'admin': {'address': f'127.0.0.1:{self.admin_port}'},
            'backends': {'main': backend},
            'identity': {'kind': identity},
            'debug': {'contract': True},
            **settings,
        }
        self.process = None

    @property
    def log(self):
        return (self.folder / 'gateway.log').read_text(errors='replace')

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / 'baleen.json5'
        file.write_text(json.dumps(self.configuration, indent=2))
        with open(self.folder / 'gateway.log', 'ab') as log:
            self.process = subprocess.Popen(
                [str(self.binary), 'serve', '--config', str(file)], cwd=self.folder, stdout=log, stderr=log)
        began = time.monotonic()
        while not self._listens():
            assert self.process.poll() is None, f'the gateway ended with {self.process.returncode}:\n{self.log}'
            assert time.monotonic() < began + START_SECONDS, f'the gateway does not listen:\n{self.log}'
            time.sleep(0.002)
        return self

    def _listens(self):
        try:
            socket.create_connection(('127.0.0.1', self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def resident(self):
        """Resident memory in MiB."""
        return memory(self.process.pid)

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    def wait(self):
        """The exit status, after a drain that must come to an end."""
        return self.process.wait(DRAIN_SECONDS)

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        if self.process.poll() is not None:
            assert kind is not None or self.process.returncode <= 0, f'the gateway crashed:\n{self.log[-4000:]}'
            return
        self.terminate()
        try:
            status = self.wait()
        except subprocess.TimeoutExpired:
            self.kill()
            status = 'no end of its own'
        assert kind is not None or status == 0, f'the gateway ended with {status}:\n{self.log[-4000:]}'


class Glance:
    """A real Glance 33 on loopback; its packages are shared, its state is not."""

    def __init__(self, folder, mode='token', **environment):
        """`mode` says who is asked about tokens, see start.sh; `environment` is for it."""
        self.folder, self.mode = Path(folder), mode
        self.environment = environment
        (self.port,) = free_ports(1)
        self.url = f'http://127.0.0.1:{self.port}'
        self.pid = None

    def start(self):
        VENVS.mkdir(exist_ok=True)
        began = subprocess.run(
            [HERE / 'glance/start.sh', self.folder, str(self.port), self.mode], check=True, stdout=subprocess.PIPE,
            env={**os.environ, 'VENV': str(VENVS / 'glance'), **self.environment}, timeout=280)
        self.pid = int(began.stdout.split()[0])
        return self

    def kill(self):
        """Kills the server and its worker, which would go on for a second without it."""
        os.killpg(self.pid, signal.SIGKILL)

    def stop(self):
        subprocess.run([HERE / 'glance/stop.sh', self.folder], check=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class NotHere(Exception):
    """This machine lacks what a server needs; the text says what."""


class GlanceV1:
    """A real Glance 15, the last that serves v1, with its registry daemon; its packages are shared, its state is not."""

    NOT_HERE = 77

    def __init__(self, folder):
        self.folder = Path(folder)
        self.port, self.registry_port = free_ports(2)
        self.url = f'http://127.0.0.1:{self.port}'
        self.pids = []

    def start(self):
        VENVS.mkdir(exist_ok=True)
        began = subprocess.run(
            [HERE / 'glance-v1/start.sh', self.folder, str(self.port), str(self.registry_port)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, 'VENV': str(VENVS / 'glance-v1')}, timeout=280)
        if began.returncode == self.NOT_HERE:
            raise NotHere(began.stderr.strip())
        assert began.returncode == 0, began.stderr
        self.pids = [int(pid) for pid in began.stdout.split()[:2]]
        return self

    def kill(self):
        """Kills both servers."""
        for pid in self.pids:
            os.killpg(pid, signal.SIGKILL)

    def stop(self):
        subprocess.run([HERE / 'glance-v1/stop.sh', self.folder], check=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def memory(pid):
    """Resident memory of a process in MiB."""
    for line in Path(f'/proc/{pid}/status').read_text().splitlines():
        if line.startswith('VmRSS:'):
            return int(line.split()[1]) / 1024
    raise AssertionError(f'no memory figure of process {pid}')


class Watch(threading.Thread):
    """The largest resident set of a process while the block runs, in MiB."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak, self.ended = pid, 0.0, threading.Event()

    def run(self):
        while not self.ended.wait(0.02):
            self.peak = max(self.peak, memory(self.pid))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()
