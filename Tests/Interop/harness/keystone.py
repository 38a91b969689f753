"""A real Keystone 30 with two users in two projects, and what its users can ask it for."""
import json
import os
import subprocess
import urllib.error
import urllib.request
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from .processes import HERE, VENVS
from .wire import eventually, free_ports

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

    def __init__(self, folder):
        self.folder = Path(folder)
        (self.port,) = free_ports(1)
        self.url = f'http://127.0.0.1:{self.port}/v3'
        # What nobody but its owner may ever read: tokens and secrets.
        self.secrets = {password(user) for user in PROJECTS}
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    # The process

    def start(self):
        """Starts it, or starts it again on the same port with what it knew."""
        VENVS.mkdir(exist_ok=True)
        began = subprocess.run(
            [HERE / 'keystone/start.sh', self.folder, str(self.port)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env={**os.environ, 'VENV': str(VENVS / 'keystone')}, timeout=580)
        assert began.returncode == 0, began.stderr
        return self

    def stop(self):
        subprocess.run([HERE / 'keystone/stop.sh', self.folder], check=True)

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
        self.secrets.add(headers['X-Subject-Token'])
        return Issued(headers['X-Subject-Token'], body['token'])

    def issue(self, user, project=None, secret=None):
        """A token by password, for the project or the one that is the user's by start.sh."""
        person = {'name': user, 'domain': DOMAIN, 'password': secret or password(user)}
        scope = {'project': {'name': project or PROJECTS[user], 'domain': DOMAIN}}
        return self.authenticate({'methods': ['password'], 'password': {'user': person}}, scope=scope)

    def token(self, user, project=None):
        return self.issue(user, project).id

    def short_lived(self, user, project=None, *, seconds):
        """A token that ends within so many seconds: that of a credential that ends then."""
        return self.by_credential(*self.application_credential(user, project, seconds=seconds))

    def by_credential(self, number, secret):
        """A token by application credential."""
        credential = {'id': number, 'secret': secret}
        return self.authenticate({'methods': ['application_credential'], 'application_credential': credential})

    def revoke(self, token):
        self.call('DELETE', '/auth/tokens', token=self.token('admin'), **{'X-Subject-Token': token})

    def knows(self, token):
        """What it says of a token to an administrator; None where it is not valid."""
        try:
            body, _ = self.call('GET', '/auth/tokens', token=self.token('admin'), **{'X-Subject-Token': token})
        except KeystoneError as error:
            assert error.status == 404, error
            return None
        return body['token']

    def application_credential(self, user, project=None, seconds=None, roles=None):
        """The id and the secret of a new credential of the user for the project; it may end after so many seconds."""
        owner = self.issue(user, project)
        wanted = {'name': f'credential {os.urandom(6).hex()}'}
        if seconds:
            end = datetime.now(timezone.utc) + timedelta(seconds=seconds)
            wanted['expires_at'] = end.strftime('%Y-%m-%dT%H:%M:%S.%fZ')
        if roles:
            wanted['roles'] = [{'name': name} for name in roles]
        body, _ = self.call(
            'POST', f'/users/{owner.user}/application_credentials', {'application_credential': wanted}, owner.id)
        made = body['application_credential']
        self.secrets.add(made['secret'])
        return made['id'], made['secret']

    def trust(self, trustor, trustee, project=None, role='member'):
        """The id of a new trust: the trustee may act as the trustor in the trustor's project."""
        giver, taker = self.issue(trustor, project), self.issue(trustee)
        wanted = {
            'trustor_user_id': giver.user, 'trustee_user_id': taker.user, 'project_id': giver.project,
            'impersonation': True, 'roles': [{'name': role}],
        }
        body, _ = self.call('POST', '/OS-TRUST/trusts', {'trust': wanted}, giver.id)
        return body['trust']['id']

    def change_password(self, user, old, new):
        """Another password for the user, whose tokens all end with it. Comes back when new ones are good."""
        number = self.issue(user, secret=old).user
        self.secrets.add(new)
        self.call('PATCH', f'/users/{number}', {'user': {'password': new}}, self.token('admin'))
        assert eventually(lambda: self.knows(self.issue(user, secret=new).id)), 'new tokens are not valid'

    # What the gateway is told of it

    def identity(self, folder, **more):
        """`identity` of a configuration: the gateway asks as baleen by password, which stands in a file of the folder."""
        return {
            'kind': 'keystone', 'url': self.url, 'version': 'v3', 'user': 'baleen', 'userDomain': 'Default',
            'passwordFile': secret_file(folder, 'baleen.password', password('baleen')),
            'project': 'service', 'projectDomain': 'Default', **more,
        }

    def identity_by_credential(self, folder, **more):
        """The same by an application credential of baleen's."""
        number, secret = self.application_credential('baleen')
        return {
            'kind': 'keystone', 'url': self.url, 'version': 'v3', 'applicationCredential': number,
            'secretFile': secret_file(folder, 'baleen.secret', secret), **more,
        }

    def assert_untold(self, text):
        """No token and no secret stands in the text."""
        told = [secret for secret in self.secrets if secret in text]
        assert not told, f'told: {told}'


def password(user):
    """As start.sh makes them."""
    return f'{user}-password'


def secret_file(folder, name, secret):
    """The path of a file that holds the secret and is its owner's alone."""
    path = Path(folder) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(f'{secret}\n')
    return str(path)
