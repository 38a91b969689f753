"""Requests of Image API v1, in the order in which they are sent; each has a name of its own.

`{name}` is the id of the image of that name: given here (IDS), or by the server where `served` says so. `{FILES}` is a
web server with the FILES, `{CLOSED}` an address nobody listens on.
"""
import itertools
import json
from dataclasses import replace
from pathlib import Path

from harness.differential import Exchange

FILES = {'/hello': b'hello', '/big': bytes(range(256)) * 1024}

IDS = {}
UNKNOWN = 'ffffffff-0000-4000-8000-000000000000'

ACCEPT = {'Accept': '*/*'}
OCTETS = {'Content-Type': 'application/octet-stream'}
JSON = {'Content-Type': 'application/json'}
QCOW2 = {'disk_format': 'qcow2', 'container_format': 'bare'}
HELLO_MD5 = '5d41402abc4b2a76b9719d911017c592'


def ask(name, user, method, target, headers=None, body=None, **more):
    """A request; what the server answers, if it is not the usual, stands in answers-v1.txt."""
    user = None if user == 'nobody' else user
    usual = 201 if method == 'POST' else 200
    return Exchange(name, user, method, target, usual, {**ACCEPT, **(headers or {})}, body, **more)


def meta(fields):
    """Headers of image fields; a key that begins with `property-` is one."""
    return {f'x-image-meta-{key}': str(value) for key, value in fields.items()}


def get(name, target, user='alice', **headers):
    return ask(name, user, 'GET', target, headers)


def head(name, target, user='alice', **headers):
    return ask(name, user, 'HEAD', target, headers)


_numbers = itertools.count(0xb0)


def post(name, fields, body=None, user='alice', headers=None, target='/v1/images', save=None, served=None):
    """A creation, of an image with the next id: lists by id, and killed images, are then the same everywhere."""
    if not served and 'id' not in fields:
        number = f'00000000-0000-4000-8000-{next(_numbers):012x}'
        IDS[save or name] = number
        fields = {'id': number, **fields}
    own = {} if body is None else OCTETS
    keep = {served: ['image', 'id']} if served else {}
    return ask(name, user, 'POST', target, {**own, **meta(fields), **(headers or {})}, body, keep=keep)


def put(name, image, fields, body=None, user='alice', headers=None):
    own = {} if body is None else OCTETS
    return ask(name, user, 'PUT', f'/v1/images/{image}', {**own, **meta(fields), **(headers or {})}, body)


def delete(name, image, user='alice', **headers):
    return ask(name, user, 'DELETE', f'/v1/images/{image}', headers)


def member(name, method, target, document=None, user='alice', text=None):
    body = text if document is None else json.dumps(document)
    return ask(name, user, method, f'/v1/{target}', JSON if body is not None else {}, body)


def active(answer):
    return answer.meta.get('status') == 'active'


def lists(user, queries, target='/v1/images'):
    return [get(f'list {target[4:]} {query} as {user}', f'{target}?{query}', user) for query in queries]


KEEP = {'x-glance-registry-purge-props': 'false'}
PURGE = {'x-glance-registry-purge-props': 'true'}

PATHS = [
    get('versions', '/'),
    head('versions HEAD', '/'),
    ask('versions POST', 'alice', 'POST', '/'),
    get('versions by name', '/versions'),
    get('versions below', '/versions/anything'),
    get('a version that is none', '/v9/images'),
    get('a version in capitals', '/V1/images'),
    get('no version', '/unknown/images'),
    get('version without slash', '/v1'),
    get('version with slash', '/v1/'),
    get('version 1.0', '/v1.0/images'),
    get('version 1.1', '/v1.1/images'),
    get('version in Accept', '/images', Accept='application/vnd.openstack.images-v1.1'),
    get('version in Accept, detail', '/images/detail', Accept='application/vnd.openstack.images-v1.0'),
    get('prefix without version', '/images'),
    get('two slashes before', '//v1/images'),
    get('two slashes within', '/v1//images'),
    get('slash behind', '/v1/images/'),
    get('suffix .json', '/v1/images.json'),
    get('unknown below the version', '/v1/unknown'),
    get('unknown below images', f'/v1/images/{UNKNOWN}/unknown'),
    ask('wrong method on images', 'alice', 'DELETE', '/v1/images'),
    ask('wrong method on detail', 'alice', 'POST', '/v1/images/detail'),
    ask('wrong method on an image', 'alice', 'POST', f'/v1/images/{UNKNOWN}'),
    ask('wrong method on members', 'alice', 'DELETE', f'/v1/images/{UNKNOWN}/members'),
    ask('wrong method on a member', 'alice', 'GET', f'/v1/images/{UNKNOWN}/members/beta'),
    ask('a method of no one', 'alice', 'BREW', '/v1/images'),
    ask('PUT of no image', 'alice', 'PUT', '/v1/images', meta({'name': 'x'})),
    ask('PATCH', 'alice', 'PATCH', f'/v1/images/{UNKNOWN}', JSON, '{}'),
    head('images HEAD', '/v1/images'),
    head('detail HEAD', '/v1/images/detail'),
    get('no token', '/v1/images', 'nobody'),
    get('a token of another shape', '/v1/images', 'liar'),
    head('no token HEAD', f'/v1/images/{UNKNOWN}', 'nobody'),
    post('no token POST', {'name': 'x'}, user='nobody'),
    get('empty list', '/v1/images'),
    get('empty list of details', '/v1/images/detail'),
    get('own request id', '/v1/images', **{'X-Openstack-Request-Id': 'req-11111111-2222-4333-8444-555555555555'}),
]

