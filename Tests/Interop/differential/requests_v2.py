"""Requests of Image API v2, in the order in which they are sent; each has a name, and the status a Glance 33 answers.

`{name}` is the id of the image of that name (IDS), or what an earlier answer gave. `{FILES}` is a web server with FILES.
"""
import itertools

from harness.differential import Exchange

FILES = {'/hello': b'hello', '/big': bytes(range(256)) * 256}
IDS = {'unknown': 'ffffffff-0000-4000-8000-000000000000'}
JSON = {'Accept': 'application/json'}
OCTETS = {'Content-Type': 'application/octet-stream'}
PATCH_21 = {'Content-Type': 'application/openstack-images-v2.1-json-patch'}
PATCH_20 = {'Content-Type': 'application/openstack-images-v2.0-json-patch'}
RAW = {'disk_format': 'raw', 'container_format': 'bare'}
DATA = b'0123456789'
LONG = 'n' * 256

_numbers = itertools.count(0xa0)


def ask(name, status, method, target, body=None, user='alice', accept='application/json', headers=None, **more):
    """A request with its own headers; `accept` None: without that header."""
    said = {} if accept is None else {'Accept': accept}
    return Exchange(name, user, method, target, status, {**said, **(headers or {})}, body, **more)


def get(name, status, target, user='alice', **more):
    return ask(name, status, 'GET', target, user=user, **more)


def new(name, fields=None, user='alice', status=201):
    """A creation with an id of its own, which later requests know by the name of the image."""
    IDS[name] = f'00000000-0000-4000-8000-{next(_numbers):012x}'
    return ask(f'create {name}', status, 'POST', '/v2/images', {'id': IDS[name], 'name': name, **(fields or {})}, user)


def made(name, status, body, user='alice'):
    """A creation of which only the answer counts."""
    return ask(f'create {name}', status, 'POST', '/v2/images', body, user)


def upload(image, status, data=DATA, user='alice', name=None, headers=None):
    return ask(
        name or f'upload {image}', status, 'PUT', f'/v2/images/{{{image}}}/file', data, user,
        headers={**OCTETS, **(headers or {})})


def download(name, status, image='whole', user='alice', **headers):
    fields = {key.replace('_', '-'): value for key, value in headers.items()}
    return get(f'download {name}', status, f'/v2/images/{{{image}}}/file', user, accept='*/*', headers=fields)


def change(name, status, changes, image='changed', user='alice', media=PATCH_21):
    return ask(f'patch {name}', status, 'PATCH', f'/v2/images/{{{image}}}', changes, user, headers=media)


def op(operation, path, *value):
    return {'op': operation, 'path': path, **({'value': value[0]} if value else {})}


def of(image, name, status, method, rest, body=None, user='alice', **more):
    """A call below an image."""
    return ask(name, status, method, f'/v2/images/{{{image}}}{rest}', body, user, **more)


VERSIONS = [
    get('versions at the root', 300, '/', None),
    get('versions at /versions', 200, '/versions', None),
    ask('versions by POST', 200, 'POST', '/versions', b'', None),
    get('a version that is not there', 300, '/v3/images', None),
    get('the path of v1', 300, '/v1/images'),
    get('a path of no version', 300, '/healthcheck', None),
    get('v2 without a slash', 302, '/v2'),
    get('v2 with a slash', 404, '/v2/'),
    get('a minor version in the path', 200, '/v2.5/images'),
    get('a minor version that is not there', 300, '/v2.99/images'),
    get('a version by media type', 200, '/images', accept='application/vnd.openstack.images-v2.3'),
    get('an unknown version by media type', 300, '/images', accept='application/vnd.openstack.images-v9.3'),
    get('an unknown path', 404, '/v2/nothing'),
]

TOKENS = [
    get('no token', 401, '/v2/images', None),
    get('no token, as text', 401, '/v2/images', None, accept='text/plain'),
    get('an unknown token', 401, '/v2/images', 'liar'),
    ask('a reader creates', 403, 'POST', '/v2/images', {'name': 'x'}, 'rita'),
    get('a request id of the client', 200, '/v2/images?limit=0', headers={'X-Openstack-Request-Id': 'req-mine'}),
    get('a request id without its beginning', 200, '/v2/images?limit=0', headers={'X-Openstack-Request-Id': 'mine'}),
    get('headers that only a proxy may set', 401, '/v2/images', None, headers={
        'X-Identity-Status': 'Confirmed', 'X-User-Id': 'alice', 'X-Tenant-Id': 'acme', 'X-Roles': 'admin'}),
]

