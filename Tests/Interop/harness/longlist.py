"""A stand-in registry of any dialect with a list so long that a real one would take minutes to fill."""
import functools
import json
from datetime import datetime, timedelta
from urllib.parse import parse_qs, urlsplit

from harness.loopback import LoopbackServer, QuietHandler

MOST = 1000
NEWEST = datetime(2026, 1, 1)


def identity(number):
    return f'{number:08x}-0000-4000-8000-000000000000'


def moment(number, form):
    """Each image is a second older than the one before."""
    return (NEWEST - timedelta(seconds=number)).strftime(form)


def v2_image(number):
    return {
        'id': identity(number), 'name': f'image {number:05}', 'status': 'active', 'visibility': 'public', 'owner': 'acme',
        'disk_format': 'raw', 'container_format': 'bare', 'size': number, 'virtual_size': None,
        'checksum': 'd41d8cd98f00b204e9800998ecf8427e', 'os_hash_algo': None, 'os_hash_value': None, 'min_ram': 0,
        'min_disk': 0, 'protected': False, 'os_hidden': False, 'tags': [], 'created_at': moment(number, '%Y-%m-%dT%H:%M:%SZ'),
        'updated_at': '2026-01-01T00:00:00Z', 'self': f'/v2/images/{identity(number)}',
        'file': f'/v2/images/{identity(number)}/file', 'schema': '/v2/schemas/image', 'os_distro': 'debian',
    }


def v1_image(number):
    return {
        'id': identity(number), 'name': f'image {number:05}', 'status': 'active', 'is_public': True, 'owner': 'acme',
        'disk_format': 'raw', 'container_format': 'bare', 'size': number, 'virtual_size': None,
        'checksum': 'd41d8cd98f00b204e9800998ecf8427e', 'min_ram': 0, 'min_disk': 0, 'protected': False, 'deleted': False,
        'created_at': moment(number, '%Y-%m-%dT%H:%M:%S.000000'), 'updated_at': '2026-01-01T00:00:00.000000', 'deleted_at': None,
        'properties': {'os_distro': 'debian'},
    }


def plankton_image(number):
    return {
        'id': identity(number), 'name': f'image {number:05}', 'status': 'AVAILABLE', 'is_public': True, 'owner': 'acme',
        'disk_format': 'diskdump', 'container_format': 'bare', 'size': number, 'checksum': 'ab' * 32,
        'location': f'pithos://acme/images/{number}', 'created_at': moment(number, '%Y-%m-%d %H:%M:%S'),
        'updated_at': '2026-01-01 00:00:00', 'deleted_at': '', 'properties': {'os_distro': 'debian'},
    }


def image_2010(number):
    return {
        'uri': f'http://h/images/{identity(number)}', 'id': identity(number), 'name': f'image {number:05}', 'type': 'raw',
        'size': str(number), 'store': 'file', 'created_at': moment(number, '%Y-%m-%d %H:%M:%S'), 'updated_at': '2026-01-01 00:00:00',
        'deleted_at': '', 'status': 'available', 'is_public': True, 'properties': {'os_distro': 'debian'},
    }


BLOCK = 100


@functools.lru_cache(maxsize=None)
def block(image, start, step):
    """BLOCK entries as they stand in a document."""
    return ', '.join(json.dumps(image(number)) for number in range(start, start + step * BLOCK, step)).encode()


class LongList(LoopbackServer):
    """Lists `count` images in the form and in the pages of its dialect."""

    FORMS = {
        'image-v2': (v2_image, True), 'glance-v1': (v1_image, True), 'plankton': (plankton_image, False),
        'glance-2010': (image_2010, False),
    }

    def __init__(self, dialect, count):
        self.dialect, self.count = dialect, count
        self.image, self.pages = self.FORMS[dialect]
        registry = self

        class Handler(QuietHandler):
            disable_nagle_algorithm = True

            def do_GET(self):
                registry.answer(self)

            def do_HEAD(self):
                registry.show(self)

        super().__init__(Handler)

    def answer(self, handler):
        parts = urlsplit(handler.path)
        listing = parts.path.rstrip('/').endswith(('/images', '/images/detail'))
        handler.send_response(200 if listing else 404)
        handler.send_header('Content-Type', 'application/json')
        handler.send_header('Transfer-Encoding', 'chunked')
        handler.end_headers()
        for piece in self.pieces(parse_qs(parts.query)) if listing else [b'{}']:
            handler.wfile.write(b'%x\r\n%s\r\n' % (len(piece), piece))
        handler.wfile.write(b'0\r\n\r\n')

    def show(self, handler):
        """One image in headers: where a list cannot begin behind an image, that image is looked at."""
        entry = self.image(int(urlsplit(handler.path).path.rsplit('/', 1)[1][:8], 16))
        handler.send_response(200)
        for key, value in entry.items():
            if key != 'properties':
                handler.send_header(f'x-image-meta-{key}', str(value))
        handler.send_header('Content-Length', '0')
        handler.end_headers()

    def pieces(self, query):
        """The document, a hundred images at a time."""
        limit = min(int(query.get('limit', [MOST])[0]), MOST) if self.pages else self.count
        # Newest first, as all of them do unless asked otherwise.
        step = -1 if query.get('sort_dir', ['desc'])[-1] == 'asc' else 1
        first = self.count - 1 if step < 0 else 0
        if self.pages and 'marker' in query:
            first = int(query['marker'][0][:8], 16) + step
        count = max(0, min(limit, first + 1 if step < 0 else self.count - first))
        yield b'[' if self.dialect == 'plankton' else b'{"images": ['
        for done in range(0, count - count % BLOCK, BLOCK):
            yield (b', ' if done else b'') + block(self.image, first + step * done, step)
        for done in range(count - count % BLOCK, count):
            yield (b', ' if done else b'') + json.dumps(self.image(first + step * done)).encode()
        if self.dialect == 'image-v2' and count == limit:
            yield f'], "next": "/v2/images?marker={identity(first + step * (count - 1))}"}}'.encode()
        else:
            yield b']' if self.dialect == 'plankton' else b']}'