CREATE = [
    post('small', {'name': 'small', **QCOW2, 'min_disk': 7, 'property-arch': 'x86_64',
                   'property-distro': 'Debian'}, b'12345'),
    post('big', {'name': 'big', **QCOW2, 'min_ram': 512, 'size': 1000, 'property-arch': 'x86_64',
                 'property-distro': 'a b&c'}, b'b' * 1000),
    post('iso', {'name': 'iso', 'disk_format': 'iso', 'container_format': 'bare', 'checksum': HELLO_MD5},
         b'hello'),
    post('kernel', {'name': 'kernel', 'disk_format': 'aki'}, b'k'),
    post('queued', {'name': 'queued', **QCOW2}),
    post('public by a member', {'name': 'public', **QCOW2, 'is_public': 'True'}),
    post('public', {'name': 'public', **QCOW2, 'is_public': 'True'}, b'public', 'root'),
    post('shared', {'name': 'shared', **QCOW2}, b'shared data'),
    post('chunks', {'name': 'chunks', **QCOW2}, [b'one', b'two', b'three']),
    post('chunks with size', {'name': 'sized', **QCOW2, 'size': 11}, [b'one', b'two', b'three'], save='sized'),
    post('chunks of nothing', {'name': 'empty', **QCOW2}, [], save='empty'),
    post('size 0 without data', {'name': 'zero', **QCOW2, 'size': 0}, save='zero'),
    post('size without data', {'name': 'expected', **QCOW2, 'size': 12345}, save='expected'),
    post('placed later', {'name': 'placed', **QCOW2}, save='placed'),
    post('content length 0', {'name': 'length 0', **QCOW2}, b'', save='length0'),
    post('protected', {'name': 'protected', **QCOW2, 'protected': 'yes'}, b'kept'),
    post('nothing at all', {}, served='nothing'),
    post('formats later', {'name': 'bare'}, save='bare'),
    post('id of the server', {'name': 'own id', **QCOW2}, b'x', served='served'),
    post('id taken', {'id': '{small}', 'name': 'twice', **QCOW2}),
    post('id taken by another', {'id': '{small}', 'name': 'twice', **QCOW2}, b'abc', 'bob'),
    post('id of no shape', {'id': 'not-an-id', 'name': 'x', **QCOW2}),
    post('id in capitals', {'id': 'ABCDEF00-0000-4000-8000-00000000CAFE', 'name': 'capitals', **QCOW2}),
    post('id without dashes', {'id': 'abcdef000000400080000000000dcafe', 'name': 'dashless', **QCOW2}),
    post('unicode', {'name': 'Ubuntu 10.04 – δέντρο 100%', **QCOW2, 'property-note': 'ü a%25b'},
         b'u'),
    post('percent in a value', {'name': 'caf%C3%A9%20a%25b', **QCOW2, 'property-my%20key': 'v%20w'}, save='percent'),
    post('unicode of a property key', {'name': 'key', 'property-a.b': 'dotted', 'property-UP-per': 'case'},
         save='keys'),
    post('empty values', {'name': '', 'property-empty': '', **QCOW2}, save='void'),
    post('dashes in names', {'name': 'dashes', 'disk-format': 'raw', 'container-format': 'bare', 'min-ram': 3,
                             'property-two-words': 'x'}, save='dashes'),
    post('spaces around', {'name': '  trimmed  ', **QCOW2, 'min_ram': ' 5 '}, save='trimmed'),
    post('integers with sign and zeros', {'name': 'signs', **QCOW2, 'min_ram': '+5', 'min_disk': '0007'}, save='signs'),
    *[post(f'boolean {value!r}', {'name': 'boolean', 'protected': value}, save=f'boolean{number}')
      for number, value in enumerate(('1', 'T', 'on', 'Y', '2', 'None', ''))],
    post('owner by a member', {'name': 'owner', **QCOW2, 'owner': 'beta'}, save='owner'),
    post('owner by root', {'name': 'of acme', **QCOW2, 'owner': 'acme'}, b'm', 'root', save='many'),
    post('status and times', {'name': 'status', **QCOW2, 'status': 'active'}, save='status'),
    post('store file', {'name': 'store', **QCOW2, 'store': 'file'}, b'stored', save='store'),
    post('ami pair', {'name': 'ami', 'disk_format': 'ami', 'container_format': 'ami'}, b'a', save='ami'),
    post('ami by container', {'name': 'ari', 'container_format': 'ari'}, b'a', save='ari'),
    *[post(f'disk format {value}', {'name': value, 'disk_format': value, 'container_format': 'bare'}, save=value)
      for value in ('raw', 'vhd', 'vhdx', 'vmdk', 'vdi', 'ploop')],
    *[post(f'container format {value}', {'name': value, 'disk_format': 'raw', 'container_format': value}, save=value)
      for value in ('ovf', 'ova', 'docker')],
    post('many properties', {'name': 'full', **{f'property-p{n}': n for n in range(80)}}, save='full'),
    post('prefix 1.1', {'name': 'v1.1', **QCOW2}, b'11', target='/v1.1/images', save='v11'),
]