SCHEMAS = [
    *(get(f'schema {name}', 200, f'/v2/schemas/{name}') for name in ('image', 'images', 'member', 'members', 'task', 'tasks')),
    *(get(f'schema metadefs {name}', 200, f'/v2/schemas/metadefs/{name}') for name in (
        'namespace', 'namespaces', 'resource_type', 'resource_types', 'property', 'properties', 'object', 'objects',
        'tag', 'tags')),
    get('schema unknown', 404, '/v2/schemas/nothing'),
    ask('schema by POST', 405, 'POST', '/v2/schemas/image', {}),
]

CREATE = [
    ask('create with nothing', 201, 'POST', '/v2/images', {}, keep={'nameless': ['id']}),
    new('everything', {
        **RAW, 'visibility': 'private', 'min_ram': 64, 'min_disk': 3, 'protected': False, 'os_hidden': False,
        'tags': ['one'], 'arch': 'x86_64', 'note': 'héllo ☃ "quoted" <b>', 'empty': '', 'Case': '1', 'case': '2'}),
    new('whole', {**RAW, 'owner': 'acme', 'kernel': 'k'}),
    new('changed', {'a': '1', 'b': '2', **RAW}),
    new('shared', RAW),
    new('private', {**RAW, 'visibility': 'private'}),
    new('community', {**RAW, 'visibility': 'community'}),
    new('public', {**RAW, 'visibility': 'public'}, 'root'),
    new('protected', {**RAW, 'protected': True}),
    new('hidden', {**RAW, 'os_hidden': True}),
    new('tagged', {**RAW, 'tags': ['t0']}),
    new('empty', RAW),
    new('queued', RAW),
    new('formless'),
    new('elsewhere', RAW),
    new('posted', RAW),
    new('staged', RAW),
    new('gone', RAW),
    new('off', RAW),
    new('short', RAW),
    new('second', RAW),
    new('bobs', RAW, 'bob'),
    new('upper', {**RAW, 'name': None}),
    made('again', 409, {'id': IDS['whole']}),
    made('with a strange id', 400, {'id': 'no uuid'}),
    made('with another disk format', 400, {'disk_format': 'floppy'}),
    made('with another container', 400, {'container_format': 'box'}),
    made('with another visibility', 400, {'visibility': 'secret'}),
    made('public by a member', 403, {'visibility': 'public'}),
    made('for another tenant', 403, {'owner': 'beta'}),
    made('for nobody', 403, {'owner': None}),
    made('with RAM as text', 400, {'min_ram': '64'}),
    made('with negative RAM', 400, {'min_ram': -1}),
    made('with much RAM', 400, {'min_ram': 2147483648}),
    made('with half a disk', 400, {'min_disk': 1.5}),
    made('with a boolean as text', 400, {'protected': 'True'}),
    made('with a long name', 400, {'name': LONG}),
    made('with a long property name', 400, {LONG: 'x'}),
    made('with a long tag', 400, {'tags': [LONG]}),
    made('with tags that are no list', 400, {'tags': 'x'}),
    made('with a number', 400, {'arch': 7}),
    made('with null', 400, {'arch': None}),
    made('with a boolean', 400, {'arch': True}),
    made('with an object', 400, {'arch': {}}),
    made('with an emoji', 400, {'name': '🐋'}),
    *(made(f'with {name}', 403, {name: value}) for name, value in (
        ('status', 'active'), ('size', 3), ('checksum', 'x'), ('created_at', '2001-01-01T00:00:00Z'), ('location', 'x'),
        ('locations', []), ('deleted', 'x'), ('self', 'x'), ('stores', 'main'), ('os_glance_import_task', 'x'))),
    ask('create from a list', 500, 'POST', '/v2/images', []),
    ask('create from a text', 400, 'POST', '/v2/images', '"x"'),
    ask('create from no JSON', 400, 'POST', '/v2/images', '{"name"'),
    ask('create from no body', 400, 'POST', '/v2/images'),
    ask('create as text/plain', 201, 'POST', '/v2/images', '{"name": "text"}', headers={'Content-Type': 'text/plain'}),
    ask('create from chunks', 201, 'POST', '/v2/images', [b'{"name": ', b'"chunks"}']),
]

SHOW = [
    of('everything', 'show', 200, 'GET', ''),
    of('everything', 'show to the tenant', 200, 'GET', '', user='amy'),
    of('everything', 'show to a reader', 200, 'GET', '', user='rita'),
    of('everything', 'show to a stranger', 404, 'GET', '', user='bob'),
    of('everything', 'show to the administrator', 200, 'GET', '', user='root'),
    of('community', 'show the community', 200, 'GET', '', user='bob'),
    of('unknown', 'show unknown', 404, 'GET', ''),
    get('show no uuid', 404, '/v2/images/detail'),
    get('show with a slash at the end', 404, '/v2/images/{everything}/'),
    get('show with an encoded slash', 404, '/v2/images/a%2Fb'),
    get('show with a query', 200, '/v2/images/{everything}?x=1&x=2'),
]

