"""The same things done in each client dialect: what the matrix of all pairs is made of.

A step that the dialect does not have raises NotInDialect; an answer that refuses raises Refused with its status.
"""
import json
from urllib.parse import quote

from .wire import call

DATA = b'0123456789'
OCTETS = {'Content-Type': 'application/octet-stream'}


class NotInDialect(Exception):
    """The dialect has no such call."""


class Refused(Exception):
    """The answer was no success."""

    def __init__(self, answer):
        super().__init__(str(answer))
        self.status = answer.status


class Front:
    """One user's client of one dialect; images are known by id, seen as dicts of canonical fields."""

    name = None
    prefix = ''
    # Most dialects give data along with a new image.
    takes_data = True

    def __init__(self, gateway, user):
        self.gateway, self.user = gateway, user

    def send(self, method, path, headers=None, body=None, expect=(200, 201, 202, 204, 206)):
        url = self.gateway.url + self.prefix + path
        answer = call(method, url, {**self.user.auth, **(headers or {})}, body)
        if answer.status not in expect:
            raise Refused(answer)
        return answer

    def missing(self, *_, **__):
        raise NotInDialect

    reserve = upload = purge = range = tag = untag = deactivate = reactivate = set_member_status = protect = missing
    add_member = remove_member = members = shared = missing


class Headers(Front):
    """What the dialects with metadata headers have in common."""

    separator = '_'

    def meta(self, fields):
        names = {key: 'x-image-meta-' + (
            'property-' + key[len('property:'):] if key.startswith('property:') else key
        ).replace('_', self.separator) for key in fields}
        return {names[key]: str(value) for key, value in fields.items()}

    def show(self, image):
        meta = self.send('HEAD', f'/images/{image}').meta
        return self.seen(meta)

    @staticmethod
    def seen(meta):
        properties = {
            key[len('property-'):].replace('-', '_'): value for key, value in meta.items() if key.startswith('property-')}
        fields = {key.replace('-', '_'): value for key, value in meta.items() if not key.startswith('property-')}
        return {**fields, 'properties': properties}

    def create(self, name, **fields):
        headers = {**self.meta({'name': name, **self.FORMATS, **fields}), **OCTETS}
        return str(self.send('POST', '/images', headers, DATA).json['image']['id'])

    def update(self, image, **fields):
        return self.send('PUT', f'/images/{image}', {**self.meta(fields), **self.KEEP})

    def download(self, image):
        return self.send('GET', f'/images/{image}').body

    def delete(self, image):
        self.send('DELETE', f'/images/{image}')

    def list(self, detail=True, query=''):
        entries = self.send('GET', ('/images/detail' if detail else '/images') + query).json
        return entries if isinstance(entries, list) else entries['images']

    def publish(self, image):
        self.update(image, is_public=True)

    KEEP = {}


class GlanceV1(Headers):
    name, prefix = 'glance-v1', '/v1'
    FORMATS = {'disk_format': 'raw', 'container_format': 'bare'}
    KEEP = {'x-glance-registry-purge-props': 'false'}

    def reserve(self, name):
        headers = self.meta({'name': name, **self.FORMATS})
        return str(self.send('POST', '/images', headers).json['image']['id'])

    def upload(self, image):
        self.send('PUT', f'/images/{image}', OCTETS, DATA)

    def purge(self, image, **fields):
        self.send('PUT', f'/images/{image}', self.meta(fields))

    def filtered(self, name):
        return self.list(query='?name=' + quote(name))

    def protect(self, image, protected):
        self.update(image, protected=protected)

    def add_member(self, image, member):
        self.send('PUT', f'/images/{image}/members/{member}')

    def remove_member(self, image, member):
        self.send('DELETE', f'/images/{image}/members/{member}')

    def members(self, image):
        return [each['member_id'] for each in self.send('GET', f'/images/{image}/members').json['members']]

    def shared(self, member):
        return [each['image_id'] for each in self.send('GET', f'/shared-images/{member}').json['shared_images']]


class Plankton(Headers):
    name, prefix, separator = 'plankton', '/image/v1.0', '-'
    takes_data = False

    def create(self, name, location=None, **fields):
        headers = self.meta({'name': quote(name), 'location': location, **fields})
        return self.send('POST', '/images/', headers).meta['id']

    def filtered(self, name):
        return self.list(query='?name=' + quote(name))

    def download(self, image):
        raise NotInDialect

    add_member, remove_member = GlanceV1.add_member, GlanceV1.remove_member
    members, shared = GlanceV1.members, GlanceV1.shared

    def publish(self, image):
        self.update(image, is_public='true')