REFUSED = [
    post('wrong size', {'name': 'bad', **QCOW2, 'size': 7}, b'hello'),
    post('wrong size in chunks', {'name': 'bad', **QCOW2, 'size': 7}, [b'hello']),
    post('wrong checksum', {'name': 'bad', **QCOW2, 'checksum': '0' * 32}, b'hello'),
    post('checksum in capitals', {'name': 'bad', **QCOW2, 'checksum': HELLO_MD5.upper()}, b'hello'),
    post('checksum too long', {'name': 'bad', **QCOW2, 'checksum': '0' * 33}),
    post('disk format unknown', {'name': 'bad', 'disk_format': 'floppy', 'container_format': 'bare'}, b'x'),
    post('disk format in capitals', {'name': 'bad', 'disk_format': 'RAW', 'container_format': 'bare'}, b'x'),
    post('disk format of Plankton', {'name': 'bad', 'disk_format': 'diskdump', 'container_format': 'bare'}),
    post('container format unknown', {'name': 'bad', 'disk_format': 'raw', 'container_format': 'box'}),
    post('disk format empty', {'name': 'bad', 'disk_format': '', 'container_format': 'bare'}, b'x'),
    post('mixed formats', {'name': 'bad', 'disk_format': 'ami', 'container_format': 'bare'}, b'x'),
    post('data without formats', {'name': 'bad'}, b'x'),
    post('data without disk format', {'name': 'bad', 'container_format': 'bare'}, b'x'),
    post('data without container format', {'name': 'bad', 'disk_format': 'raw'}, b'x'),
    post('data of another type', {'name': 'bad', **QCOW2}, b'x', headers={'Content-Type': 'text/plain'}),
    post('data of no type', {'name': 'bad', **QCOW2}, b'x', headers={'Content-Type': ''}),
    post('data with parameters in its type', {'name': 'typed', **QCOW2}, b'x',
         headers={'Content-Type': 'application/octet-stream; charset=binary'}, save='typed'),
    post('JSON as image', {'name': 'bad', **QCOW2}, b'{"image": {}}', headers=JSON),
    post('unknown field', {'name': 'bad', 'colour-of_it': 'red'}),
    post('size negative', {'name': 'bad', 'size': -1}),
    post('size in words', {'name': 'bad', 'size': 'five'}),
    post('size beyond the cap', {'name': 'bad', **QCOW2, 'size': (1 << 40) + 1}),
    post('min_ram negative', {'name': 'bad', 'min_ram': -1}),
    post('min_ram in words', {'name': 'bad', 'min_ram': 'much'}),
    post('min_ram too large', {'name': 'bad', 'min_ram': 2147483648}),
    post('min_disk too large', {'name': 'bad', 'min_disk': 2147483648}),
    post('min_disk in words', {'name': 'bad', 'min_disk': '1.5'}),
    post('name too long', {'name': 'n' * 256}),
    post('name as long as can be', {'name': 'n' * 255}, save='longname'),
    post('store unknown', {'name': 'bad', **QCOW2, 'store': 'attic'}, b'x'),
    post('store unknown without data', {'name': 'bad', **QCOW2, 'store': 'attic'}),
    post('location of a file', {'name': 'bad', **QCOW2, 'location': 'file:///etc/passwd'}),
    post('location of no kind', {'name': 'bad', **QCOW2, 'location': 'gopher://example.org/x'}),
    post('location without scheme', {'name': 'bad', **QCOW2, 'location': 'somewhere'}),
    post('location empty', {'name': 'bad', **QCOW2, 'location': ''}),
    post('copy of a file', {'name': 'bad', **QCOW2}, headers={'x-glance-api-copy-from': 'file:///etc/passwd'}),
    post('copy of nothing', {'name': 'bad', **QCOW2}, headers={'x-glance-api-copy-from': ''}),
    post('two sources', {'name': 'bad', **QCOW2, 'location': '{FILES}/hello'}, b'x'),
    post('three sources', {'name': 'bad', **QCOW2, 'location': '{FILES}/hello'},
         headers={'x-glance-api-copy-from': '{FILES}/hello'}),
    post('location missing there', {'name': 'bad', **QCOW2, 'location': '{FILES}/missing'}),
    post('location of another size', {'name': 'bad', **QCOW2, 'location': '{FILES}/hello', 'size': 3}),
    post('location without formats', {'name': 'bad', 'location': '{FILES}/hello'}),
    post('location nobody listens on', {'name': 'bad', **QCOW2, 'location': '{CLOSED}/hello'}),
    post('refused as JSON', {'name': 'bad', 'disk_format': 'floppy'}, headers={'Accept': 'application/json'}),
    post('refused as text', {'name': 'bad', 'disk_format': 'floppy'}, headers={'Accept': 'text/plain'}),
    post('refused with markup', {'name': 'bad', 'disk_format': '<b>&"\'floppy'}),
    post('creation time of a client', {'name': 'bad', 'created_at': 'yesterday'}),
]

