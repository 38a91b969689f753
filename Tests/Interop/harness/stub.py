"""A stand-in v2 registry with a long list, for what would take a real one too long."""
import json
import uuid
from urllib.parse import parse_qs, urlsplit

from harness.loopback import LoopbackServer, QuietHandler

NAMESPACE = uuid.UUID('6ba7b811-9dad-11d1-80b4-00c04fd430c8')


class ListingRegistry(LoopbackServer):
    """Lists `count` images in pages of `page`, however many are asked for; each entry carries `ballast` bytes."""

    def __init__(self, count, page, ballast=0):
        self.images = [self._image(number, ballast) for number in range(count)]
        self.positions = {image['id']: at for at, image in enumerate(self.images)}
        self.page, self.pages_served = page, 0
        registry = self

        class Handler(QuietHandler):
            disable_nagle_algorithm = True

            def do_GET(self):
                body = registry.answer(self.path)
                self.send_response(200)
                self.send_header('Content-Type', 'application/json')
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        super().__init__(Handler)

    @staticmethod
    def _image(number, ballast):
        identity = str(uuid.uuid5(NAMESPACE, str(number)))
        return {
            'id': identity, 'name': f'image {number:05}', 'status': 'active', 'visibility': 'shared', 'owner': 'acme',
            'disk_format': 'raw', 'container_format': 'bare', 'size': number, 'virtual_size': None,
            'checksum': 'd41d8cd98f00b204e9800998ecf8427e', 'os_hash_algo': None, 'os_hash_value': None,
            'min_ram': 0, 'min_disk': 0, 'protected': False, 'os_hidden': False, 'tags': [],
            'created_at': '2026-01-01T00:00:00Z', 'updated_at': '2026-01-01T00:00:00Z',
            'self': f'/v2/images/{identity}', 'file': f'/v2/images/{identity}/file', 'schema': '/v2/schemas/image',
            'ballast': 'x' * ballast,
        }

    def answer(self, target):
        query = parse_qs(urlsplit(target).query)
        start = self.positions[query['marker'][0]] + 1 if 'marker' in query else 0
        found = self.images[start:start + self.page]
        self.pages_served += 1
        answer = {'images': found, 'first': '/v2/images', 'schema': '/v2/schemas/images'}
        if start + self.page < len(self.images):
            answer['next'] = f'/v2/images?marker={found[-1]["id"]}'
        return json.dumps(answer).encode()
