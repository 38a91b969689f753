"""A real Keystone 30 with two users in two projects, and what its users can ask it for."""
import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from .processes import HERE, VENVS
from .wire import free_ports

DOMAIN = {'id': 'default'}
PROJECTS = {'admin': 'admin', 'baleen': 'service', 'alice': 'alpha', 'bob': 'beta'}


class KeystoneError(Exception):
    """Keystone refused: the status of its answer and what it said."""

    def __init__(self, status, message):
        super().__init__(f'{status} {message}')
        self.status = status


@dataclass
class Issued:
    """A token and what Keystone says of it."""

    id: str
    said: dict

    @property
    def user(self):
        return self.said['user']['id']

    @property
    def project(self):
        return self.said['project']['id']

    @property
    def roles(self):
        return sorted(role['name'] for role in self.said['roles'])

    @property
    def expires(self):
        return datetime.fromisoformat(self.said['expires_at'])


class Keystone:
    """One Keystone with users, keys and a database of its own; its packages are shared."""

    def __init__(self, folder, **environment):
        """`environment` is for start.sh: EXPIRATION in seconds, EXTRA."""
        self.folder, self.environment = Path(folder), environment
        (self.port,) = free_ports(1)
        self.url = f'http://127.0.0.1:{self.port}/v3'
        self.pid = None
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    # The process

    def start(self):
        """Starts it, or starts it again on the same port with what it knew."""
        VENVS.mkdir(exist_ok=True)
        began = subprocess.run(
            [HERE / 'keystone/start.sh', self.folder, str(self.port)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env={**os.environ, 'VENV': str(VENVS / 'keystone'), **self.environment}, timeout=580)
        assert began.returncode == 0, began.stderr
        self.pid = int(began.stdout.split()[0])
        return self

    def stop(self):
        subprocess.run([HERE / 'keystone/stop.sh', self.folder], check=True)

    def kill(self):
        os.killpg(self.pid, signal.SIGKILL)

    def forget_keys(self):
        """Stops it and starts it again with fresh Fernet keys: no token from before means anything to it."""
        self.stop()
        for key in (self.folder / 'keys').iterdir():
            key.unlink()
        return self.start()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    # Its interface

    def call(self, method, path, body=None, token=None, **headers):
        """The JSON of the answer and its headers; KeystoneError for a refusal."""
        headers = {'Content-Type': 'application/json', **headers, **({'X-Auth-Token': token} if token else {})}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with self._opener.open(request, timeout=60) as answer:
                return json.loads(answer.read() or b'null'), answer.headers
        except urllib.error.HTTPError as error:
            raise KeystoneError(error.code, error.read().decode()) from None

    def authenticate(self, identity, **scope):
        body, headers = self.call('POST', '/auth/tokens', {'auth': {'identity': identity, **scope}})
        return Issued(headers['X-Subject-Token'], body['token'])

    def issue(self, user, project=None):
        """A token by password, for the project or the one that is the user's by start.sh."""
        person = {'name': user, 'domain': DOMAIN, 'password': password(user)}
        scope = {'project': {'name': project or PROJECTS[user], 'domain': DOMAIN}}
        return self.authenticate({'methods': ['password'], 'password': {'user': person}}, scope=scope)

    def token(self, user, project=None):
        return self.issue(user, project).id

    def short_lived(self, user, project=None, seconds=2):
        """A token that ends within so many seconds: that of a credential that ends then."""
        number, secret = self.application_credential(
            user, project, expires=datetime.now(timezone.utc) + timedelta(seconds=seconds))
        return self.by_credential(number, secret)

    def by_credential(self, number, secret):
        """A token by application credential."""
        credential = {'id': number, 'secret': secret}
        return self.authenticate({'methods': ['application_credential'], 'application_credential': credential})

    def revoke(self, token):
        self.call('DELETE', '/auth/tokens', token=self.token('admin'), **{'X-Subject-Token': token})

    def knows(self, token):
        """What it says of a token to somebody who may check tokens; None where it is not valid."""
        try:
            body, _ = self.call('GET', '/auth/tokens', token=self.token('baleen'), **{'X-Subject-Token': token})
        except KeystoneError as error:
            assert error.status == 404, error
            return None
        return body['token']

    def application_credential(self, user, project=None, expires=None, roles=None):
        """The id and the secret of a new credential of the user for the project."""
        owner = self.issue(user, project)
        wanted = {'name': f'credential {os.urandom(6).hex()}'}
        if expires:
            wanted['expires_at'] = expires.strftime('%Y-%m-%dT%H:%M:%S.%fZ')
        if roles:
            wanted['roles'] = [{'name': name} for name in roles]
        body, _ = self.call(
            'POST', f'/users/{owner.user}/application_credentials', {'application_credential': wanted}, owner.id)
        return body['application_credential']['id'], body['application_credential']['secret']

    def trust(self, trustor, trustee, project=None, role='member'):
        """The id of a new trust: the trustee may act as the trustor in the trustor's project."""
        giver, taker = self.issue(trustor, project), self.issue(trustee)
        wanted = {
            'trustor_user_id': giver.user, 'trustee_user_id': taker.user, 'project_id': giver.project,
            'impersonation': True, 'roles': [{'name': role}],
        }
        body, _ = self.call('POST', '/OS-TRUST/trusts', {'trust': wanted}, giver.id)
        return body['trust']['id']

    def grant(self, user, project, role):
        """Gives the user the role in the project."""
        admin = self.token('admin')

        def number(kind, name, query=''):
            (found,) = self.call('GET', f'/{kind}?name={name}{query}', token=admin)[0][kind]
            return found['id']

        where, who = number('projects', project, '&domain_id=default'), number('users', user, '&domain_id=default')
        self.call('PUT', f'/projects/{where}/users/{who}/roles/{number("roles", role)}', token=admin)


def password(user):
    """As start.sh makes them."""
    return f'{user}-password'
