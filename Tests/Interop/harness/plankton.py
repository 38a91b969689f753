"""A stand-in for Plankton of release 0.16, whose images are objects of Pithos+ with metadata in a domain of their own: what
an image is, is what its object is now (plankton sections 3 to 7)."""
import json
import re
import time
from datetime import datetime, timezone
from urllib.parse import quote, unquote

from .service import Reply, Service, as_json, refusal

META = 'x-image-meta-'
PROPERTY = 'property-'
FORMATS = {
    'disk-format': ('diskdump', 'extdump', 'ntfsdump'), 'container-format': ('bare', 'aki', 'ari', 'ami', 'ovf')}
NEVER_GIVEN = ('id', 'status', 'created-at', 'updated-at', 'deleted-at', 'is-snapshot', 'description')
KNOWN = ('name', 'location', 'store', 'is-public', 'owner', 'checksum', 'size', *FORMATS)
MAX_PROPERTIES, MAX_VALUE = 28, 256
UUID = re.compile(r'[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}')
LOCATION = re.compile(r'pithos://([^/]+)/([^/]+)/(.+)')


class PlanktonService(Service):
    """Registers the objects of a stand-in for Pithos+."""

    def __init__(self, pithos):
        super().__init__()
        self.pithos = pithos
        # Object id -> metadata.
        self.domain = {}

    def known_tokens(self):
        return self.pithos.known_tokens()

    def answer(self, request):
        parts = request.path.removeprefix('/image').split('/')[1:]
        calls = {
            ('v1.0', 'images', ''): {'GET': self._list, 'POST': self._register},
            ('v1.0', 'images', 'detail'): {'GET': self._list}}
        calls = calls.get(tuple(parts))
        if calls is None and len(parts) == 3 and parts[:2] == ['v1.0', 'images']:
            calls = {'HEAD': self._show, 'PUT': self._update, 'DELETE': self._delete, 'GET': self._data}
        if calls is None and len(parts) == 4 and parts[3] == 'members':
            calls = {'GET': self._members, 'PUT': self._replace_members}
        if calls is None:
            raise refusal(400, 'API endpoint not found')
        if request.method not in calls:
            raise Reply(405, headers={'Content-Type': 'text/html', 'Allow': ', '.join(calls)})
        user = self.pithos.astakos.user_of(request.token)
        if user is None:
            raise refusal(401, 'Unauthorized', 'fault')
        request.user = user.uuid
        with self.lock, self.pithos.lock:
            return calls[request.method](request, *(parts[2:3] if tuple(parts[2:]) not in ((), ('',)) else ()))

    # Images

    def _objects(self):
        return [stored for containers in self.pithos.store.accounts.values() for objects in containers.values()
                for stored in objects.values() if stored.uuid in self.domain]

    def _image(self, request, number, right='read'):
        if not UUID.fullmatch(number):
            raise refusal(400, '')
        stored = next((each for each in self._objects() if each.uuid == number.lower()), None)
        if stored is None:
            raise refusal(404, '')
        rights = {'read': ('read', 'write', 'own'), 'write': ('write', 'own')}[right]
        if stored.right_of(request.user) not in rights:
            raise refusal(403, '')
        return stored

    def _fields(self, stored):
        meta, now = self.domain[stored.uuid], stored.now
        stamp = datetime.fromtimestamp(meta['updated'], timezone.utc).strftime('%Y-%m-%d %H:%M:%S')
        location = '/'.join(quote(part) for part in (stored.account, stored.container, stored.name))
        return {
            'id': stored.uuid, 'name': meta['name'], 'status': 'AVAILABLE', 'disk_format': meta['disk-format'],
            'container_format': meta['container-format'], 'size': now.size, 'checksum': now.hash,
            'location': f'pithos://{location}', 'owner': stored.account,
            'is_public': '*' in stored.sharing.get('read', ()), 'created_at': stamp, 'updated_at': stamp,
            'deleted_at': '', 'is_snapshot': False, 'properties': dict(meta['properties'])}

    def _reply(self, stored):
        fields = self._fields(stored)
        properties = fields.pop('properties')
        headers = {f'X-Image-Meta-{name.replace("_", "-")}': str(value) for name, value in fields.items()}
        headers |= {'X-Image-Meta-name': quote(fields['name']), 'X-Image-Meta-description': ''}
        headers |= {f'X-Image-Meta-Property-{quote(key).replace("_", "-")}': quote(value)
                    for key, value in properties.items()}
        return Reply(200, headers=headers)

    def _list(self, request, _=None):
        return as_json(200, [
            self._fields(stored) for stored in self._objects() if stored.right_of(request.user)])

    def _show(self, request, number):
        return self._reply(self._image(request, number))

    def _data(self, request, number):
        raise Reply(501)

    def _said(self, request):
        said = {name.removeprefix(META): value for name, value in request.headers.items() if name.startswith(META)}
        properties = {unquote(name.removeprefix(PROPERTY)).replace('-', '_'): unquote(value)
                      for name, value in said.items() if name.startswith(PROPERTY)}
        fields = {name: unquote(value) if name == 'name' else value for name, value in said.items() if name in KNOWN}
        for name, values in FORMATS.items():
            if fields.get(name, values[0]) not in values:
                raise refusal(400, f'Invalid {name}')
        if any(name in said for name in NEVER_GIVEN):
            raise refusal(400, 'Invalid parameters')
        if any(len(value) > MAX_VALUE for value in (*properties.values(), fields.get('name', ''))):
            raise refusal(400, 'Invalid metadata')
        return fields, properties

    def _register(self, request, _=None):
        """Section 7.2: properties are merged, permissions are set anew."""
        fields, properties = self._said(request)
        if not fields.get('name'):
            raise refusal(400, "Image 'name' parameter is required")
        match = LOCATION.fullmatch(fields.get('location', ''))
        if not match:
            raise refusal(400, 'Invalid location')
        if 'size' in fields:
            raise refusal(400, "Invalid 'size' field")
        account, container, name = map(unquote, match.groups())
        stored = self.pithos.store.find(account, container, name)
        if request.user != account:
            raise refusal(403, '')
        if stored is None:
            raise refusal(404, 'Object does not exist')
        if fields.get('checksum', stored.now.hash) != stored.now.hash:
            raise refusal(400, 'Invalid checksum field')
        meta = self.domain.setdefault(stored.uuid, {'properties': {}})
        self._change(meta, {**{each: values[0] for each, values in FORMATS.items()}, **fields}, properties)
        stored.sharing = {'read': {account, '*'} if fields.get('is-public', '').lower() == 'true' else {account}}
        return self._reply(stored)

    @staticmethod
    def _change(meta, fields, properties):
        changed = {key: value for key, value in {**meta['properties'], **properties}.items() if value}
        if len(changed) > MAX_PROPERTIES:
            raise refusal(400, 'Too many metadata items')
        meta |= {name: value for name, value in fields.items() if name == 'name' or name in FORMATS}
        meta |= {'properties': changed, 'updated': time.time()}

    def _update(self, request, number):
        """Section 7.3: an empty value removes a property."""
        stored = self._image(request, number, right='write')
        fields, properties = self._said(request)
        if {'location', 'size', 'checksum', 'store'} & set(fields):
            raise refusal(400, 'Invalid metadata')
        if fields.get('name') == '':
            raise refusal(404, '')
        self._change(self.domain[stored.uuid], fields, properties)
        if 'is-public' in fields:
            readers = stored.sharing.setdefault('read', set())
            (readers.add if fields['is-public'].lower() == 'true' else readers.discard)('*')
        return self._reply(stored)

    def _delete(self, request, number):
        """The file stays."""
        del self.domain[self._image(request, number, right='write').uuid]
        return Reply(204)

    def _members(self, request, number):
        readers = sorted(self._image(request, number).sharing.get('read', set()) - {'*'})
        return as_json(200, {'members': [{'member_id': each, 'can_share': False} for each in readers]})

    def _replace_members(self, request, number):
        stored = self._image(request, number, right='write')
        public = {'*'} & stored.sharing.get('read', set())
        members = {each['member_id'] for each in json.loads(request.body)['memberships']}
        stored.sharing['read'] = members | public
        return Reply(204)