UPLOAD = [
    upload('whole', 204),
    upload('whole', 409, name='upload again'),
    upload('formless', 400),
    upload('empty', 204, b''),
    upload('unknown', 404),
    upload('private', 404, user='bob', name='upload by a stranger'),
    upload('private', 403, user='rita', name='upload by a reader'),
    upload('private', 204, [b'abc', b'def'], name='upload in chunks'),
    ask('upload as text', 415, 'PUT', '/v2/images/{short}/file', DATA, headers={'Content-Type': 'text/plain'}),
    ask('upload without a type', 415, 'PUT', '/v2/images/{short}/file', DATA),
    upload('short', 400, name='upload less than announced', headers={'X-Openstack-Image-Size': '50'}),
    of('short', 'show after that', 200, 'GET', ''),
    upload('short', 400, name='upload more than announced', headers={'X-Openstack-Image-Size': '5'}),
    upload('short', 400, name='upload of a strange size', headers={'X-Openstack-Image-Size': 'abc'}),
    upload('short', 204, name='upload of the announced size', headers={'X-Openstack-Image-Size': '10'}),
    upload('second', 400, name='upload to an unknown store', headers={'X-Image-Meta-Store': 'nowhere'}),
    upload('second', 204, name='upload to the second store', headers={'X-Image-Meta-Store': 'second'}),
    of('second', 'show the second store', 200, 'GET', ''),
    upload('shared', 204, bytes(range(256)) * 4000),
    upload('off', 204),
    upload('gone', 204),
    upload('public', 204, user='root'),
    upload('bobs', 204, user='bob'),
    of('whole', 'show after the upload', 200, 'GET', ''),
    of('empty', 'show the empty', 200, 'GET', ''),
]

DOWNLOAD = [
    download('all', 200),
    download('much', 200, 'shared'),
    download('nothing', 200, 'empty'),
    download('before there is any', 204, 'queued'),
    download('unknown', 404, 'unknown'),
    download('by a reader', 403, user='rita'),
    download('by a stranger', 404, user='bob'),
    download('the public', 200, 'public', 'bob'),
    download('the beginning', 206, Range='bytes=0-3'),
    download('the rest', 206, Range='bytes=4-'),
    download('the end', 206, Range='bytes=-2'),
    download('beyond the end', 206, Range='bytes=0-99'),
    download('more than there is', 206, Range='bytes=-100'),
    download('one byte', 206, Range='bytes=9-9'),
    download('from the end', 416, Range='bytes=10-'),
    download('backwards', 416, Range='bytes=5-2'),
    download('nonsense', 416, Range='bytes=abc'),
    download('another unit', 416, Range='lines=0-3'),
    download('two ranges', 400, Range='bytes=0-1,3-4'),
    download('a range of nothing', 416, 'empty', Range='bytes=0-3'),
    download('a range of what is not there', 500, 'queued', Range='bytes=0-3'),
    download('by Content-Range', 206, Content_Range='bytes 1-3/*'),
    download('under a condition', 200, If_None_Match='"781e5e245d69b566979b86e28d23f2c7"'),
    of('whole', 'a download refused as JSON', 416, 'GET', '/file', headers={'Range': 'bytes=10-'}),
]

MISUSED = [
    *(of('whole', f'{method} of an image', 405, method, '') for method in ('POST', 'PUT', 'OPTIONS')),
    *(ask(f'{method} of the images', 405, method, '/v2/images') for method in ('PUT', 'PATCH', 'DELETE', 'OPTIONS')),
    of('whole', 'HEAD of an image', 405, 'HEAD', ''),
    ask('HEAD of the images', 405, 'HEAD', '/v2/images'),
    of('whole', 'HEAD of data', 405, 'HEAD', '/file'),
    of('whole', 'DELETE of data', 405, 'DELETE', '/file'),
    of('whole', 'GET of a tag', 405, 'GET', '/tags/x'),
    of('whole', 'GET of an action', 405, 'GET', '/actions/deactivate'),
    of('whole', 'PUT of members', 405, 'PUT', '/members', {}),
    of('whole', 'an unknown action', 404, 'POST', '/actions/explode'),
    of('whole', 'a call below that is not there', 404, 'GET', '/nothing'),
    of('whole', 'DELETE with a body', 400, 'DELETE', '', b'x'),
    ask('shared images as in v1', 404, 'GET', '/v2/shared-images/beta'),
]

ERRORS = [
    *(of('unknown', f'not found as {accept}', 404, 'GET', '', accept=accept) for accept in (
        None, '*/*', 'text/html', 'text/plain', 'application/xml', 'application/json, text/html',
        'text/html;q=0.9, application/json;q=0.1')),
    *(get(f'bad request as {accept}', 400, '/v2/images?limit=%3Cb%3E', accept=accept) for accept in (
        '*/*', 'text/plain', 'application/json')),
    get('see the versions as text', 300, '/v9', accept='text/plain'),
]

