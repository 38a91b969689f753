"""A Plankton server behind the gateway: another Baleen with its embedded registry stands in for it, in both profiles."""
import itertools
import json

import pytest

from conftest import embedded
from harness.processes import Gateway
from harness.wire import call


MOUNTS = [
    {'prefix': '/image/v1.0', 'dialect': 'plankton', 'backend': 'main'},
    {'prefix': '/v1', 'dialect': 'glance-v1', 'backend': 'main'},
    {'prefix': '/modern', 'dialect': 'image-v2', 'backend': 'main'},
    {'prefix': '/', 'dialect': 'glance-2010', 'backend': 'main'},
]


class Pair:
    """The gateway under test, and the server behind it with the folder of its objects."""

    def __init__(self, front, behind, objects):
        self.front, self.behind, self.objects = front, behind, objects


@pytest.fixture(params=['guide', 'synnefo'])
def pair(request, binary, tmp_path):
    registry = embedded(tmp_path)
    profile = {'plankton': {'profile': request.param}}
    with Gateway(binary, tmp_path / 'behind', registry.configuration, dialects=profile) as behind:
        backend = {'dialect': 'plankton', 'url': f'{behind.url}/image'}
        with Gateway(binary, tmp_path / 'front', backend, mounts=MOUNTS) as front:
            yield Pair(front, behind, registry.objects)


numbers = itertools.count(1)


class Client:
    """One user, at the gateway and at the server behind."""

    def __init__(self, pair):
        self.pair, self.name = pair, f'user{next(numbers)}'

    def send(self, method, path, headers=(), body=None, gateway=None):
        headers = {'X-Auth-Token': self.name, 'Content-Length': str(len(body or b'')), **dict(headers)}
        if method in ('GET', 'HEAD', 'DELETE'):
            del headers['Content-Length']
        return call(method, f'{(gateway or self.pair.front).url}{path}', headers, body)

    def location(self, name, data=b'disk'):
        path = self.pair.objects / self.name / 'images' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return f'pithos://{self.name}/images/{name}'

    def register(self, name, headers=(), status=200):
        answer = self.send('POST', '/image/v1.0/images/', {
            'X-Image-Meta-Name': name, 'X-Image-Meta-Location': self.location(name), **dict(headers)})
        assert answer.status == status, answer
        return answer.meta

    def seen_behind(self, number):
        """The image as the server behind shows it to whoever asks there."""
        answer = self.send('HEAD', f'/image/v1.0/images/{number}', gateway=self.pair.behind)
        assert answer.status == 200, answer
        return answer.meta


@pytest.fixture
def client(pair):
    return lambda: Client(pair)


def test_plankton_clients_see_what_the_server_has(client):
    alice = client()
    made = alice.register('Debian', {
        'X-Image-Meta-Name': 'D%C3%A9bian',
        'X-Image-Meta-Disk-Format': 'extdump', 'X-Image-Meta-Container-Format': 'ovf',
        'X-Image-Meta-Property-Root-Partition': '1', 'X-Image-Meta-Property-note': 'a%2520b%E2%98%82'})
    assert (made['disk-format'], made['container-format'], made['size']) == ('extdump', 'ovf', '4')
    assert made['property-root-partition'] == '1'
    shown = alice.send('HEAD', f'/image/v1.0/images/{made["id"]}')
    assert shown.status == 200 and shown.meta == made
    behind = alice.seen_behind(made['id'])
    for field in ('id', 'disk-format', 'location', 'checksum', 'owner', 'property-root-partition'):
        assert made[field] == behind[field]
    (entry,) = alice.send('GET', '/image/v1.0/images/detail').json
    assert (entry['name'], entry['properties']) == ('Débian', {'root_partition': '1', 'note': 'a%20b☂'})
    assert alice.send('GET', f'/image/v1.0/images/{made["id"]}').status == 501
    assert alice.send('DELETE', f'/image/v1.0/images/{made["id"]}').status == 204
    assert alice.send('HEAD', f'/image/v1.0/images/{made["id"]}').status == 404
    assert alice.send('GET', '/image/v1.0/images/').json == []


def test_registering_again_resets_everything(client):
    alice, bob = client(), client()
    first = alice.register('one', {'X-Image-Meta-Property-a': '1', 'X-Image-Meta-Property-b': '2'})
    members = f'/image/v1.0/images/{first["id"]}/members'
    assert alice.send('PUT', f'{members}/{bob.name}').status == 204
    again = alice.register('one', {'X-Image-Meta-Property-b': '3', 'X-Image-Meta-Disk-Format': 'ntfsdump'})
    assert (again['id'], again['property-b'], again['disk-format']) == (first['id'], '3', 'ntfsdump')
    assert 'property-a' not in alice.send('HEAD', f'/image/v1.0/images/{first["id"]}').meta
    assert alice.send('GET', members).json == {'members': []}


