"""The stand-ins for Astakos and Pithos+ are what the real kamaki expects, and what astakos-pithos says of the services."""
import hashlib
import json
import os
from datetime import timedelta
from http.client import IncompleteRead
from types import SimpleNamespace

import pytest

from harness.astakos import Astakos
from harness.kamaki import KamakiError
from harness.pithos import Pithos
from harness.pithos_store import hash_of
from harness.wire import call, eventually

JSON = {'Content-Type': 'application/json'}
BLOCK = 64 << 10


@pytest.fixture
def cloud():
    """Both services, with alice and bob."""
    with Astakos(release='0.17') as astakos, Pithos(astakos, block_size=BLOCK) as pithos:
        astakos.endpoints |= {
            'image': ('cyclades_plankton', 'v1.0', 'http://127.0.0.1:1/image/v1.0'),
            'object-store': ('pithos_object-store', 'v1', pithos.endpoint)}
        yield SimpleNamespace(astakos=astakos, pithos=pithos, alice=astakos.add('alice'), bob=astakos.add('bob'))


def check(cloud, auth, headers=None):
    """Asks the identity service about credentials."""
    body = b'' if auth is None else json.dumps({'auth': auth}).encode()
    return call('POST', f'{cloud.astakos.identity}/tokens', {**JSON, **(headers or {})}, body)


def at(cloud, location, user, method='GET', query='', body=None, **headers):
    """One request for an object; header names with underscores."""
    headers = {name.replace('_', '-'): value for name, value in headers.items()}
    return call(method, f'{cloud.pithos.url}{cloud.pithos.path_of(location)}{query}', {**user.auth, **headers}, body)


# kamaki


def test_kamaki_authenticates_and_finds_the_services(cloud, kamaki):
    client = kamaki.astakos(cloud.astakos.identity, cloud.alice.token)
    access = client.authenticate()['access']
    assert (access['user']['id'], access['token']['id']) == (cloud.alice.uuid, cloud.alice.token)
    assert client.get_endpoint_url('object-store', 'v1') == cloud.pithos.endpoint
    assert client.get_usernames([cloud.bob.uuid, 'nobody']) == {cloud.bob.uuid: cloud.bob.email}
    assert client.get_uuids([cloud.bob.email]) == {cloud.bob.email: cloud.bob.uuid}
    with pytest.raises(KamakiError) as raised:
        kamaki.astakos(cloud.astakos.identity, 'bm9ib2R5').authenticate()
    assert raised.value.status == 401


@pytest.mark.parametrize('data', [
    b'', b'short', os.urandom(BLOCK), os.urandom(5 * BLOCK + 17), bytes(3 * BLOCK) + b'x' + bytes(BLOCK)],
    ids=['empty', 'short', 'one block', 'many blocks', 'zeros'])
def test_kamaki_uploads_and_downloads_an_object(cloud, kamaki, tmp_path, data):
    client = kamaki.pithos(cloud.pithos.endpoint, cloud.alice.token, cloud.alice.uuid, 'images')
    client.create_container()
    (tmp_path / 'up').write_bytes(data)
    client.upload_object('δίσκος 1/disk.raw', tmp_path / 'up')
    shown = client.get_object_info('δίσκος 1/disk.raw')
    assert (shown['x-object-hash'], int(shown['content-length'])) == (hash_of(data, BLOCK), len(data))
    client.download_object('δίσκος 1/disk.raw', tmp_path / 'down')
    assert (tmp_path / 'down').read_bytes() == data
    assert [each['name'] for each in client.list_objects()] == ['δίσκος 1/disk.raw']
    client.delete_object('δίσκος 1/disk.raw')
    assert client.list_objects() == []
    assert {each.user for each in cloud.pithos.seen()} == {cloud.alice.uuid}


def test_kamaki_sends_only_the_blocks_that_are_missing(cloud, kamaki, tmp_path):
    client = kamaki.pithos(cloud.pithos.endpoint, cloud.alice.token, cloud.alice.uuid, 'images')
    client.create_container()
    (tmp_path / 'up').write_bytes(b'a' * BLOCK + b'b' * BLOCK)
    client.upload_object('one', tmp_path / 'up')
    container = f'/pithos/object-store/v1/{cloud.alice.uuid}/images'
    assert len(cloud.pithos.seen('POST', container)) == 2
    (tmp_path / 'up').write_bytes(b'a' * BLOCK + b'c' * BLOCK)
    client.upload_object('two', tmp_path / 'up')
    assert len(cloud.pithos.seen('POST', container)) == 3
    assert [each.status for each in cloud.pithos.seen('PUT', f'{container}/two')] == [409, 201]