PATCHES = [
    change('nothing', 200, []),
    change('sets, adds and removes', 200, [
        op('replace', '/name', 'new name'), op('add', '/c', '3'), op('remove', '/a'), op('replace', '/min_ram', 5)]),
    change('adds what is there', 200, [op('add', '/b', '22')]),
    change('removes and adds', 200, [op('remove', '/b'), op('add', '/b', '23')]),
    change('escapes', 200, [op('add', '/x~1y~0z', '1')]),
    change('with spaces', 200, [op('add', '/ spaced ', '1')]),
    change('with parameters of the type', 200, [op('add', '/c', '4')], media={
        'Content-Type': PATCH_21['Content-Type'] + '; charset=utf-8'}),
    change('the tags', 200, [op('replace', '/tags', ['only'])]),
    change('the visibility', 200, [op('replace', '/visibility', 'community')]),
    change('the visibility back', 200, [op('replace', '/visibility', 'shared')]),
    change('hides', 200, [op('replace', '/os_hidden', True)]),
    change('shows', 200, [op('replace', '/os_hidden', False)]),
    change('formats while queued', 200, [op('replace', '/disk_format', 'qcow2')]),
    change('an empty name', 200, [op('replace', '/name', '')]),
    change('no name', 200, [op('replace', '/name', None)]),
    change('what the method cannot set', 200, [op('add', '/context', 'x')]),
    change('by the administrator', 200, [op('add', '/by', 'root')], user='root'),
    change('replaces what is not there', 409, [op('replace', '/nothing', '1')]),
    change('removes what is not there', 409, [op('add', '/lost', '1'), op('remove', '/nothing')]),
    of('changed', 'nothing of a failed patch is kept', 200, 'GET', ''),
    change('removes a base attribute', 403, [op('remove', '/name')]),
    change('a read-only attribute', 403, [op('replace', '/size', 3)]),
    change('the id', 403, [op('replace', '/id', IDS['unknown'])]),
    change('the status', 403, [op('replace', '/status', 'active')]),
    change('a reserved attribute', 403, [op('add', '/deleted', 'x')]),
    change('a reserved namespace', 403, [op('add', '/os_glance_x', 'x')]),
    change('the owner', 403, [op('replace', '/owner', 'beta')]),
    change('publishes', 403, [op('replace', '/visibility', 'public')]),
    change('formats of active data', 403, [op('replace', '/disk_format', 'raw')], image='whole'),
    change('an unknown visibility', 400, [op('replace', '/visibility', 'secret')]),
    change('a null property', 400, [op('add', '/n', None)]),
    change('a number', 400, [op('add', '/n', 7)]),
    change('moves', 400, [{'op': 'move', 'from': '/b', 'path': '/d'}]),
    change('copies', 400, [{'op': 'copy', 'from': '/b', 'path': '/d'}]),
    change('tests', 400, [op('test', '/b', '23')]),
    change('without an operation', 400, [{'path': '/b', 'value': 'x'}]),
    change('without a path', 400, [{'op': 'add', 'value': 'x'}]),
    change('without a value', 400, [op('add', '/b')]),
    change('without a slash', 400, [op('add', 'b', 'x')]),
    change('two segments', 400, [op('add', '/b/c', 'x')]),
    change('a position in the tags', 400, [op('add', '/tags/-', 'x')]),
    change('an empty pointer', 200, [op('add', '/', 'x')]),
    change('no list', 400, op('add', '/b', 'x')),
    change('entries that are no objects', 400, ['x']),
    change('no JSON', 400, '[{'),
    change('no body', 400, None),
    change('plain JSON', 415, [op('add', '/b', 'x')], media={'Content-Type': 'application/json'}),
    change('JSON patch', 415, [op('add', '/b', 'x')], media={'Content-Type': 'application/json-patch+json'}),
    change('no media type', 415, [op('add', '/b', 'x')], media={}),
    change('the older type adds', 200, [{'add': '/old', 'value': '1'}], media=PATCH_20),
    change('the older type adds again', 409, [{'add': '/old', 'value': '2'}], media=PATCH_20),
    change('the older type replaces', 200, [{'replace': '/old', 'value': '3'}], media=PATCH_20),
    change('the older type removes', 200, [{'remove': '/old'}], media=PATCH_20),
    change('the older type adds a base attribute', 409, [{'add': '/name', 'value': 'x'}], media=PATCH_20),
    change('the older type and two operations', 400, [{'add': '/x', 'remove': '/y', 'value': '1'}], media=PATCH_20),
    change('the newer form in the older type', 400, [op('add', '/b', 'x')], media=PATCH_20),
    change('an unknown image', 404, [op('add', '/b', 'x')], image='unknown'),
    change('by a stranger', 404, [op('add', '/b', 'x')], user='bob'),
    change('by a stranger who sees it', 403, [op('add', '/b', 'x')], image='community', user='bob'),
    change('by a reader', 403, [op('add', '/b', 'x')], user='rita'),
    of('changed', 'PUT of a patch', 405, 'PUT', '', [op('add', '/c', '4')], headers=PATCH_21),
    of('changed', 'show after all changes', 200, 'GET', ''),
]