def test_registering_only_what_is_registered(client):
    alice = client()
    headers = {'X-Image-Meta-Name': 'n', 'X-Image-Meta-Location': alice.location('x')}
    assert alice.send('PUT', '/image/v1.0/images', headers).status == 404
    made = alice.register('x')
    assert alice.send('PUT', '/image/v1.0/images', headers).meta['id'] == made['id']
    assert alice.send('HEAD', f'/image/v1.0/images/{made["id"]}').meta['name'] == 'n'


def test_a_wrong_size_leaves_nothing_behind(client):
    alice = client()
    assert 'size' in alice.register('right', {'X-Image-Meta-Size': '4'})
    alice.register('wrong', {'X-Image-Meta-Size': '5'}, status=400)
    assert [each['name'] for each in alice.send('GET', '/image/v1.0/images/').json] == ['right']


def test_updates_send_what_changes(client):
    alice = client()
    made = alice.register('n', {'X-Image-Meta-Property-a': '1', 'X-Image-Meta-Property-b': '2'})
    path = f'/image/v1.0/images/{made["id"]}'
    answer = alice.send('PUT', path, {
        'X-Image-Meta-Name': 'new%20name', 'X-Image-Meta-Is-Public': 'true', 'X-Image-Meta-Property-a': '',
        'X-Image-Meta-Property-c': '3'})
    assert answer.status == 200
    assert (answer.meta['name'], answer.meta['is-public']) == ('new name', 'True')
    assert {key for key in answer.meta if key.startswith('property-')} == {'property-b', 'property-c'}
    assert alice.send('PUT', path).status == 200
    assert alice.send('PUT', path, {'X-Image-Meta-Location': 'pithos://a/b/c'}).status == 400
    stranger = client()
    assert stranger.send('HEAD', path).status == 200
    assert stranger.send('PUT', path, {'X-Image-Meta-Name': 'mine'}).status == 405


def test_members_go_one_to_one(client):
    alice, bob, carol = client(), client(), client()
    made = alice.register('shared')
    path = f'/image/v1.0/images/{made["id"]}'
    assert bob.send('HEAD', path).status == 404
    assert alice.send('PUT', f'{path}/members/{bob.name}').status == 204
    assert bob.send('HEAD', path).status == 200
    assert alice.send('GET', f'{path}/members').json == {'members': [{'member_id': bob.name, 'can_share': False}]}
    shared = {'shared_images': [{'image_id': made['id'], 'can_share': False}]}
    assert bob.send('GET', f'/image/v1.0/shared-images/{alice.name}').json == shared
    assert alice.send('GET', f'/image/v1.0/shared-images/{bob.name}').json == {'shared_images': []}
    body = b'{"memberships": [{"member_id": "%s"}]}' % carol.name.encode()
    assert alice.send('PUT', f'{path}/members', {'Content-Type': 'application/json'}, body).status == 204
    assert bob.send('HEAD', path).status == 404
    assert carol.send('HEAD', path).status == 200
    assert alice.send('DELETE', f'{path}/members/{carol.name}').status == 204
    assert alice.send('DELETE', f'{path}/members/{carol.name}').status == 204
    assert alice.send('GET', f'{path}/members').json == {'members': []}


def test_lists_are_filtered_and_sorted_by_the_gateway(client):
    alice = client()
    for name, disk, container in (('b', 'extdump', 'ovf'), ('a', 'diskdump', 'bare'), ('c', 'diskdump', 'aki')):
        alice.register(name, {'X-Image-Meta-Disk-Format': disk, 'X-Image-Meta-Container-Format': container,
                              'X-Image-Meta-Property-k': name})

    def names(query, path='/image/v1.0/images/'):
        return [each['name'] for each in alice.send('GET', f'{path}?{query}').json]

    assert names('sort_key=name&sort_dir=desc') == ['c', 'b', 'a']
    assert names('disk_format=diskdump&sort_key=name') == ['a', 'c']
    assert names('disk_format=extdump') == ['b']
    assert names('size_min=5') == []
    assert names('sort_key=container_format&sort_dir=asc') == ['c', 'a', 'b']
    assert names('sort_key=container_format&sort_dir=desc') == ['b', 'a', 'c']
    images = alice.send('GET', '/v1/images?limit=2&sort_key=name&sort_dir=asc').json['images']
    assert [each['name'] for each in images] == ['a', 'b']
    marker = images[-1]['id']
    rest = alice.send('GET', f'/v1/images?limit=2&sort_key=name&sort_dir=asc&marker={marker}').json['images']
    assert [each['name'] for each in rest] == ['c']
    images = alice.send('GET', '/v1/images?limit=1&sort_key=container_format&sort_dir=asc').json['images']
    marker = images[0]['id']
    rest = alice.send('GET', f'/v1/images?limit=1&sort_key=container_format&sort_dir=asc&marker={marker}').json['images']
    assert [each['name'] for each in images + rest] == ['c', 'a']
    assert alice.send('GET', '/v1/images?sort_key=status&marker=d8e3a5a4-3b44-4d9c-8f0e-0c0e7f9c0a11').status == 400
    (found,) = alice.send('GET', '/v1/images?property-k=c').json['images']
    assert found['name'] == 'c'


