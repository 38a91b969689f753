"""A stand-in for Pithos+, the object storage of Plankton (astakos-pithos section 2)."""
import hashlib
import json
import re
import uuid
from email.utils import formatdate, parsedate_to_datetime
from urllib.parse import quote, unquote

from .pithos_store import DEFAULT_BLOCK_SIZE, Store
from .service import Reply, Service, as_json, plain, refusal

MAX_CONTAINER, MAX_NAME, MAX_PUT = 256, 1024, 5 << 30
BLOCKS = 'application/octet-stream'
RANGE = re.compile(r'(\d*)-(\d*)')


class Pithos(Service):
    """`astakos` says whose a token is. `md5` makes it a site whose ETag is an MD5.

    Faults beside those of every service: wrong hash, wrong size (in the head of the answer), wrong data (a byte differs).
    """

    def __init__(self, astakos, release='0.16', prefix='/pithos/object-store', block_size=DEFAULT_BLOCK_SIZE,
                 algorithm='sha256', md5=False):
        super().__init__()
        self.astakos, self.md5 = astakos, md5
        self.release = tuple(int(part) for part in release.split('.'))
        self.prefix = prefix + '/v1'
        self.store = Store(block_size, algorithm)

    @property
    def endpoint(self):
        return self.url + self.prefix

    def known_tokens(self):
        return self.astakos.known_tokens()

    def path_of(self, location):
        """Where the object of a pithos:// location is asked for."""
        return f'{self.prefix}/{location.removeprefix("pithos://")}'

    def put(self, user, name, data, container='images', kind=BLOCKS, sharing='', **more):
        """Stores an object for a user, without a request; its location."""
        with self.lock:
            self.store.containers(user.uuid).setdefault(container, {})
            stored = self.store.make(
                user.uuid, container, name, len(data), self.store.keep(data), kind, user.uuid, **more)
            stored.share(sharing)
        return f'pithos://{user.uuid}/{quote(container)}/{quote(name)}'

    def at(self, location):
        """The object of a location, None if there is none."""
        account, container, name = map(unquote, location.removeprefix('pithos://').split('/', 2))
        return self.store.find(account, container, name)

    def names(self, user, container='images'):
        return sorted(self.store.accounts.get(user.uuid, {}).get(container, {}))

    # Requests

    def spoil(self, kind, request, reply):
        headers, body = dict(reply.headers), reply.body
        if kind == 'wrong hash' and 'X-Object-Hash' in headers:
            wrong = headers['X-Object-Hash'][::-1]
            headers |= {'X-Object-Hash': wrong, **({} if self.md5 else {'ETag': wrong})}
        elif kind == 'wrong size' and 'Content-Length' in headers and request.method == 'HEAD':
            headers['Content-Length'] = str(int(headers['Content-Length']) + 1)
        elif kind == 'wrong data' and body and reply.status in (200, 206):
            middle = len(body) // 2
            body = body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1:]
        return Reply(reply.status, body, headers, reply.chunked)

    def answer(self, request):
        if not request.path.startswith(self.prefix + '/'):
            raise self._refusal(404, 'API endpoint not found')
        account, container, name = self._place(request)
        handlers = self._ACCOUNT if container is None else self._CONTAINER if name is None else self._OBJECT
        handler = handlers.get(request.method)
        if handler is None:
            raise self._refusal(405, 'Method not allowed')
        self._authenticate(request)
        if any(not value.isascii() for value in request.headers.values()):
            raise self._refusal(400, 'Bad character in headers')
        place = [part for part in (account, container, name) if part is not None]
        with self.lock:
            return handler(self, request, *place)

    def _place(self, request):
        parts = request.path.removeprefix(self.prefix + '/').split('/', 2)
        try:
            account, container, name = (unquote(part, errors='strict') or None for part in (parts + ['', ''])[:3])
        except UnicodeDecodeError:
            raise self._refusal(400, 'Bad encoding') from None
        if account is None:
            raise self._refusal(404, 'API endpoint not found')
        if len(container or '') > MAX_CONTAINER:
            raise self._refusal(400, 'Container name too large')
        if len(name or '') > MAX_NAME:
            raise self._refusal(400, 'Object name too large')
        return account, container, name

    def _refusal(self, status, message, name=None, details=''):
        return plain(status, message) if self.release < (0, 14) else refusal(status, message, name, details)

    def _authenticate(self, request):
        if not request.token:
            raise self._refusal(401, 'Access denied. No authentication token')
        user = self.astakos.user_of(request.token)
        if user is None:
            raise self._refusal(401, 'Unauthorized', 'fault', json.dumps({'unauthorized': {
                'code': 401, 'message': 'Invalid token', 'details': ''}}))
        request.user = user.uuid

    def _own(self, request, account):
        if request.user != account:
            raise self._refusal(403, 'User does not have access to the account')

    # Accounts and containers

    def _account_head(self, request, account):
        self._own(request, account)
        headers = {
            'X-Account-Container-Count': str(len(self.store.containers(account))),
            'X-Account-Bytes-Used': str(self.store.used(account)), 'Last-Modified': formatdate(usegmt=True)}
        if account in self.store.quotas:
            headers['X-Account-Policy-Quota'] = str(self.store.quotas[account])
        return Reply(204, headers=headers)

    def _account_get(self, request, account):
        headers = self._account_head(request, account).headers
        containers = [{'name': name, 'count': len(objects), 'bytes': sum(each.now.size for each in objects.values())}
                      for name, objects in sorted(self.store.containers(account).items())]
        return as_json(200, containers, headers)

    def _container(self, request, account, container):
        self._own(request, account)
        if container not in self.store.containers(account):
            raise self._refusal(404, 'Container does not exist')
        return self.store.containers(account)[container]

    def _container_head(self, request, account, container):
        objects = self.store.containers(account).get(container, {})
        # Whoever may read something in it may know how it is kept.
        if not any(each.right_of(request.user) for each in objects.values()):
            self._container(request, account, container)
        return Reply(204, headers={
            'X-Container-Object-Count': str(len(objects)),
            'X-Container-Bytes-Used': str(sum(each.now.size for each in objects.values())),
            'X-Container-Block-Size': str(self.store.block_size), 'X-Container-Block-Hash': self.store.algorithm,
            'X-Container-Policy-Versioning': 'auto', 'Last-Modified': formatdate(usegmt=True)})

    def _container_get(self, request, account, container):
        objects = self._container(request, account, container)
        prefix, marker = request.query.get('prefix', ''), request.query.get('marker', '')
        found = [(name, each) for name, each in sorted(objects.items()) if name.startswith(prefix) and name > marker]
        return as_json(200, [{
            'name': name, 'bytes': each.now.size, 'hash': each.now.hash, 'content_type': each.now.kind,
            'x_object_hash': each.now.hash, 'x_object_uuid': each.uuid, 'x_object_version': each.now.number,
        } for name, each in found][:int(request.query.get('limit', 10000))])

    def _container_put(self, request, account, container):
        self._own(request, account)
        there = container in self.store.containers(account)
        if not there and self.store.quotas.get(account) == 0:
            raise self._refusal(413, 'Quota exceeded')
        self.store.containers(account).setdefault(container, {})
        return Reply(202 if there else 201)

    def _container_post(self, request, account, container):
        self._container(request, account, container)
        if request.headers.get('content-type') != BLOCKS:
            return Reply(202)
        if 'update' not in request.query:
            raise self._refusal(400, 'Blocks come with update')
        leaves = self.store.keep(request.body)
        if request.query.get('format') == 'json':
            return as_json(202, leaves)
        return Reply(202, ''.join(f'{each}\n' for each in leaves).encode(), {'Content-Type': 'text/plain'})

    def _container_delete(self, request, account, container):
        if self._container(request, account, container) and 'until' not in request.query:
            raise self._refusal(409, 'Container is not empty')
        del self.store.containers(account)[container]
        return Reply(204)

    # Objects

    def _object(self, request, account, container, name, right='read'):
        """The object for somebody who has at least this right; what is missing in another's account is forbidden, too."""
        stored = self.store.find(account, container, name)
        rights = {'read': ('read', 'write', 'own'), 'write': ('write', 'own'), 'own': ('own',)}[right]
        if request.user != account and (stored is None or stored.right_of(request.user) not in rights):
            raise self._refusal(403, 'User does not have access to the object')
        if container not in self.store.containers(account):
            raise self._refusal(404, 'Container does not exist')
        if stored is None:
            raise self._refusal(404, 'Object does not exist')
        return stored

    def _version(self, request, stored):
        if 'version' not in request.query:
            return stored.now
        version = stored.version(request.query['version'])
        if version is None:
            raise self._refusal(404, 'Version does not exist')
        return version

    def _etag(self, version, data):
        """Without quotes; the MD5 where the site computes it, and of a join, whose hash nobody has."""
        if version.manifest:
            return hashlib.md5(data).hexdigest()
        return version.md5 if self.md5 else version.hash

    def _headers(self, request, stored, version, data):
        """Section 2.1."""
        headers = {
            'Content-Length': str(len(data)), 'Content-Type': version.kind, 'ETag': self._etag(version, data),
            'Last-Modified': formatdate(version.stamp, usegmt=True),
            'X-Object-Hash': version.hash, 'X-Object-UUID': stored.uuid, 'X-Object-Version': str(version.number),
            'X-Object-Version-Timestamp': formatdate(version.stamp, usegmt=True),
            'X-Object-Modified-By': version.author, **version.extra}
        if version.manifest:
            headers['X-Object-Manifest'] = quote(version.manifest)
        if self.release >= (0, 16):
            headers['Available'] = version.available
        if 'version' not in request.query:
            if stored.sharing:
                headers['X-Object-Sharing'] = quote(stored.sharing_text, safe='=;,* -')
            if request.user != stored.account:
                headers['X-Object-Allowed-To'] = stored.right_of(request.user)
        return headers

    def _precondition(self, request, etag, stamp=None, exists=True):
        """Raises 304 or 412; ETags are compared without regard to quotes."""
        def named(header):
            values = [value.strip().strip('"') for value in request.headers.get(header, '').split(',')]
            return '*' in values and exists or etag in values

        def moment(header):
            value = request.headers.get(header)
            return parsedate_to_datetime(value).timestamp() if value else None

        reading = request.method in ('GET', 'HEAD')
        if 'if-match' in request.headers and not named('if-match'):
            raise self._refusal(412, 'Resource ETag does not match')
        if 'if-none-match' in request.headers and named('if-none-match'):
            raise Reply(304, headers={'ETag': etag}) if reading else self._refusal(412, 'Resource exists')
        since, before = moment('if-modified-since'), moment('if-unmodified-since')
        if stamp and since is not None and int(stamp) <= since and reading:
            raise Reply(304, headers={'ETag': etag})
        if stamp and before is not None and int(stamp) > before:
            raise self._refusal(412, 'Resource has been modified')

    def _object_head(self, request, account, container, name):
        stored = self._object(request, account, container, name)
        version = self._version(request, stored)
        data = self.store.data(stored, version)
        self._precondition(request, self._etag(version, data), version.stamp)
        return Reply(200, headers=self._headers(request, stored, version, data))

    def _object_get(self, request, account, container, name):
        """Section 2.2."""
        stored = self._object(request, account, container, name)
        if request.query.get('version') == 'list':
            return as_json(200, {'versions': [[each.number, f'{each.stamp:.6f}'] for each in stored.versions]})
        version = self._version(request, stored)
        data = self.store.data(stored, version)
        self._precondition(request, self._etag(version, data), version.stamp)
        headers = self._headers(request, stored, version, data)
        if 'hashmap' in request.query:
            del headers['Content-Length']
            return as_json(200, {
                'block_hash': self.store.algorithm, 'block_size': self.store.block_size, 'bytes': len(data),
                'hashes': version.leaves}, {**headers, 'Content-Type': 'application/json; charset=UTF-8'})
        headers.setdefault('Content-Disposition', f"attachment; filename*=UTF-8''{quote(name.split('/')[-1])}")
        ranges = self._ranges(request, version, len(data))
        if not ranges:
            return Reply(200, data, headers)
        del headers['Content-Length']
        pieces = [(data[start:end + 1], f'bytes {start}-{end}/{len(data)}') for start, end in ranges]
        if len(pieces) == 1:
            piece, where = pieces[0]
            return Reply(206, piece, {**headers, 'Content-Range': where, 'Content-Length': str(len(piece))})
        boundary = uuid.uuid4().hex
        parts = b''.join(
            f'--{boundary}\r\nContent-Range: {where}\r\nContent-Transfer-Encoding: binary\r\n\r\n'.encode() + piece + b'\r\n'
            for piece, where in pieces)
        kind = {'Content-Type': f'multipart/byteranges; boundary={boundary}'}
        return Reply(206, parts + f'--{boundary}--\r\n'.encode(), {**headers, **kind}, chunked=True)

    def _ranges(self, request, version, size):
        """Exact ranges; none for a malformed header, 416 for one that ends beyond the object, which is not cut."""
        text = request.headers.get('range')
        if not text or not text.startswith('bytes=') or request.headers.get('if-range', version.md5) != version.md5:
            return []
        ranges = []
        for part in text.removeprefix('bytes=').split(','):
            match = RANGE.fullmatch(part.strip())
            if not match or match.group() == '-':
                return []
            first, last = match.groups()
            start = int(first) if first else size - int(last)
            end = int(last) if first and last else size - 1
            if first and last and end < start:
                return []
            if start < 0 or start >= size or end >= size:
                raise self._refusal(416, 'Requested range exceeds object limits')
            ranges.append((start, end))
        return ranges

    def _object_put(self, request, account, container, name):
        """Section 2.7: data as they are, or a map of blocks that were sent before."""
        if request.user != account:
            self._object(request, account, container, name, right='write')
        if container not in self.store.containers(account):
            raise self._refusal(404, 'Container does not exist')
        kind = request.headers.get('content-type')
        if not kind or not request.framed:
            raise self._refusal(411, 'Missing Content-Type or Content-Length')
        there = self.store.find(account, container, name)
        self._precondition(
            request, self._etag(there.now, b'') if there else None, there and there.now.stamp, exists=there is not None)
        if 'hashmap' in request.query:
            size, leaves = self._mapped(request)
        else:
            size, leaves = len(request.body), None
        if size > MAX_PUT:
            raise self._refusal(400, 'Object is too large')
        if not self.store.fits(account, size - (there.now.size if there else 0)):
            raise self._refusal(413, 'Quota exceeded')
        extra = {quote(unquote(each).title(), safe='-'): quote(unquote(value)) for each, value in request.headers.items()
                 if each.startswith('x-object-meta-') or each in ('content-encoding', 'content-disposition')}
        stored = self.store.make(
            account, container, name, size, self.store.keep(request.body) if leaves is None else leaves, kind,
            request.user, extra=extra, manifest=request.headers.get('x-object-manifest'))
        etag = self._etag(stored.now, request.body)
        if request.headers.get('etag', etag).strip('"').lower() != etag:
            stored.versions.pop()
            if not stored.versions:
                del self.store.containers(account)[container][name]
            raise self._refusal(422, 'Object ETag does not match')
        if 'x-object-sharing' in request.headers:
            self._share(request, stored)
        return Reply(201, headers={'ETag': etag, 'X-Object-Version': str(stored.now.number)})

    def _mapped(self, request):
        try:
            asked = json.loads(request.body)
            size, leaves = int(asked['bytes']), [str(each) for each in asked['hashes']]
        except (ValueError, KeyError, TypeError):
            raise self._refusal(400, 'Invalid data formatting') from None
        if len(leaves) != -(-size // self.store.block_size):
            raise self._refusal(400, 'The number of hashes does not fit the size')
        missing = [each for each in dict.fromkeys(leaves) if each not in self.store.blocks]
        if missing:
            raise as_json(409, missing)
        return size, leaves

    def _share(self, request, stored):
        try:
            stored.share(unquote(request.headers['x-object-sharing']))
        except ValueError:
            raise self._refusal(400, 'Bad X-Object-Sharing header value') from None

    def _object_post(self, request, account, container, name):
        """Section 2.3."""
        stored = self._object(request, account, container, name, right='write')
        if request.headers.get('content-type') == BLOCKS:
            raise self._refusal(400, 'This stand-in changes no data in place')
        if 'x-object-sharing' in request.headers:
            self._object(request, account, container, name, right='own')
            self._share(request, stored)
        if 'update' not in request.query:
            stored.now.extra = {}
        return Reply(202)

    def _object_delete(self, request, account, container, name):
        self._object(request, account, container, name, right='own')
        del self.store.containers(account)[container][name]
        return Reply(204)

    _ACCOUNT = {'HEAD': _account_head, 'GET': _account_get}
    _CONTAINER = {
        'HEAD': _container_head, 'GET': _container_get, 'PUT': _container_put, 'POST': _container_post,
        'DELETE': _container_delete}
    _OBJECT = {
        'HEAD': _object_head, 'GET': _object_get, 'PUT': _object_put, 'POST': _object_post, 'DELETE': _object_delete}