LISTS = [
    get(f'list {query or "all"} as {user}', status, f'/v2/images{query and "?" + query}', user) for status, user, query in (
        (200, 'alice', ''),
        (200, 'bob', ''),
        (200, 'rita', ''),
        (200, 'root', 'limit=3'),
        (200, 'alice', 'limit=2'),
        (200, 'alice', 'limit=2&marker={everything}'),
        (200, 'alice', 'limit=2&sort=name:asc&status=queued'),
        (200, 'alice', 'limit=0'),
        (200, 'alice', 'limit=5000'),
        (400, 'alice', 'limit=-1'),
        (400, 'alice', 'limit=abc'),
        (400, 'alice', 'limit='),
        (400, 'alice', 'marker={unknown}'),
        (400, 'alice', 'marker=abc'),
        (200, 'alice', 'sort_key=name&sort_dir=asc'),
        (200, 'alice', 'sort_key=size&sort_key=name&sort_dir=desc&sort_dir=asc&limit=2'),
        (200, 'alice', 'sort=container_format:asc,name'),
        (200, 'alice', 'sort_key=status'),
        (400, 'alice', 'sort=name&sort_key=id'),
        (400, 'alice', 'sort_key=owner'),
        (400, 'alice', 'sort_dir=up'),
        (400, 'alice', 'sort_key=name&sort_dir=asc&sort_dir=desc'),
        (200, 'alice', 'name=whole'),
        (200, 'alice', 'name=eq:whole'),
        (200, 'alice', 'name=in:whole,shared&sort_key=name'),
        (200, 'alice', 'name=in:%22whole%22,shared'),
        (400, 'alice', 'name=a:b'),
        (400, 'alice', 'name=neq:whole'),
        (200, 'alice', 'name=eq:a:b'),
        (200, 'alice', 'id={whole}'),
        (200, 'alice', 'status=active&sort_key=name'),
        (200, 'alice', 'status=in:queued,active&limit=1'),
        (200, 'alice', 'disk_format=raw&container_format=bare&limit=1'),
        (200, 'alice', 'size_min=5&size_max=100'),
        (400, 'alice', 'size_min=x'),
        (200, 'alice', 'min_ram=64'),
        (200, 'alice', 'min_ram_min=1'),
        (200, 'alice', 'min_disk=3'),
        (500, 'alice', 'arch_min=3'),
        (200, 'alice', 'visibility=private'),
        (200, 'alice', 'visibility=shared&limit=2'),
        (200, 'bob', 'visibility=community'),
        (200, 'bob', 'visibility=public'),
        (200, 'bob', 'visibility=all'),
        (400, 'alice', 'visibility=secret'),
        (400, 'alice', 'visibility=eq:shared'),
        (200, 'alice', 'member_status=all&limit=1'),
        (400, 'alice', 'member_status=maybe'),
        (200, 'alice', 'owner=acme&limit=1'),
        (200, 'alice', 'owner=beta'),
        (200, 'alice', 'checksum=781e5e245d69b566979b86e28d23f2c7&sort_key=name'),
        (200, 'alice', 'os_hash_value=0'),
        (200, 'alice', 'protected=true'),
        (200, 'alice', 'protected=false&limit=1'),
        (400, 'alice', 'protected=True'),
        (200, 'alice', 'os_hidden=true'),
        (200, 'alice', 'tag=t0'),
        (200, 'alice', 'tag=t0&tag=one'),
        (200, 'alice', 'tag=only&limit=1'),
        (200, 'alice', 'created_at=gt:2001-01-01T00:00:00Z&limit=1'),
        (200, 'alice', 'updated_at=lt:2001-01-01T00:00:00Z'),
        (400, 'alice', 'updated_at=gt:yesterday'),
        (200, 'alice', 'arch=x86_64'),
        (200, 'alice', 'arch=eq:x86_64'),
        (200, 'alice', 'note=h%C3%A9llo%20%E2%98%83%20%22quoted%22%20%3Cb%3E'),
        (200, 'alice', 'is_public=true'),
        (200, 'alice', 'property-arch=x86_64'),
        (400, 'alice', 'changes-since=2001-01-01T00:00:00'),
        (200, 'alice', 'deleted=true&limit=1'),
        (200, 'alice', 'limit=3&limit=2'),
        (200, 'alice', 'arch'),
        (200, 'alice', 'name=%zz'),
        (200, 'alice', 'limit=1&unknown=a%26b+c'),
    )
] + [get('list with a slash at the end', 404, '/v2/images/')]