EXTERNAL = [
    post('located', {'name': 'located', **QCOW2, 'location': '{FILES}/hello'}),
    get('data of the located', '/v1/images/{located}'),
    post('located with size', {'name': 'located', **QCOW2, 'location': '{FILES}/hello', 'size': 5}, save='located5'),
    head('located with size HEAD', '/v1/images/{located5}'),
    post('copied', {'name': 'copied', **QCOW2}, headers={'x-glance-api-copy-from': '{FILES}/big'}),
    ask('copied at last', 'alice', 'HEAD', '/v1/images/{copied}', until=active),
    get('data of the copied', '/v1/images/{copied}'),
]

READ = [
    head('small HEAD', '/v1/images/{small}'),
    get('small data', '/v1/images/{small}'),
    get('small data for bob', '/v1/images/{small}', 'bob'),
    head('small for bob HEAD', '/v1/images/{small}', 'bob'),
    head('small for amy HEAD', '/v1/images/{small}', 'amy'),
    head('small for root HEAD', '/v1/images/{small}', 'root'),
    get('public data for bob', '/v1/images/{public}', 'bob'),
    head('unicode HEAD', '/v1/images/{unicode}'),
    head('keys HEAD', '/v1/images/{keys}'),
    head('nothing at all HEAD', '/v1/images/{nothing}'),
    head('percent HEAD', '/v1/images/{percent}'),
    head('full HEAD', '/v1/images/{full}'),
    get('chunks data', '/v1/images/{chunks}'),
    get('empty data', '/v1/images/{empty}'),
    get('zero data', '/v1/images/{zero}'),
    get('queued data', '/v1/images/{queued}'),
    head('queued HEAD', '/v1/images/{queued}'),
    get('a range', '/v1/images/{big}', Range='bytes=0-9'),
    get('if none match', '/v1/images/{iso}', **{'If-None-Match': HELLO_MD5}),
    head('unknown HEAD', f'/v1/images/{UNKNOWN}'),
    get('unknown GET', f'/v1/images/{UNKNOWN}'),
    get('unknown as JSON', f'/v1/images/{UNKNOWN}', Accept='application/json'),
    get('unknown as text', f'/v1/images/{UNKNOWN}', Accept='text/plain'),
    get('unknown without Accept', f'/v1/images/{UNKNOWN}', Accept=''),
    get('number as id', '/v1/images/17'),
    get('id in capitals is another', '/v1/images/' + IDS['small'].upper()),
    head('id as percent text', '/v1/images/%30' + IDS['small'][1:]),
    delete('DELETE of the id of the server', '{served}'),
    delete('DELETE of nothing at all', '{nothing}'),
]

