"""A registry of the first Glance API behind the gateway: a second Baleen speaks so, on an embedded registry of its own."""
import hashlib
import json

import pytest

from harness.processes import Gateway
from harness.wire import call

BACKENDS = ['glance-2010']
DATA = b'kernel data' * 1000
MD5 = hashlib.md5(DATA).hexdigest()
V1 = 'x-image-meta-'


@pytest.fixture
def owner(user):
    return user()


@pytest.fixture
def v1(gateway, owner):
    """v1('GET', '/images/ID', {HEADER: VALUE}, BODY) as one user."""

    def run(method, path, headers=(), body=None, who=owner):
        return call(method, f'{gateway.url}/v1{path}', {**who.auth, **dict(headers)}, body)

    return run


@pytest.fixture
def made(v1):
    """A v1 image that uses what the registry has no field for."""
    answer = v1('POST', '/images', {
        V1 + 'name': 'näme', V1 + 'disk_format': 'qcow2', V1 + 'container_format': 'ovf', V1 + 'min_ram': '512',
        V1 + 'min_disk': '7', V1 + 'is_public': 'True', V1 + 'property-distro': 'Debian', V1 + 'property-None': 'None',
        'Content-Type': 'application/octet-stream'}, DATA)
    assert answer.status == 201, answer
    return answer.json['image']


@pytest.fixture
def native(backend, owner):
    """native(ID): what the registry itself holds."""
    return lambda identity: call('HEAD', f'{backend.stand_in.url}/images/{identity}', owner.auth).meta


def test_fields_without_place_come_back(v1, made, native):
    meta = v1('HEAD', f'/images/{made["id"]}').meta
    expected = {
        'name': 'näme', 'disk_format': 'qcow2', 'container_format': 'ovf', 'min_ram': '512', 'min_disk': '7',
        'is_public': 'True', 'checksum': MD5, 'size': str(len(DATA)), 'status': 'active', 'protected': 'False',
        'property-distro': 'Debian', 'property-none': 'None'}
    assert {key: meta[key] for key in expected} == expected
    assert not [key for key in meta if key.startswith('property-gw_')]
    held = native(made['id'])
    assert held['type'] == 'raw'
    assert held['property-gw_disk_format'] == 'qcow2' and held['property-gw_container_format'] == 'ovf'
    assert held['property-gw_checksum'] == MD5


def test_download(v1, made):
    answer = v1('GET', f'/images/{made["id"]}')
    assert (answer.status, answer.body) == (200, DATA)
    assert answer.meta['checksum'] == MD5 and answer.header('etag') == MD5


def test_unknown_image(v1):
    for method in ('HEAD', 'GET', 'DELETE'):
        assert v1(method, '/images/0b1f2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d').status == 404
    assert v1('PUT', '/images/0b1f2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d', {V1 + 'name': 'x'}).status == 404


def test_update_purges_by_emptying(v1, made, native):
    path = f'/images/{made["id"]}'
    answer = v1('PUT', path, {V1 + 'name': 'renamed', V1 + 'property-arch': 'amd64'})
    assert answer.status == 200, answer
    image = answer.json['image']
    assert (image['name'], image['properties'], image['is_public']) == ('renamed', {'arch': 'amd64'}, True)
    assert (image['disk_format'], image['checksum'], image['min_ram']) == ('qcow2', MD5, 512)
    assert native(made['id'])['property-distro'] == ''
    answer = v1('PUT', path, {V1 + 'property-distro': 'again', 'x-glance-registry-purge-props': 'false'})
    assert answer.json['image']['properties'] == {'arch': 'amd64', 'distro': 'again'}


def test_withdrawing(v1, made, native):
    path = f'/images/{made["id"]}'
    assert v1('PUT', path, {V1 + 'is_public': 'False'}).json['image']['is_public'] is False
    assert native(made['id'])['is_public'] == 'False'
    listed = [each['id'] for each in v1('GET', '/images').json['images']]
    assert made['id'] not in listed


def test_protection_is_the_gateway_s(v1, made):
    path = f'/images/{made["id"]}'
    keep = {'x-glance-registry-purge-props': 'false'}
    assert v1('PUT', path, {V1 + 'protected': 'True', **keep}).json['image']['protected'] is True
    assert v1('DELETE', path).status == 403
    assert v1('PUT', path, {V1 + 'protected': 'False', **keep}).json['image']['protected'] is False
    assert v1('DELETE', path).status == 200
    assert v1('HEAD', path).status == 404