TAGS = [
    of('tagged', 'tag', 204, 'PUT', '/tags/new'),
    of('tagged', 'tag again', 204, 'PUT', '/tags/new'),
    of('tagged', 'tag with a blank', 204, 'PUT', '/tags/b%20c'),
    of('tagged', 'tag with a body', 400, 'PUT', '/tags/new', b'x'),
    of('tagged', 'tag of 256', 400, 'PUT', '/tags/' + LONG),
    of('tagged', 'tag with a slash', 404, 'PUT', '/tags/a%2Fb'),
    of('tagged', 'tag by a stranger', 404, 'PUT', '/tags/x', user='bob'),
    of('tagged', 'tag by a reader', 403, 'PUT', '/tags/x', user='rita'),
    of('unknown', 'tag of an unknown image', 404, 'PUT', '/tags/x'),
    of('tagged', 'untag', 204, 'DELETE', '/tags/t0'),
    of('tagged', 'untag again', 404, 'DELETE', '/tags/t0'),
    of('tagged', 'show the tags', 200, 'GET', ''),
]

MEMBERS = [
    of('shared', 'no members', 200, 'GET', '/members'),
    of('shared', 'add a member', 200, 'POST', '/members', {'member': 'beta'}),
    of('shared', 'add a member again', 409, 'POST', '/members', {'member': 'beta'}),
    of('shared', 'add another member', 200, 'POST', '/members', {'member': 'gamma'}),
    of('shared', 'add nobody', 400, 'POST', '/members', {'member': ''}),
    of('shared', 'add a member as in v1', 400, 'POST', '/members', {'member_id': 'beta'}),
    of('shared', 'add a member without a body', 400, 'POST', '/members'),
    of('shared', 'a member adds members', 403, 'POST', '/members', {'member': 'delta'}, 'bob'),
    of('private', 'members of a private image', 403, 'GET', '/members'),
    of('private', 'add a member of a private image', 403, 'POST', '/members', {'member': 'beta'}),
    of('public', 'members of a public image', 403, 'GET', '/members', user='root'),
    of('community', 'members of a community image', 403, 'GET', '/members'),
    of('unknown', 'members of an unknown image', 404, 'GET', '/members'),
    of('shared', 'list members', 200, 'GET', '/members'),
    of('shared', 'list members as a member', 200, 'GET', '/members', user='bob'),
    of('shared', 'list members as a stranger', 404, 'GET', '/members', user='dora'),
    of('shared', 'show a member', 200, 'GET', '/members/beta'),
    of('shared', 'show who is no member', 404, 'GET', '/members/delta'),
    of('shared', 'a pending member reads', 200, 'GET', '', user='bob'),
    of('shared', 'a pending member downloads', 206, 'GET', '/file', user='bob', headers={'Range': 'bytes=0-3'}),
    get('list as a pending member', 200, '/v2/images?visibility=shared', 'bob'),
    get('list what pends', 200, '/v2/images?visibility=shared&member_status=pending', 'bob'),
    of('shared', 'the owner accepts', 403, 'PUT', '/members/beta', {'status': 'accepted'}),
    of('shared', 'a member says something else', 400, 'PUT', '/members/beta', {'status': 'maybe'}, 'bob'),
    of('shared', 'a member says nothing', 400, 'PUT', '/members/beta', {}, 'bob'),
    of('shared', 'a member accepts', 200, 'PUT', '/members/beta', {'status': 'accepted'}, 'bob'),
    get('list as a member', 200, '/v2/images?visibility=shared', 'bob'),
    of('shared', 'a member rejects', 200, 'PUT', '/members/beta', {'status': 'rejected'}, 'bob'),
    of('shared', 'a member removes itself', 403, 'DELETE', '/members/beta', user='bob'),
    of('shared', 'remove a member', 204, 'DELETE', '/members/beta'),
    of('shared', 'remove a member again', 404, 'DELETE', '/members/beta'),
    of('shared', 'a member no more', 404, 'GET', '', user='bob'),
]

ACTIONS = [
    of('off', 'deactivate by a reader', 403, 'POST', '/actions/deactivate', user='rita'),
    of('off', 'deactivate by a stranger', 404, 'POST', '/actions/deactivate', user='bob'),
    of('off', 'deactivate', 204, 'POST', '/actions/deactivate'),
    of('off', 'deactivate again', 204, 'POST', '/actions/deactivate', user='root'),
    of('off', 'show the deactivated', 200, 'GET', ''),
    download('the deactivated', 403, 'off'),
    download('the deactivated by the administrator', 200, 'off', 'root'),
    of('off', 'deactivate with a body', 400, 'POST', '/actions/deactivate', b'{}', 'root'),
    of('off', 'reactivate', 204, 'POST', '/actions/reactivate'),
    of('queued', 'deactivate what is queued', 403, 'POST', '/actions/deactivate', user='root'),
    of('unknown', 'deactivate the unknown', 404, 'POST', '/actions/deactivate', user='root'),
]