DELTA = 'Ubuntu%2010.04%20%E2%80%93%20%CE%B4%CE%AD%CE%BD%CF%84%CF%81%CE%BF%20100%25'
SORTS = ('name', 'status', 'container_format', 'disk_format', 'size', 'id', 'created_at', 'updated_at')
LIST = [
    get('list', '/v1/images'),
    get('list of details', '/v1/images/detail'),
    get('list at the version', '/v1/'),
    get('list for bob', '/v1/images/detail', 'bob'),
    get('list for root', '/v1/images', 'root'),
    *lists('alice', ['limit=3', 'limit=0', 'limit=-1', 'limit=x', 'limit=', 'limit=2000', 'limit=2&marker={unicode}',
                     'marker={big}', f'marker={UNKNOWN}', 'marker=no-id', 'marker=', 'sort_key=colour', 'sort_dir=up',
                     'sort_key=', 'sort_dir=ASC', 'sort_dir=asc&limit=5', 'limit=1&limit=4',
                     'sort_key=name&sort_dir=asc&marker={iso}&limit=2', 'sort_key=size&sort_dir=asc&marker={big}']),
    *lists('alice', [f'limit=100&sort_key={key}&sort_dir={way}' for key in SORTS for way in ('asc', 'desc')]),
    *lists('alice', ['name=big', 'name=', 'name=Big', 'name=nothing', 'name=in:big,small', 'name=eq:big',
                     'name=ubuntu:16.04', f'name={DELTA}',
                     'name=trimmed', 'status=queued', 'status=active', 'status=killed&limit=5', 'status=nonsense',
                     'status=', 'disk_format=iso', 'disk_format=floppy', 'container_format=aki', 'size_min=100',
                     'size_max=3', 'size_min=5&size_max=5', 'size_min=x', 'size_max=-1', 'size_min=', 'min_ram=512',
                     'min_ram=x', 'min_disk=7', 'protected=true', 'protected=False', 'protected=1', 'protected=maybe',
                     'is_public=true', 'is_public=false', 'is_public=None', 'is_public=odd',
                     'property-arch=x86_64', 'property-arch=x86_64&property-distro=a%20b%26c', 'property-ARCH=x86_64',
                     'property-arch=', 'property-none=1', 'owner=acme&limit=2', 'checksum=x&limit=2',
                     'properties=x&limit=2',
                     'changes-since=2001-01-01T00:00:00&limit=3', 'changes-since=2101-01-01T00:00:00',
                     'changes-since=2001-01-01T00:00:00%2B02:00&limit=2', 'changes-since=2001-01-01T00:00:00+02:00',
                     'changes-since=yesterday', 'changes-since=', 'deleted=True', 'deleted=false&limit=2'],
           '/v1/images/detail'),
    *lists('root', ['is_public=true', 'is_public=false&limit=100', 'is_public=None&limit=100', 'is_public=none&limit=2',
                    'is_public=0&limit=3', 'deleted=True&is_public=None&limit=100', 'owner=acme',
                    'is_public=None&name=small', 'is_public=None&limit=2&sort_key=name&sort_dir=asc'],
           '/v1/images/detail'),
]