def test_v1_clients_keep_what_plankton_lacks(client):
    alice, bob = client(), client()
    location = alice.location('v1')
    answer = alice.send('POST', '/v1/images', {
        'x-image-meta-name': 'v1', 'x-image-meta-location': location, 'x-image-meta-disk_format': 'qcow2',
        'x-image-meta-container_format': 'ova', 'x-image-meta-min_ram': '512', 'x-image-meta-min_disk': '3',
        'x-image-meta-protected': 'True', 'x-image-meta-property-os.name': 'x', 'x-image-meta-property-plain': ' y',
        'x-image-meta-property-empty': ''})
    assert answer.status == 201, answer
    made = answer.json['image']
    path = f'/v1/images/{made["id"]}'
    expected = {'name': 'v1', 'disk_format': 'qcow2', 'container_format': 'ova', 'min_ram': 512, 'min_disk': 3,
                'protected': True, 'size': 4, 'status': 'active'}
    assert {key: made[key] for key in expected} == expected
    shown = alice.send('HEAD', path).meta
    assert (shown['disk_format'], shown['min_ram'], shown['protected']) == ('qcow2', '512', 'True')
    assert shown['property-os.name'] == 'x'
    assert not any('gw' in key for key in shown)
    seen = alice.send('HEAD', f'/image/v1.0/images/{made["id"]}').meta
    assert (seen['disk-format'], seen['location']) == ('qcow2', location)
    behind = alice.seen_behind(made['id'])
    assert (behind['disk-format'], behind['property-gw-disk-format']) == ('diskdump', 'qcow2')
    assert alice.send('DELETE', path).status == 403
    assert alice.send('PUT', f'{path}/members/{bob.name}', {'Content-Type': 'application/json'},
                      b'{"member": {"can_share": true}}').status == 204
    assert alice.send('GET', f'{path}/members').json == {'members': [{'member_id': bob.name, 'can_share': True}]}
    shared = alice.send('GET', f'/v1/shared-images/{bob.name}').json
    assert shared == {'shared_images': [{'image_id': made['id'], 'can_share': True}]}
    answer = alice.send('PUT', path, {'x-image-meta-protected': 'False', 'x-image-meta-property-new': '1'})
    assert answer.status == 200, answer
    image = answer.json['image']
    assert (image['disk_format'], image['protected'], image['properties']) == ('qcow2', False, {'new': '1'})
    assert alice.send('GET', f'{path}/members').json == {'members': [{'member_id': bob.name, 'can_share': True}]}
    assert alice.send('DELETE', f'{path}/members/{bob.name}').status == 204
    assert alice.send('DELETE', f'{path}/members/{bob.name}').status == 404
    assert alice.send('DELETE', path).status == 200
    assert alice.send('HEAD', path).status == 404


def test_what_needs_data_is_refused(client):
    alice = client()
    new = {'x-image-meta-name': 'n', 'x-image-meta-disk_format': 'raw', 'x-image-meta-container_format': 'bare'}
    assert alice.send('POST', '/v1/images', new).status == 403
    data = {**new, 'Content-Type': 'application/octet-stream'}
    assert alice.send('POST', '/v1/images', data, b'data').status == 400
    assert alice.send('POST', '/v1/images', {**new, 'x-image-meta-id': '17'}).status in (400, 403)
    made = alice.register('n')
    # What is there already is not silently registered anew.
    twice = {**new, 'x-image-meta-location': f'pithos://{alice.name}/images/n'}
    assert alice.send('POST', '/v1/images', twice).status == 409
    assert alice.send('GET', f'/v1/images/{made["id"]}').status == 400
    assert alice.send('GET', '/v1/images/no-uuid').status == 404
    assert alice.send('PUT', f'/v1/images/{made["id"]}', {'Content-Type': 'application/octet-stream'}, b'x').status == 409