def test_reserving_and_uploading(v1):
    answer = v1('POST', '/images', {V1 + 'name': 'later', V1 + 'disk_format': 'raw', V1 + 'container_format': 'bare'})
    assert answer.status == 201, answer
    image = answer.json['image']
    assert image['status'] == 'queued'
    path = f'/images/{image["id"]}'
    assert v1('GET', path).status == 404
    answer = v1('PUT', path, {'Content-Type': 'application/octet-stream'}, iter([DATA[:5], DATA[5:]]))
    assert answer.status == 200, answer
    assert (answer.json['image']['status'], answer.json['image']['checksum']) == ('active', MD5)
    assert v1('GET', path).body == DATA
    late = v1('PUT', path, {'Content-Type': 'application/octet-stream'}, DATA)
    assert late.status == 409


@pytest.mark.parametrize('demand', [{V1 + 'checksum': '0' * 32}, {V1 + 'size': str(len(DATA) + 1)}])
def test_wrong_data_leave_nothing(v1, demand, backend, owner):
    headers = {
        V1 + 'name': 'wrong', V1 + 'disk_format': 'raw', V1 + 'container_format': 'bare', V1 + 'is_public': 'True',
        'Content-Type': 'application/octet-stream', **demand}
    assert v1('POST', '/images', headers, DATA).status == 400
    names = [each['name'] for each in call('GET', f'{backend.stand_in.url}/images', owner.auth).json['images']]
    assert 'wrong' not in names


def test_ids_of_clients(v1, native, owner):
    chosen = hashlib.md5(owner.name.encode()).hexdigest()
    chosen = '-'.join((chosen[:8], chosen[8:12], chosen[12:16], chosen[16:20], chosen[20:]))
    headers = {V1 + 'id': chosen, V1 + 'name': 'mine', V1 + 'disk_format': 'raw', V1 + 'container_format': 'bare'}
    assert v1('POST', '/images', headers).json['image']['id'] == chosen
    assert native(chosen)['id'] == chosen
    assert v1('POST', '/images', headers).status == 409


def test_list_is_filtered_sorted_and_cut(v1, owner):
    for number in range(5):
        answer = v1('POST', '/images', {
            V1 + 'name': f'{owner.name}-{"ab"[number % 2]}', V1 + 'disk_format': 'vmdk', V1 + 'is_public': 'True',
            V1 + 'container_format': 'bare', V1 + 'size': '0', V1 + 'property-of': owner.name})
        assert answer.status == 201, answer

    def ids(query, kind=''):
        answer = v1('GET', f'/images{kind}?property-of={owner.name}{query}')
        assert answer.status == 200, answer
        return [each['id'] for each in answer.json['images']]

    everything = ids('&sort_key=id&sort_dir=asc')
    assert len(everything) == 5 and everything == sorted(everything)
    assert ids('&sort_key=id&sort_dir=desc') == everything[::-1]
    assert ids('&sort_key=id&sort_dir=asc&limit=2') == everything[:2]
    assert ids(f'&sort_key=id&sort_dir=asc&limit=2&marker={everything[1]}') == everything[2:4]
    assert len(ids(f'&name={owner.name}-a', '/detail')) == 3
    assert len(ids('&disk_format=vmdk', '/detail')) == 5 and ids('&disk_format=raw') == []
    assert v1('GET', '/images?marker=0b1f2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d').status == 400


def test_members_are_refused(v1, made, gateway, owner):
    path = f'/images/{made["id"]}/members'
    for method, target in [('GET', path), ('PUT', f'{path}/somebody'), ('DELETE', f'{path}/somebody')]:
        assert v1(method, target).status == 404
    assert v1('GET', f'/shared-images/{owner.name}').json == {'shared_images': []}
    plankton = call('PUT', f'{gateway.url}/image/v1.0/images/{made["id"]}/members/somebody', owner.auth)
    assert (plankton.status, json.loads(plankton.body)['notAllowed']['code']) == (405, 405)


def test_copying_is_refused(v1):
    answer = v1('POST', '/images', {
        V1 + 'name': 'copy', V1 + 'disk_format': 'raw', V1 + 'container_format': 'bare',
        'x-glance-api-copy-from': 'http://192.0.2.1/image'})
    assert answer.status == 400, answer