def test_kamaki_is_told_of_quota_and_rights(cloud, kamaki, tmp_path):
    (tmp_path / 'up').write_bytes(b'too much')
    cloud.pithos.put(cloud.alice, 'hers', b'x')
    cloud.pithos.store.quotas[cloud.alice.uuid] = 5
    alice = kamaki.pithos(cloud.pithos.endpoint, cloud.alice.token, cloud.alice.uuid, 'images')
    bob = kamaki.pithos(cloud.pithos.endpoint, cloud.bob.token, cloud.alice.uuid, 'images')
    assert alice.get_account_info()['x-account-policy-quota'] == '5'
    for client, status in ((alice, 413), (bob, 403)):
        with pytest.raises(KamakiError) as raised:
            client.upload_object('more', tmp_path / 'up') if client is alice else client.get_object_info('hers')
        assert raised.value.status == status


# Astakos, section 1


@pytest.mark.parametrize('auth, headers, status, message', [
    ({'token': {'id': 'TOKEN'}}, {'Content-Type': 'text/plain'}, 400, 'Unsupported Content-type: text/plain'),
    ({}, {}, 400, 'Malformed request: missing credentials'),
    ({'token': {}}, {}, 400, 'Malformed request: missing token'),
    ({'token': {'id': 'bm9ib2R5'}}, {}, 401, 'Invalid token'),
    ({'token': {'id': 'TOKEN'}, 'tenantName': 'other'}, {}, 400, 'Not conforming tenantName'),
    ({'passwordCredentials': {'username': 'other', 'password': 'TOKEN'}}, {}, 401, 'Invalid credentials'),
])
def test_astakos_refuses(cloud, auth, headers, status, message):
    auth = json.loads(json.dumps(auth).replace('TOKEN', cloud.alice.token))
    answer = check(cloud, auth, headers)
    (fault,) = answer.json.values()
    assert (answer.status, fault['code'], fault['message']) == (status, status, message)


def test_astakos_answers_no_body_with_a_catalog_and_no_user(cloud):
    answer = check(cloud, None, {'X-Auth-Token': 'bm9ib2R5'})
    assert answer.status == 200 and list(answer.json['access']) == ['serviceCatalog']


def test_astakos_knows_states_of_users(cloud):
    user = cloud.astakos.add('carol', lifetime=timedelta(seconds=-1))
    assert check(cloud, {'token': {'id': user.token}}).json['unauthorized']['message'] == 'Authentication expired'
    cloud.alice.state = 'User inactive'
    assert check(cloud, {'token': {'id': cloud.alice.token}}).json['unauthorized']['message'] == 'User inactive'
    assert check(cloud, {'passwordCredentials': {
        'username': cloud.bob.uuid, 'password': cloud.bob.token}}).json['access']['user']['id'] == cloud.bob.uuid
    cloud.astakos.revoke(cloud.bob.token)
    assert check(cloud, {'token': {'id': cloud.bob.token}}).status == 401
    assert cloud.astakos.lookups[cloud.bob.token] == 2


@pytest.mark.parametrize('release, path, tokens', [
    ('0.13', '/im/authenticate', None), ('0.14', '/account/v1.0/authenticate', '/identity/v2.0/tokens')])
def test_astakos_of_old(release, path, tokens):
    with Astakos(release) as astakos:
        user = astakos.add('alice')
        url = f'{astakos.url}/astakos'
        known = call('GET', url + path, user.auth)
        assert (known.status, known.json['uuid'], known.json['auth_token']) == (200, user.uuid, user.token)
        unknown = call('GET', url + path, {'X-Auth-Token': 'x'})
        assert unknown.status == 401
        if release == '0.13':
            assert unknown.body == b'Invalid X-Auth-Token\n'
        else:
            assert unknown.json['unauthorized']['code'] == 401
            assert call('GET', url + tokens, user.auth).status == 400
        assert astakos.lookups[user.token] == 1