UPDATE = [
    put('rename', '{small}', {'name': 'smaller'}, headers=KEEP),
    put('rename purges', '{small}', {'name': 'small'}),
    put('properties again', '{small}', {'property-a': '1', 'property-b': '2'}, headers=PURGE),
    put('one property more', '{small}', {'property-c': '3', 'property-a': 'one'}, headers=KEEP),
    put('a property purged', '{small}', {'property-c': '4'}, headers=PURGE),
    put('purge in odd words', '{small}', {'property-d': '5'}, headers={'x-glance-registry-purge-props': 'perhaps'}),
    put('a property emptied', '{small}', {'property-d': ''}, headers=KEEP),
    put('nothing to update', '{small}', {}, headers=KEEP),
    put('name emptied', '{small}', {'name': ''}, headers=KEEP),
    put('minima', '{small}', {'name': 'small', 'min_ram': 64, 'min_disk': 3}, headers=KEEP),
    put('minimum negative', '{small}', {'min_ram': -3}, headers=KEEP),
    put('formats of an active image', '{small}', {'disk_format': 'raw', 'container_format': 'ovf'}, headers=KEEP),
    put('format unknown', '{small}', {'disk_format': 'floppy'}, headers=KEEP),
    put('formats mixed', '{small}', {'disk_format': 'ami', 'container_format': 'ovf'}, headers=KEEP),
    put('protect', '{small}', {'protected': 'True'}, headers=KEEP),
    put('unprotect', '{small}', {'protected': 'False'}, headers=KEEP),
    put('publish by a member', '{small}', {'is_public': 'True'}, headers=KEEP),
    put('publish by root', '{small}', {'is_public': 'True'}, headers=KEEP, user='root'),
    put('hide again', '{small}', {'is_public': 'False'}, headers=KEEP, user='root'),
    put('same id', '{small}', {'id': '{small}', 'name': 'small'}, headers=KEEP),
    put('other id', '{small}', {'id': '{big}'}, headers=KEEP),
    put('same status', '{small}', {'status': 'active'}, headers=KEEP),
    put('other status', '{small}', {'status': 'queued'}, headers=KEEP),
    put('same size', '{small}', {'size': 5}, headers=KEEP),
    put('other size', '{small}', {'size': 6}, headers=KEEP),
    put('other checksum', '{small}', {'checksum': HELLO_MD5}, headers=KEEP),
    put('owner by alice', '{small}', {'owner': 'beta'}, headers=KEEP),
    put('owner changed by root', '{many}', {'owner': 'gamma'}, headers=KEEP, user='root'),
    head('owner changed HEAD', '/v1/images/{many}', 'carol'),
    put('unknown field of PUT', '{small}', {'colour': 'red'}, headers=KEEP),
    put('name too long for PUT', '{small}', {'name': 'n' * 256}, headers=KEEP),
    put('too many properties', '{full}', {f'property-q{n}': n for n in range(49)}, headers=KEEP),
    put('as many properties by purging', '{full}', {f'property-q{n}': n for n in range(49)}, headers=PURGE),
    put('location of an active image', '{small}', {'location': '{FILES}/hello'}, headers=KEEP),
    put('copy to an active image', '{small}', {}, headers={**KEEP, 'x-glance-api-copy-from': '{FILES}/hello'}),
    put('data of an active image', '{small}', {}, b'again'),
    put('empty body by PUT', '{iso}', {'name': 'iso'}, b'', headers=KEEP),
    put('PUT of the unknown', UNKNOWN, {'name': 'x'}),
    put('PUT by bob', '{small}', {'name': 'of bob'}, user='bob'),
    put('PUT of the public by bob', '{public}', {'name': 'of bob'}, user='bob'),
    put('PUT by amy', '{big}', {'name': 'big'}, headers=KEEP, user='amy'),
    put('PUT by root', '{big}', {'property-by': 'root'}, headers=KEEP, user='root'),
    put('unicode by PUT', '{unicode}', {'name': 'ñandú', 'property-note': '日本'}, headers=KEEP),
    put('data later', '{status}', {}, b'late data'),
    get('late data', '/v1/images/{status}'),
    put('data later in chunks with all', '{void}', {'name': 'filled', 'property-x': 'y'}, [b'in ', b'chunks']),
    put('data without formats by PUT', '{bare}', {}, b'x'),
    put('formats with data', '{bare}', {'disk_format': 'raw', 'container_format': 'bare'}, b'raw'),
    put('location later', '{placed}', {'location': '{FILES}/hello'}, headers=KEEP),
    get('data of the located later', '/v1/images/{placed}'),
    put('copy later', '{signs}', {}, headers={**KEEP, 'x-glance-api-copy-from': '{FILES}/hello'}),
    ask('copied later at last', 'alice', 'HEAD', '/v1/images/{signs}', until=active),
    put('reserved again', '{queued}', {'name': 'still queued', 'size': 77}, headers=KEEP),
    get('list after updates', '/v1/images/detail?limit=100&sort_key=id&sort_dir=asc'),
]