def test_plankton_registers(gateway, owner, backend):
    file = backend.objects / owner.name / 'images' / 'disk'
    file.parent.mkdir(parents=True)
    file.write_bytes(DATA)
    location = f'pithos://{owner.name}/images/disk'
    headers = {
        **owner.auth, 'X-Image-Meta-Name': 'registered', 'X-Image-Meta-Location': location,
        'X-Image-Meta-Disk-Format': 'extdump', 'X-Image-Meta-Property-Os': 'debian', 'X-Image-Meta-Is-Public': 'true'}
    base = f'{gateway.url}/image/v1.0/images'
    answer = call('POST', base + '/', headers)
    assert answer.status == 200, answer
    meta = answer.meta
    assert (meta['name'], meta['location'], meta['disk-format']) == ('registered', location, 'extdump')
    assert (meta['status'], meta['property-os']) == ('available', 'debian')
    again = call('POST', base + '/', {**headers, 'X-Image-Meta-Name': 'twice'})
    assert (again.meta['id'], again.meta['name']) == (meta['id'], 'twice')
    listed = [each for each in call('GET', base + '/detail', owner.auth).json if each['id'] == meta['id']]
    assert [each['disk_format'] for each in listed] == ['extdump']
    assert call('DELETE', f'{base}/{meta["id"]}', owner.auth).status == 204


def test_the_same_dialect_passes(gateway, backend, owner):
    headers = {
        **owner.auth, V1 + 'name': 'kernel', V1 + 'type': 'kernel', V1 + 'is_public': 'True',
        V1 + 'property-distro': 'Debian', 'Content-Type': 'application/octet-stream'}
    answer = call('POST', f'{gateway.url}/images', headers, DATA)
    assert answer.status == 200, answer
    identity = answer.json['image']['id']
    here, there = (
        call('HEAD', f'{url}/images/{identity}', owner.auth).meta for url in (gateway.url, backend.stand_in.url))
    assert there.pop('property-gw_checksum') == MD5
    assert here.pop('uri') == there.pop('uri').replace(backend.stand_in.url, gateway.url)
    assert here == there
    assert call('GET', f'{gateway.url}/images/{identity}', owner.auth).body == DATA
    assert call('DELETE', f'{gateway.url}/images/{identity}', owner.auth).status == 200


def test_v2_clients_stage_where_the_gateway_has_a_directory(binary, backend, owner, tmp_path):
    configuration = {**backend.configuration, 'stagingDirectory': str(tmp_path / 'staged')}
    mounts = [{'prefix': '/', 'dialect': 'image-v2', 'backend': 'main'}]
    json_type, octets = {'Content-Type': 'application/json'}, {'Content-Type': 'application/octet-stream'}
    method = json.dumps({'method': {'name': 'glance-direct'}}).encode()
    with Gateway(binary, tmp_path / 'gateway', configuration, mounts=mounts) as running:
        def run(verb, path, headers=(), body=None):
            return call(verb, f'{running.url}/v2{path}', {**owner.auth, **dict(headers)}, body)

        assert run('GET', '/info/import').json['import-methods']['value'] == ['glance-direct']
        fields = {'name': 'staged', 'disk_format': 'raw', 'container_format': 'bare'}
        path = '/images/' + run('POST', '/images', json_type, json.dumps(fields).encode()).json['id']
        assert run('POST', f'{path}/import', json_type, method).status == 409
        assert run('PUT', f'{path}/stage', octets, DATA).status == 204
        assert run('GET', path).json['status'] == 'uploading'
        assert run('PUT', f'{path}/stage', octets, DATA).status == 409
        running.process.kill()
        running.process.wait()
        running.start()
        assert run('GET', path).json['status'] == 'uploading'
        assert run('POST', f'{path}/import', json_type, method).status == 202
        image = run('GET', path).json
        assert (image['status'], image['size'], image['checksum']) == ('active', len(DATA), MD5)
        assert run('GET', f'{path}/file').body == DATA
        assert [file.name for file in (tmp_path / 'staged').iterdir()] == ['lock']


def test_v2_clients_find_no_staging_without_it(binary, backend, owner, tmp_path):
    mounts = [{'prefix': '/', 'dialect': 'image-v2', 'backend': 'main'}]
    with Gateway(binary, tmp_path / 'gateway', backend.configuration, mounts=mounts) as running:
        body = json.dumps({'name': 'x'}).encode()
        made = call('POST', f'{running.url}/v2/images', {**owner.auth, 'Content-Type': 'application/json'}, body)
        path = f'{running.url}/v2/images/{made.json["id"]}'
        octets = {**owner.auth, 'Content-Type': 'application/octet-stream'}
        assert call('PUT', f'{path}/stage', octets, DATA).status == 404
        method = json.dumps({'method': {'name': 'glance-direct'}}).encode()
        assert call('POST', f'{path}/import', {**owner.auth, 'Content-Type': 'application/json'}, method).status == 404
