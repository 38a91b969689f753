"""The real kamaki, which lives in a Python 2 interpreter of its own: calls go in and results come out as JSON lines."""
import json
import os
import subprocess
import sys

from .processes import HERE, VENVS


class KamakiError(Exception):
    """What kamaki raised: the status of the answer, its message, its details."""

    def __init__(self, status, message, details):
        super().__init__(f'{status} {message} {details}')
        self.status = status


class Kamaki:
    """The interpreter with kamaki in it; one for all tests, as Jython takes seconds to start."""

    def __init__(self):
        VENVS.mkdir(exist_ok=True)
        installed = subprocess.run(
            [HERE / 'kamaki/install.sh', VENVS / 'kamaki'], check=True, stdout=subprocess.PIPE, text=True,
            env={**os.environ, 'PYTHON': sys.executable})
        self.process = subprocess.Popen(
            [installed.stdout.strip(), HERE / 'kamaki/calls.py'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def close(self):
        self.process.stdin.close()
        self.process.wait(20)

    def client(self, endpoint, token):
        """kamaki's ImageClient."""
        return KamakiClient(self, client='image', endpoint=endpoint, token=token)

    def astakos(self, endpoint, token):
        """kamaki's AstakosClient."""
        return KamakiClient(self, client='astakos', endpoint=endpoint, token=token)

    def pithos(self, endpoint, token, account, container):
        """kamaki's PithosClient."""
        return PithosClient(
            self, client='pithos', endpoint=endpoint, token=token, account=account, container=container)

    def call(self, **call):
        self.process.stdin.write(json.dumps(call).encode() + b'\n')
        self.process.stdin.flush()
        result = json.loads(self.process.stdout.readline())
        if 'error' in result:
            raise KamakiError(**result['error'])
        return result['result']


class KamakiClient:
    """A client of kamaki: the same methods with the same arguments."""

    def __init__(self, kamaki, **where):
        self._kamaki, self._where = kamaki, where

    def __getattr__(self, method):
        def call(*arguments, **named):
            return self._kamaki.call(**self._where, method=method, arguments=arguments, named=named)

        return call


class PithosClient(KamakiClient):
    """kamaki's PithosClient. Its methods that take an open file as second argument take a path here."""

    def upload_object(self, name, path, **named):
        return self._with_file('upload_object', name, path, 'rb', named)

    def download_object(self, name, path, **named):
        return self._with_file('download_object', name, path, 'wb+', named)

    def _with_file(self, method, name, path, mode, named):
        return self._kamaki.call(
            **self._where, method=method, arguments=[name], named=named, file=[str(path), mode])