MEMBERS = [
    member('no members', 'GET', 'images/{shared}/members'),
    member('a member', 'PUT', 'images/{shared}/members/beta'),
    member('the member again', 'PUT', 'images/{shared}/members/beta', {'member': {'can_share': False}}),
    member('a member who shares', 'PUT', 'images/{shared}/members/gamma', {'member': {'can_share': True}}),
    member('members', 'GET', 'images/{shared}/members'),
    member('members for beta', 'GET', 'images/{shared}/members', user='bob'),
    member('members for a stranger', 'GET', 'images/{small}/members', user='bob'),
    member('members of the public', 'GET', 'images/{public}/members', user='bob'),
    member('members for root', 'GET', 'images/{shared}/members', user='root'),
    member('members of the unknown', 'GET', f'images/{UNKNOWN}/members'),
    head('shared with bob HEAD', '/v1/images/{shared}', 'bob'),
    get('shared data for bob', '/v1/images/{shared}', 'bob'),
    get('list of the shared', '/v1/images/detail', 'bob'),
    member('shared with beta', 'GET', 'shared-images/beta', user='bob'),
    member('shared with beta for alice', 'GET', 'shared-images/beta'),
    member('shared with beta for carol', 'GET', 'shared-images/beta', user='carol'),
    member('shared with beta for root', 'GET', 'shared-images/beta', user='root'),
    member('shared with nobody', 'GET', 'shared-images/nobody'),
    member('bob may not share', 'PUT', 'images/{shared}/members/delta', user='bob'),
    member('carol may share', 'PUT', 'images/{shared}/members/delta', user='carol'),
    member('members for carol', 'GET', 'images/{shared}/members', user='carol'),
    member('bob may not remove', 'DELETE', 'images/{shared}/members/delta', user='bob'),
    put('bob may not rename', '{shared}', {'name': 'of bob'}, user='bob'),
    delete('bob may not delete', '{shared}', 'bob'),
    member('add to a stranger', 'PUT', 'images/{small}/members/delta', user='bob'),
    member('add to the unknown', 'PUT', f'images/{UNKNOWN}/members/delta'),
    member('add to the public', 'PUT', 'images/{public}/members/beta', user='root'),
    member('can_share as text', 'PUT', 'images/{shared}/members/words', {'member': {'can_share': 'false'}}),
    member('can_share as number', 'PUT', 'images/{shared}/members/number', {'member': {'can_share': 0}}),
    member('can_share as null', 'PUT', 'images/{shared}/members/null', {'member': {'can_share': None}}),
    member('member of no kind', 'PUT', 'images/{shared}/members/odd', {'member': {}}),
    member('member elsewhere', 'PUT', 'images/{shared}/members/odd2', {'other': 1}),
    member('member as a list', 'PUT', 'images/{shared}/members/odd3', [1]),
    member('member as a number', 'PUT', 'images/{shared}/members/odd5', 7),
    member('member not JSON', 'PUT', 'images/{shared}/members/odd6', text='{"member":'),
    member('member with spaces', 'PUT', 'images/{shared}/members/with%20space'),
    member('all members', 'GET', 'images/{shared}/members'),
    member('remove', 'DELETE', 'images/{shared}/members/words'),
    member('remove again', 'DELETE', 'images/{shared}/members/words'),
    member('remove a stranger', 'DELETE', 'images/{shared}/members/stranger'),
    member('remove from the unknown', 'DELETE', f'images/{UNKNOWN}/members/beta'),
    member('replace', 'PUT', 'images/{shared}/members',
           {'memberships': [{'member_id': 'beta', 'can_share': True}, {'member_id': 'epsilon'}]}),
    member('replaced', 'GET', 'images/{shared}/members'),
    member('replace by a bare object', 'PUT', 'images/{shared}/members', {'member_id': 'eta'}),
    member('replace without id', 'PUT', 'images/{shared}/members', {'memberships': [{'can_share': True}]}),
    member('replace by a number', 'PUT', 'images/{shared}/members', 7),
    member('replace not JSON', 'PUT', 'images/{shared}/members', text='[{'),
    member('replace without body', 'PUT', 'images/{shared}/members'),
    member('replace twice the same', 'PUT', 'images/{shared}/members',
           {'memberships': [{'member_id': 'beta'}, {'member_id': 'beta', 'can_share': True}]}),
    member('after replacing', 'GET', 'images/{shared}/members'),
    member('replace by bob', 'PUT', 'images/{small}/members', {'memberships': [{'member_id': 'beta'}]}, 'bob'),
    member('replace at the unknown', 'PUT', f'images/{UNKNOWN}/members', {'memberships': []}),
    member('quota of members', 'PUT', 'images/{shared}/members',
           {'memberships': [{'member_id': f'm{n}'} for n in range(129)]}),
    member('replace by nobody', 'PUT', 'images/{shared}/members', {'memberships': []}),
    member('no members any more', 'GET', 'images/{shared}/members'),
    member('a member to stay', 'PUT', 'images/{big}/members/beta', {'member': {'can_share': True}}),
    member('a member back', 'PUT', 'images/{shared}/members/beta', {'member': {'can_share': False}}),
    member('member without a token', 'PUT', 'images/{shared}/members/beta', user='nobody'),
]