def has_succeeded(answer):
    return answer.json['tasks'][0]['status'] == 'success'


def has_failed(answer):
    return answer.json['status'] == 'failure'


def is_complete(answer):
    return answer.json['checksum'] is not None and 'os_glance_import_task' not in answer.json


IMPORTS = [
    get('import methods', 200, '/v2/info/import'),
    get('stores', 200, '/v2/info/stores'),
    get('stores in detail', 200, '/v2/info/stores/detail', 'root'),
    get('stores in detail for a member', 403, '/v2/info/stores/detail'),
    get('usage', 200, '/v2/info/usage'),
    get('unknown info', 404, '/v2/info/nothing'),
    of('staged', 'import before the data', 409, 'POST', '/import', {'method': {'name': 'glance-direct'}}),
    ask('stage as text', 415, 'PUT', '/v2/images/{staged}/stage', DATA, headers={'Content-Type': 'text/plain'}),
    ask('stage', 204, 'PUT', '/v2/images/{staged}/stage', DATA, headers=OCTETS),
    ask('stage again', 409, 'PUT', '/v2/images/{staged}/stage', DATA, headers=OCTETS),
    of('staged', 'show the staged', 200, 'GET', ''),
    of('staged', 'import into an unknown store', 409, 'POST', '/import', {
        'method': {'name': 'glance-direct'}, 'stores': ['nowhere']}),
    of('staged', 'import', 202, 'POST', '/import', {'method': {'name': 'glance-direct'}}),
    of('staged', 'show the imported', 200, 'GET', '', until=is_complete),
    download('the imported', 200, 'staged'),
    of('staged', 'tasks of an image', 200, 'GET', '/tasks', until=has_succeeded),
    of('queued', 'import by an unknown method', 400, 'POST', '/import', {'method': {'name': 'magic'}}),
    of('queued', 'import without a method', 400, 'POST', '/import', {}),
    of('queued', 'import from a file', 400, 'POST', '/import', {
        'method': {'name': 'web-download', 'uri': 'file:///etc/passwd'}}),
    of('queued', 'import from a place that is not allowed', 400, 'POST', '/import', {
        'method': {'name': 'web-download', 'uri': 'http://169.254.169.254/'}}),
    of('whole', 'import into what is active', 409, 'POST', '/import', {
        'method': {'name': 'web-download', 'uri': '{FILES}/hello'}}),
    of('whole', 'copy into another store by a stranger', 404, 'POST', '/import', {
        'method': {'name': 'copy-image'}, 'stores': ['second']}, 'bob'),
]

LOCATIONS = [
    change('a location', 200, [op('add', '/locations/-', {'url': '{FILES}/hello', 'metadata': {}})], 'elsewhere'),
    of('elsewhere', 'show a location', 200, 'GET', ''),
    download('from a location', 200, 'elsewhere'),
    change('the same location', 400, [op('add', '/locations/-', {'url': '{FILES}/hello', 'metadata': {}})], 'elsewhere'),
    change('another location', 200, [op('add', '/locations/-', {'url': '{FILES}/hello?2', 'metadata': {}})], 'elsewhere'),
    change('a location that is not there', 400, [
        op('add', '/locations/-', {'url': '{FILES}/nothing', 'metadata': {}})], 'queued'),
    change('a file as location', 400, [op('add', '/locations/-', {'url': 'file:///etc/passwd', 'metadata': {}})], 'queued'),
    change('a pithos location', 400, [op('add', '/locations/-', {'url': 'pithos://u/c/o', 'metadata': {}})], 'queued'),
    change('no locations', 403, [op('replace', '/locations', [])], 'elsewhere'),
    change('one location less', 200, [op('remove', '/locations/1')], 'elsewhere', 'root'),
    change('the last location', 403, [op('remove', '/locations/0')], 'elsewhere', 'root'),
    of('elsewhere', 'locations for a member', 403, 'GET', '/locations'),
    of('elsewhere', 'locations', 200, 'GET', '/locations', user='root'),
    of('posted', 'post a location', 202, 'POST', '/locations', {'url': '{FILES}/hello'}),
    of('posted', 'show the posted location', 200, 'GET', '', until=is_complete),
    of('posted', 'post a location again', 409, 'POST', '/locations', {'url': '{FILES}/hello'}),
]

