"""A stand-in for Astakos, the identity service of Plankton and Pithos+ (astakos-pithos section 1)."""
import json
import uuid
from base64 import b64encode
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from os import urandom

from .service import Service, as_json, plain, refusal

LIFETIME = timedelta(days=30)


def _token():
    """Base64 text; with the three characters that do not belong in an address."""
    return b64encode(b'\xfb\xff\xbf' + urandom(28)).decode()


@dataclass
class AstakosUser:
    """Somebody with a token. `state` other than active is what the refusal says."""

    number: int
    name: str
    uuid: str
    token: str
    created: datetime
    expires: datetime
    project: str = field(default_factory=lambda: str(uuid.uuid4()))
    state: str = None

    @property
    def auth(self):
        return {'X-Auth-Token': self.token}

    @property
    def email(self):
        return f'{self.name}@example.org'


class Astakos(Service):
    """Knows users by token. `endpoints` is the catalog: type -> (name, version id, public URL); `lookups` counts the
    requests to check a token, by token."""

    def __init__(self, release='0.15', prefix='/astakos'):
        super().__init__()
        self.release = tuple(int(part) for part in release.split('.'))
        self.prefix = prefix
        self.users, self.endpoints, self.lookups = {}, {}, Counter()
        # Every token there was: one that is revoked is a secret still.
        self.tokens = set()

    @property
    def identity(self):
        """The authentication URL, as clients are configured with it."""
        return f'{self.url}{self.prefix}/identity/v2.0'

    @property
    def account(self):
        return f'{self.url}{self.prefix}/account/v1.0'

    # Users

    def add(self, name, token=None, identity=None, lifetime=LIFETIME):
        """A new user; with a token made up elsewhere if somebody else must understand it, too."""
        now = datetime.now(timezone.utc)
        user = AstakosUser(
            len(self.users) + 1, name, identity or str(uuid.uuid4()), token or _token(), now, now + lifetime)
        with self.lock:
            assert user.token not in self.users
            self.users[user.token] = user
            self.tokens.add(user.token)
        return user

    def revoke(self, token):
        """The token is nobody's from now on."""
        with self.lock:
            del self.users[token]

    def user_of(self, token):
        """Whom a good token stands for, else None; another service's question, which is not counted."""
        with self.lock:
            user = self.users.get(token)
        return user if user and self._objection(user) is None else None

    @staticmethod
    def _objection(user):
        if user is None:
            return 'Invalid token'
        return user.state or ('Authentication expired' if user.expires <= datetime.now(timezone.utc) else None)

    def known_tokens(self):
        return self.tokens

    # HTTP

    def answer(self, request):
        path = request.path.removeprefix(self.prefix).rstrip('/')
        calls = {}
        if self.release >= (0, 14):
            calls |= {'/identity/v2.0/tokens': self._tokens, '/account/v1.0/user_catalogs': self._catalogs}
        if self.release < (0, 14):
            calls |= {'/im/authenticate': self._authenticate, '/user_catalogs': self._catalogs}
        if self.release[:2] == (0, 14):
            calls['/account/v1.0/authenticate'] = self._authenticate
        if path in calls:
            return calls[path](request)
        if path.startswith('/identity/v2.0/tokens/') and self.release >= (0, 15):
            # Only for short-lived OAuth2 tokens, which nobody has here.
            raise self._refusal(404, 'Not found')
        raise self._refusal(404, 'API endpoint not found')

    def _refusal(self, status, message, headers=None):
        return plain(status, message) if self.release < (0, 14) else refusal(status, message, headers=headers)

    def _method(self, request, *allowed):
        if request.method not in allowed:
            status = 400 if self.release < (0, 15) else 405
            raise self._refusal(status, 'Method not allowed', {'Allow': ', '.join(allowed)})

    def _checked(self, request, token):
        with self.lock:
            self.lookups[token] += 1
            user = self.users.get(token)
        objection = self._objection(user)
        if objection:
            raise self._refusal(401, objection)
        request.user = user.uuid
        return user

    def _tokens(self, request):
        """Section 1.1."""
        self._method(request, 'POST')
        if not request.body:
            return as_json(200, {'access': {'serviceCatalog': self._catalog()}})
        kind = request.headers.get('content-type', '')
        if not kind.startswith('application/json'):
            raise self._refusal(400, f'Unsupported Content-type: {kind}')
        try:
            auth = json.loads(request.body)['auth']
        except ValueError:
            raise self._refusal(400, 'Could not decode request body as JSON') from None
        except (KeyError, TypeError):
            raise self._refusal(400, 'Malformed request: missing credentials') from None
        if not isinstance(auth, dict):
            raise self._refusal(400, 'Malformed request: missing credentials')
        user = self._user_of_credentials(request, auth)
        if auth.get('tenantName') not in (None, '', user.uuid):
            raise self._refusal(400, 'Not conforming tenantName')
        return as_json(200, {'access': self._access(user)})

    def _user_of_credentials(self, request, auth):
        if auth.get('passwordCredentials'):
            credentials = auth['passwordCredentials']
            user = self.users.get(credentials.get('password'))
            if not user or user.uuid != credentials.get('username'):
                raise self._refusal(401, 'Invalid credentials')
            return self._checked(request, user.token)
        if 'token' not in auth:
            raise self._refusal(400, 'Malformed request: missing credentials')
        token = auth['token'].get('id') if isinstance(auth['token'], dict) else None
        if not token:
            raise self._refusal(400, 'Malformed request: missing token')
        return self._checked(request, token)

    def _access(self, user):
        number = 1 if self.release < (0, 15) else '1'
        who = {'id': user.uuid, 'name': user.name, 'roles': [{'id': number, 'name': 'default'}], 'roles_links': []}
        if self.release >= (0, 17):
            who['projects'] = [user.project]
        return {
            'token': {
                'id': user.token, 'expires': user.expires.isoformat(timespec='microseconds'),
                # Became the default project, which is why it is not the user's id.
                'tenant': {'id': user.project if self.release >= (0, 17) else user.uuid, 'name': user.name}},
            'user': who, 'serviceCatalog': self._catalog()}

    def _catalog(self):
        catalog = {'account': ('astakos_account', 'v1.0', self.account), **self.endpoints}
        return [{
            'type': kind, 'name': name, 'endpoints_links': [],
            'endpoints': [{
                'versionId': version, 'publicURL': address, 'SNF:uiURL': f'{self.url}/ui',
                **({'region': 'default'} if self.release >= (0, 15) else {})}],
        } for kind, (name, version, address) in catalog.items()]

    def _authenticate(self, request):
        """Section 1.2, releases to 0.14."""
        self._method(request, 'GET')
        token = request.headers.get('x-auth-token')
        if self.release < (0, 14) and self.user_of(token) is None:
            with self.lock:
                self.lookups[token] += 1
            raise plain(401, 'Invalid X-Auth-Token')
        user = self._checked(request, token)
        return as_json(200, {
            'id': user.number, 'username': user.email, 'uuid': user.uuid, 'email': [user.email], 'name': user.name,
            'groups': ['default'], 'auth_token': user.token,
            'auth_token_created': int(user.created.timestamp() * 1000),
            'auth_token_expires': int(user.expires.timestamp() * 1000)})

    def _catalogs(self, request):
        self._method(request, 'POST')
        user = self.user_of(request.headers.get('x-auth-token'))
        if user is None:
            raise self._refusal(401, 'Invalid token')
        request.user = user.uuid
        asked = json.loads(request.body)
        names = {each.uuid: each.email for each in self.users.values()}
        ids = {name: identity for identity, name in names.items()}
        return as_json(200, {
            'uuid_catalog': {key: names[key] for key in asked.get('uuids') or [] if key in names},
            'displayname_catalog': {key: ids[key] for key in asked.get('displaynames') or [] if key in ids}})