DELETE = [
    delete('protected DELETE', '{protected}'),
    delete('protected DELETE by root', '{protected}', 'root'),
    delete('DELETE by bob', '{small}', 'bob'),
    delete('DELETE of the public by bob', '{public}', 'bob'),
    delete('DELETE of the unknown', UNKNOWN),
    delete('DELETE of the unknown as JSON', UNKNOWN, Accept='application/json'),
    delete('DELETE', '{small}'),
    delete('DELETE again', '{small}'),
    head('deleted HEAD', '/v1/images/{small}'),
    get('deleted data', '/v1/images/{small}'),
    put('deleted PUT', '{small}', {'name': 'x'}),
    head('deleted for root HEAD', '/v1/images/{small}', 'root'),
    get('deleted data for root', '/v1/images/{small}', 'root'),
    put('deleted PUT by root', '{small}', {'name': 'x'}, user='root'),
    delete('deleted DELETE by root', '{small}', 'root'),
    member('members of the deleted', 'GET', 'images/{small}/members'),
    post('id of the deleted', {'id': '{small}', 'name': 'back'}),
    delete('another DELETE', '{bare}'),
    delete('queued DELETE', '{queued}'),
    delete('shared DELETE', '{shared}'),
    member('shared with beta no more', 'GET', 'shared-images/beta', user='bob'),
    delete('DELETE by root', '{iso}', 'root'),
    get('list after deletions', '/v1/images/detail?limit=100&sort_key=id&sort_dir=asc'),
    *lists('root', ['deleted=True&is_public=None&limit=200', 'deleted=1&is_public=None&limit=5',
                    'status=deleted&deleted=True&is_public=None&limit=5&sort_dir=asc'],
           '/v1/images/detail'),
    *lists('alice', ['changes-since=2001-01-01T00:00:00&limit=200'], '/v1/images/detail'),
]

# Where the gateway does something else on purpose, or Glance fails: behind everything that would show it.
OTHERWISE = [
    post('virtual size', {'name': 'virtual', **QCOW2, 'virtual_size': 99}, save='virtual'),
    post('old client headers', {'name': 'old', **QCOW2, 'type': 'raw', 'properties': '{}'}, save='old'),
    post('size and length', {'name': 'both', **QCOW2}, [b'hel', b'lo'],
         headers={'Content-Length': '5', 'Transfer-Encoding': 'chunked'}, save='mixed'),
    get('mixed data', '/v1/images/{mixed}'),
    post('victim', {'name': 'victim', **QCOW2}, b'v'),
    get('method in the query', '/v1/images/{victim}?_method=DELETE'),
    head('still there HEAD', '/v1/images/{victim}'),
    delete('DELETE of the victim', '{victim}'),
    put('data later of wrong size', '{dashes}', {'size': 3}, b'hello'),
    head('killed HEAD', '/v1/images/{dashes}'),
    put('data to the killed', '{dashes}', {}, b'hello'),
    delete('killed DELETE', '{dashes}'),
    put('data of another type by PUT', '{percent}', {}, b'x', headers={'Content-Type': 'text/plain'}),
    ask('JSON by PUT', 'alice', 'PUT', '/v1/images/{expected}', JSON, '{"image":{"name":"json"}}'),
    ask('DELETE with a body', 'alice', 'DELETE', '/v1/images/{kernel}', OCTETS, b'why'),
    member('member as text', 'PUT', 'images/{trimmed}/members/odd4', {'member': 'text'}),
    member('replace by a bare list', 'PUT', 'images/{trimmed}/members', [{'member_id': 'zeta'}]),
    member('members of another way', 'GET', 'images/{trimmed}/members'),
]

# What lies in a Glance.
STATE = [
    get('state', '/v1/images/detail?is_public=None&limit=200', 'root'),
    get('state with what is gone', '/v1/images/detail?changes-since=2001-01-01&is_public=None&limit=300',
        'root'),
    *[member(f'state of members of {name}', 'GET', f'images/{{{name}}}/members') for name in ('big', 'trimmed')],
]

# Status of what is not answered with 201 (POST) or 200 (anything else).
_status = {
    name: int(status) for status, name in (
        line.split(' ', 1) for line in (Path(__file__).parent / 'answers-v1.txt').read_text().splitlines())}


def answered(exchanges):
    return [replace(each, status=_status.pop(each.name, each.status)) for each in exchanges]


ALIKE = answered([*PATHS, *CREATE, *EXTERNAL, *READ, *LIST, *UPDATE, *MEMBERS, *DELETE])
UNLIKE = answered([*REFUSED, *OTHERWISE])
assert not _status, f'no such requests: {_status}'