def test_v2_clients_change_what_is_registered(client):
    alice, bob = client(), client()
    made = alice.register('v2', {'X-Image-Meta-Property-os': 'x'})
    path = f'/modern/v2/images/{made["id"]}'
    image = alice.send('GET', path).json
    assert (image['name'], image['os'], image['disk_format'], image['visibility']) == ('v2', 'x', 'raw', 'shared')
    patch = {'Content-Type': 'application/openstack-images-v2.1-json-patch'}

    def change(*operations):
        body = json.dumps([dict(zip(('op', 'path', 'value'), each)) for each in operations]).encode()
        answer = alice.send('PATCH', path, patch, body)
        assert answer.status == 200, answer
        return answer.json

    image = change(('replace', '/name', 'new'), ('add', '/Upper.Case', ''), ('remove', '/os'), ('add', '/tags', ['b', 'a']),
                   ('replace', '/visibility', 'private'), ('replace', '/min_ram', 512))
    expected = {'name': 'new', 'Upper.Case': '', 'visibility': 'private', 'min_ram': 512}
    assert {key: image.get(key) for key in expected} == expected and 'os' not in image
    assert sorted(image['tags']) == ['a', 'b']
    assert not any(key.startswith('gw_') for key in image)
    assert alice.send('GET', path).json == image
    (listed,) = alice.send('GET', '/modern/v2/images?tag=a&visibility=private').json['images']
    assert listed == image
    member = json.dumps({'member': bob.name}).encode()
    assert alice.send('POST', f'{path}/members', {'Content-Type': 'application/json'}, member).status == 403
    change(('replace', '/visibility', 'shared'))
    answer = alice.send('POST', f'{path}/members', {'Content-Type': 'application/json'}, member)
    assert (answer.status, answer.json['status']) == (200, 'accepted')
    assert alice.send('POST', f'{path}/members', {'Content-Type': 'application/json'}, member).status == 409
    (listed,) = bob.send('GET', '/modern/v2/images').json['images']
    assert listed['id'] == made['id']
    assert alice.send('PUT', f'{path}/tags/c').status == 204
    assert alice.send('DELETE', f'{path}/tags/a').status == 204
    assert sorted(alice.send('GET', path).json['tags']) == ['b', 'c']
    assert alice.send('POST', f'{path}/actions/deactivate').status == 403
    assert alice.send('GET', f'{path}/file').status == 400
    assert alice.send('DELETE', f'{path}/members/{bob.name}').status == 204
    assert alice.send('DELETE', f'{path}/members/{bob.name}').status == 404
    assert alice.send('DELETE', path).status == 204
    assert alice.send('GET', path).status == 404


def test_2010_clients_see_public_images(client):
    alice = client()
    alice.register('hidden')
    made = alice.register('public', {'X-Image-Meta-Is-Public': 'true', 'X-Image-Meta-Container-Format': 'aki'})
    listed = alice.send('GET', '/images/detail').json['images']
    (entry,) = [each for each in listed if each['name'] in ('hidden', 'public') and made['id'] in each['uri']]
    assert (entry['name'], entry['type'], entry['size']) == ('public', 'kernel', '4')


def test_limits_are_told_before_the_server_is_asked(client):
    alice = client()
    alice.register('a', {'X-Image-Meta-Property-k': 'v' * 257}, status=400)
    alice.register('b', {'X-Image-Meta-Property-' + 'k' * 94: 'v'}, status=400)
    many = {f'X-Image-Meta-Property-k{number}': 'v' for number in range(29)}
    alice.register('c', many, status=400)
    many.popitem()
    assert len([key for key in alice.register('c', many) if key.startswith('property-')]) == 28


def test_tokens_are_the_servers_to_judge(client):
    alice = client()
    answer = call('GET', f'{alice.pair.front.url}/image/v1.0/images/', {})
    assert (answer.status, list(answer.json)) == (401, ['unauthorized'])


def test_kamaki(client, kamaki):
    alice, bob = client(), client()
    plankton = kamaki.client(f'{alice.pair.front.url}/image/v1.0', alice.name)
    made = plankton.register('ünï 100%', alice.location('k'), {'disk_format': 'extdump'}, {'osfamily': 'λ'})
    shown = plankton.get_meta(made['id'])
    assert (shown['name'], shown['disk-format'], shown['properties']) == ('ünï 100%', 'extdump', {'osfamily': 'λ'})
    (listed,) = plankton.list_public(detail=True)
    assert (listed['name'], listed['properties']) == ('ünï 100%', {'osfamily': 'λ'})
    plankton.add_member(made['id'], bob.name)
    assert plankton.list_members(made['id']) == [{'member_id': bob.name, 'can_share': False}]
    plankton.set_members(made['id'], [])
    assert plankton.list_members(made['id']) == []
    plankton.update_image(made['id'], name='new')
    assert plankton.get_meta(made['id'])['name'] == 'new'
    plankton.unregister(made['id'])
    assert plankton.list_public() == []