def test_astakos_faults_and_absence(cloud):
    auth = {'token': {'id': cloud.alice.token}}
    for status in (401, 404, 500):
        cloud.astakos.fail(status, times=1)
        assert check(cloud, auth).status == status
    cloud.astakos.fail('cut', times=1)
    with pytest.raises(IncompleteRead):
        check(cloud, auth)
    assert check(cloud, auth).status == 200
    cloud.astakos.down()
    with pytest.raises(ConnectionError):
        check(cloud, auth)
    cloud.astakos.up()
    assert check(cloud, auth).status == 200


# Pithos+, section 2


@pytest.mark.parametrize('data, top', [
    (b'', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'),
    (b'abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'),
    (b'abcdefgh', '7d5473712172f9ec1494baa03da3d8734d12d385d1ca6340856771c3d93382e6'),
    (b'abcdefghij', '18374008371944fcd365918bfd1187d4edcaaad1ce8dc23e746347129b1f22d1'),
    (b'ab' + bytes(6) + b'x', 'dbdf258eea55fd6ccf3cc5c26271d5eaeed91752488acd5c12ab7aa3050e63bb'),
])
def test_hash_of_hashes(data, top):
    assert hash_of(data, block_size=4) == top


def test_pithos_describes_an_object(cloud):
    location = cloud.pithos.put(cloud.alice, 'disk', b'0123456789', sharing=f'read={cloud.bob.uuid}')
    own, other = (at(cloud, location, user, 'HEAD') for user in (cloud.alice, cloud.bob))
    assert own.status == other.status == 200
    assert own.header('ETag') == own.header('X-Object-Hash') == hash_of(b'0123456789')
    assert (own.header('Content-Length'), own.header('Available')) == ('10', '1')
    assert own.header('X-Object-UUID') == cloud.pithos.at(location).uuid
    assert (own.header('X-Object-Allowed-To'), other.header('X-Object-Allowed-To')) == (None, 'read')
    assert own.header('X-Object-Sharing') == f'read={cloud.bob.uuid}'
    pinned = at(cloud, location, cloud.bob, 'HEAD', '?version=' + own.header('X-Object-Version'))
    assert pinned.status == 200 and pinned.header('X-Object-Sharing') is None
    assert at(cloud, location, cloud.alice, 'HEAD', '?version=x').status == 404
    before = cloud.pithos.at(location).uuid
    cloud.pithos.put(cloud.alice, 'disk', b'new')
    assert cloud.pithos.at(location).uuid == before
    assert at(cloud, location, cloud.alice, query='?version=' + own.header('X-Object-Version')).body == b'0123456789'


def test_pithos_hides_what_is_anothers(cloud):
    location = cloud.pithos.put(cloud.alice, 'disk', b'x')
    for missing in (location, f'{location}s', f'pithos://{cloud.alice.uuid}/none/x'):
        assert at(cloud, missing, cloud.bob, 'HEAD').status == 403
    assert at(cloud, f'{location}s', cloud.alice, 'HEAD').status == 404
    assert at(cloud, location, cloud.bob, 'POST', '?update', X_Object_Sharing='read=*').status == 403
    assert at(cloud, location, cloud.alice, 'POST', '?update', X_Object_Sharing='who?').status == 400
    assert at(cloud, location, cloud.alice, 'POST', '?update', X_Object_Sharing='read=*,x').status == 202
    assert at(cloud, location, cloud.bob, 'HEAD').header('X-Object-Sharing') == 'read=*'
    nobody = call('GET', cloud.pithos.url + cloud.pithos.path_of(location))
    assert (nobody.status, list(nobody.json)) == (401, ['unauthorized'])
    stranger = call('GET', cloud.pithos.url + cloud.pithos.path_of(location), {'X-Auth-Token': 'x'})
    assert (stranger.status, list(stranger.json)) == (401, ['fault'])


@pytest.mark.parametrize('range, status, body', [
    ('bytes=0-4', 206, b'01234'), ('bytes=5-', 206, b'56789'), ('bytes=-3', 206, b'789'), ('bytes=9-9', 206, b'9'),
    ('bytes=0-10', 416, None), ('bytes=-11', 416, None), ('bytes=10-', 416, None), ('bytes=5-4', 200, b'0123456789'),
    ('bytes=x', 200, b'0123456789'), ('lines=1-2', 200, b'0123456789')])
def test_pithos_ranges_are_exact(cloud, range, status, body):
    location = cloud.pithos.put(cloud.alice, 'disk', b'0123456789')
    answer = at(cloud, location, cloud.alice, Range=range)
    assert answer.status == status
    if body is not None:
        assert answer.body == body
        assert answer.header('Content-Length') == str(len(body))


def test_pithos_several_ranges(cloud):
    location = cloud.pithos.put(cloud.alice, 'disk', b'0123456789')
    answer = at(cloud, location, cloud.alice, Range='bytes=0-1,4-5')
    assert answer.status == 206 and answer.header('Content-Length') is None
    assert b'Content-Range: bytes 4-5/10\r\nContent-Transfer-Encoding: binary\r\n\r\n45\r\n' in answer.body


def test_pithos_takes_data(cloud):
    home = f'{cloud.pithos.endpoint}/{cloud.alice.uuid}'
    assert call('PUT', f'{home}/new', cloud.alice.auth, b'').status == 201
    assert call('PUT', f'{home}/new', cloud.alice.auth, b'').status == 202
    typed = {**cloud.alice.auth, 'Content-Type': 'application/octet-stream'}
    assert call('PUT', f'{home}/new/disk', cloud.alice.auth, b'data').status == 411
    assert call('PUT', f'{home}/none/disk', typed, b'data').status == 404
    made = call('PUT', f'{home}/new/disk', {**typed, 'If-None-Match': '*'}, [b'da', b'ta'])
    assert (made.status, made.header('ETag')) == (201, hash_of(b'data'))
    assert call('PUT', f'{home}/new/disk', {**typed, 'If-None-Match': '*'}, b'data').status == 412
    assert call('PUT', f'{home}/new/disk', {**typed, 'ETag': '0' * 64}, b'other').status == 422
    assert call('GET', f'{home}/new/disk', {**cloud.alice.auth, 'If-None-Match': f'"{hash_of(b"data")}"'}).status == 304
    assert call('GET', f'{home}/new/disk', {**cloud.alice.auth, 'If-Match': 'x'}).status == 412
    assert call('PUT', f'{home}/new/{"x" * 1025}', typed, b'data').status == 400
    assert call('DELETE', f'{home}/new', cloud.alice.auth).status == 409
    cloud.pithos.store.quotas[cloud.alice.uuid] = 10
    assert call('PUT', f'{home}/new/more', typed, b'7 bytes').status == 413
    joined = {**typed, 'X-Object-Manifest': 'new/di'}
    cloud.pithos.store.quotas.clear()
    assert call('PUT', f'{home}/new/join', joined, b'').status == 201
    shown = call('GET', f'{home}/new/join', cloud.alice.auth)
    assert (shown.header('X-Object-Manifest'), shown.body) == ('new/di', b'data')
    assert (shown.header('X-Object-Hash'), shown.header('ETag')) == (hash_of(b''), hashlib.md5(b'data').hexdigest())


def test_pithos_faults(cloud):
    location = cloud.pithos.put(cloud.alice, 'disk', b'0123456789')
    path = cloud.pithos.path_of(location)
    for status in (401, 404, 413, 500):
        cloud.pithos.fail(status, path=path, times=1)
        assert at(cloud, location, cloud.alice).status == status
    for kind, header, right in (
            ('wrong hash', 'X-Object-Hash', hash_of(b'0123456789')), ('wrong size', 'Content-Length', '10')):
        cloud.pithos.fail(kind, path=path, times=1)
        assert at(cloud, location, cloud.alice, 'HEAD').header(header) not in (right, None)
        assert at(cloud, location, cloud.alice, 'HEAD').header(header) == right
    cloud.pithos.fail('wrong data', times=1)
    assert at(cloud, location, cloud.alice).body == b'01234' + b'4' + b'6789'
    fault = cloud.pithos.fail('cut', methods=('GET',))
    assert at(cloud, location, cloud.alice, 'HEAD').status == 200
    for _ in range(2):
        with pytest.raises(IncompleteRead, match='5 bytes read'):
            at(cloud, location, cloud.alice)
    assert fault.met == 2
    cloud.pithos.heal()
    assert at(cloud, location, cloud.alice).body == b'0123456789'


def test_a_token_in_an_address_is_noticed():
    with pytest.raises(AssertionError, match='tokens came in addresses'):
        with Astakos() as astakos:
            user = astakos.add('alice', token='dG9rZW4')
            call('GET', f'{astakos.identity}/tokens/{user.token}', user.auth)
            assert eventually(lambda: astakos.leaks)