OTHERS = [
    get('tasks for a member', 403, '/v2/tasks'),
    get('no tasks of that status', 200, '/v2/tasks?type=import&status=failure', 'root'),
    get('tasks of an unknown type', 400, '/v2/tasks?type=export', 'root'),
    get('a page of tasks', 400, '/v2/tasks?limit=-1', 'root'),
    ask('a task', 201, 'POST', '/v2/tasks', {'type': 'import', 'input': {
        'import_from': '{FILES}/nothing', 'import_from_format': 'raw', 'image_properties': {'name': 'x'}}}, 'root',
        keep={'task': ['id']}),
    get('show a task', 200, '/v2/tasks/{task}', 'root', until=has_failed),
    ask('an unknown task', 400, 'POST', '/v2/tasks', {'type': 'magic', 'input': {}}, 'root'),
    get('a task that is not there', 404, '/v2/tasks/{unknown}', 'root'),
    ask('delete a task', 405, 'DELETE', '/v2/tasks/{task}', None, 'root'),
    get('cache for a member', 403, '/v2/cache'),
    get('cache', 404, '/v2/cache', 'root'),
    ask('queue for the cache', 404, 'PUT', '/v2/cache/{whole}', None, 'root'),
    ask('clear the cache', 404, 'DELETE', '/v2/cache', None, 'root'),
    get('resource types', 200, '/v2/metadefs/resource_types'),
    get('namespaces', 200, '/v2/metadefs/namespaces?limit=2'),
    ask('a namespace by a member', 403, 'POST', '/v2/metadefs/namespaces', {'namespace': 'Ours'}),
    ask('a namespace', 201, 'POST', '/v2/metadefs/namespaces', {
        'namespace': 'Ours', 'display_name': 'Ours δ', 'visibility': 'public', 'protected': False}, 'root'),
    ask('a namespace again', 409, 'POST', '/v2/metadefs/namespaces', {'namespace': 'Ours'}, 'root'),
    get('show a namespace', 200, '/v2/metadefs/namespaces/Ours'),
    ask('change a namespace', 200, 'PUT', '/v2/metadefs/namespaces/Ours', {
        'namespace': 'Ours', 'description': 'changed', 'visibility': 'public'}, 'root'),
    ask('a property of a namespace', 201, 'POST', '/v2/metadefs/namespaces/Ours/properties', {
        'name': 'size', 'title': 'Size', 'type': 'integer', 'minimum': 1}, 'root'),
    get('properties of a namespace', 200, '/v2/metadefs/namespaces/Ours/properties'),
    ask('an object of a namespace', 201, 'POST', '/v2/metadefs/namespaces/Ours/objects', {
        'name': 'box', 'properties': {'w': {'title': 'W', 'type': 'string'}}}, 'root'),
    get('show an object of a namespace', 200, '/v2/metadefs/namespaces/Ours/objects/box'),
    ask('a tag of a namespace', 201, 'POST', '/v2/metadefs/namespaces/Ours/tags/t', None, 'root'),
    get('tags of a namespace', 200, '/v2/metadefs/namespaces/Ours/tags'),
    ask('a resource type of a namespace', 201, 'POST', '/v2/metadefs/namespaces/Ours/resource_types', {
        'name': 'OS::Glance::Image'}, 'root'),
    get('resource types of a namespace', 200, '/v2/metadefs/namespaces/Ours/resource_types'),
    ask('PATCH of a namespace', 405, 'PATCH', '/v2/metadefs/namespaces/Ours', [], 'root'),
    ask('delete a namespace', 204, 'DELETE', '/v2/metadefs/namespaces/Ours', None, 'root'),
    get('a namespace no more', 404, '/v2/metadefs/namespaces/Ours'),
]

DELETE = [
    of('protected', 'delete the protected', 403, 'DELETE', ''),
    of('private', 'delete as a stranger', 404, 'DELETE', '', user='bob'),
    of('community', 'delete as a stranger who sees it', 403, 'DELETE', '', user='bob'),
    of('private', 'delete as a reader', 403, 'DELETE', '', user='rita'),
    ask('delete the only copy', 403, 'DELETE', '/v2/stores/main/{whole}', None, 'root'),
    ask('delete from a store by a member', 403, 'DELETE', '/v2/stores/main/{whole}'),
    ask('delete from an unknown store', 409, 'DELETE', '/v2/stores/nowhere/{whole}', None, 'root'),
    of('gone', 'delete', 204, 'DELETE', ''),
    of('gone', 'delete again', 404, 'DELETE', ''),
    of('gone', 'show the deleted', 404, 'GET', '', user='root'),
    upload('gone', 404, name='upload to the deleted'),
    made('with the id of a deleted image', 409, {'id': IDS['gone']}),
    of('staged', 'delete the imported', 204, 'DELETE', ''),
    get('list in the end', 200, '/v2/images?sort=name:asc,size:asc', 'root'),
]

REQUESTS = [
    *VERSIONS, *TOKENS, *SCHEMAS, *CREATE, *SHOW, *UPLOAD, *DOWNLOAD, *MISUSED, *ERRORS, *PATCHES, *LISTS, *TAGS,
    *MEMBERS, *ACTIONS, *IMPORTS, *LOCATIONS, *OTHERS, *DELETE]