class Glance2010(Headers):
    name, prefix = 'glance-2010', '/2010'
    FORMATS = {'type': 'raw'}

    def reserve(self, name):
        return str(self.send('POST', '/images', self.meta({'name': name, 'type': 'raw'})).json['image']['id'])

    def upload(self, image):
        self.send('PUT', f'/images/{image}', OCTETS, DATA)

    def filtered(self, name):
        raise NotInDialect


class ImageV2(Front):
    name, prefix = 'image-v2', '/v2'
    PATCH = {'Content-Type': 'application/openstack-images-v2.1-json-patch'}

    def document(self, method, path, value, headers=None):
        return self.send(method, path, {'Content-Type': 'application/json', **(headers or {})}, json.dumps(value).encode())

    def reserve(self, name, **fields):
        image = {'name': name, 'disk_format': 'raw', 'container_format': 'bare'}
        for key, value in fields.items():
            image[key.removeprefix('property:')] = value
        return self.document('POST', '/images', image).json['id']

    def upload(self, image):
        self.send('PUT', f'/images/{image}/file', OCTETS, DATA)

    def create(self, name, **fields):
        image = self.reserve(name, **fields)
        try:
            self.upload(image)
        except Refused:
            self.delete(image)
            raise
        return image

    def show(self, image):
        document = self.send('GET', f'/images/{image}').json
        base = {'id', 'name', 'status', 'visibility', 'size', 'checksum', 'disk_format', 'container_format', 'owner',
                'protected', 'tags', 'os_hidden', 'self', 'file', 'schema', 'min_ram', 'min_disk', 'virtual_size',
                'created_at', 'updated_at', 'os_hash_algo', 'os_hash_value', 'direct_url', 'locations', 'stores'}
        return {**document, 'properties': {key: value for key, value in document.items() if key not in base}}

    def patch(self, image, *operations):
        return self.document('PATCH', f'/images/{image}', list(operations), self.PATCH)

    def update(self, image, **fields):
        self.patch(image, *({
            'op': 'add' if key.startswith('property:') else 'replace', 'path': '/' + key.removeprefix('property:'),
            'value': value} for key, value in fields.items()))

    def purge(self, image, **fields):
        present = self.show(image)['properties']
        kept = {key.removeprefix('property:') for key in fields}
        self.patch(image, *({'op': 'remove', 'path': f'/{key}'} for key in present if key not in kept))

    def list(self, detail=True, query=''):
        return self.send('GET', '/images' + (query or '?limit=1000')).json['images']

    def filtered(self, name):
        return self.list(query='?name=' + quote(f'eq:{name}'))

    def download(self, image):
        return self.send('GET', f'/images/{image}/file').body

    def range(self, image):
        answer = self.send('GET', f'/images/{image}/file', {'Range': 'bytes=2-4'})
        assert answer.status == 206 and answer.header('content-range') == 'bytes 2-4/10', answer
        return answer.body

    def delete(self, image):
        self.send('DELETE', f'/images/{image}')

    def publish(self, image):
        self.update(image, visibility='public')

    def protect(self, image, protected):
        self.update(image, protected=protected)

    def tag(self, image, tag):
        self.send('PUT', f'/images/{image}/tags/{tag}')

    def untag(self, image, tag):
        self.send('DELETE', f'/images/{image}/tags/{tag}')

    def deactivate(self, image):
        self.send('POST', f'/images/{image}/actions/deactivate')

    def reactivate(self, image):
        self.send('POST', f'/images/{image}/actions/reactivate')

    def add_member(self, image, member):
        self.document('POST', f'/images/{image}/members', {'member': member})

    def remove_member(self, image, member):
        self.send('DELETE', f'/images/{image}/members/{member}')

    def members(self, image):
        return [each['member_id'] for each in self.send('GET', f'/images/{image}/members').json['members']]

    def set_member_status(self, image, member, status):
        self.document('PUT', f'/images/{image}/members/{member}', {'status': status})

    def shared(self, member):
        return [each['id'] for each in self.list(query='?visibility=shared&member_status=all&limit=1000')]


FRONTS = [Glance2010, GlanceV1, Plankton, ImageV2]
