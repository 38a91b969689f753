"""What clients get when an object of Pithos+ is not what they say, or the store fails, and that nothing is left of it."""
import hashlib
import os
from http.client import HTTPException

import pytest

from conftest import embedded
from harness.cloud import BLOCK, Cloud, PlanktonUser
from harness.pithos_store import hash_of
from harness.uploads import V1
from harness.wire import call, eventually

MODES = ['reference', 'import']
REFERENCE, IMPORT = (pytest.mark.parametrize('gateway', [mode], indirect=True) for mode in MODES)
DATA = os.urandom(5 * BLOCK + 321)


@pytest.fixture(scope='module')
def cloud():
    with Cloud() as running:
        yield running


@pytest.fixture(scope='module', params=['embedded', 'glance'])
def registry(request, tmp_path_factory):
    if request.param == 'glance':
        return lambda _: {'dialect': 'image-v2', 'url': request.getfixturevalue('glance').url}
    folder = tmp_path_factory.mktemp('registries')
    return lambda mode: {'dialect': 'embedded', 'directory': str(folder / mode)}


@pytest.fixture(scope='module', params=MODES)
def gateway(request, binary, cloud, registry, tmp_path_factory):
    with cloud.gateway(binary, tmp_path_factory.mktemp('gateway'), registry(request.param), request.param) as running:
        yield running


@pytest.fixture
def alice(gateway, cloud):
    yield PlanktonUser(gateway, cloud.user())
    cloud.pithos.heal()


def stored(cloud, alice, data=DATA, **more):
    """An object of alice's, and where it is asked for."""
    location = cloud.pithos.put(alice.user, 'disk', data, **more)
    return location, cloud.pithos.path_of(location)


def assert_refused(cloud, alice, answer, status, name=None):
    assert answer.status == status, answer
    ((fault, value),) = answer.json.items()
    assert value['code'] == status and name in (None, fault), answer
    assert alice.images() == []
    cloud.assert_discreet(alice.gateway, answer)


@pytest.mark.parametrize('what', ['object', 'container', 'account', 'right'])
def test_nothing_to_register(cloud, alice, what):
    stored(cloud, alice)
    bob = cloud.user('bob')
    location = {
        'object': f'pithos://{alice.user.uuid}/images/other', 'container': f'pithos://{alice.user.uuid}/none/disk',
        'account': 'pithos://9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d/images/disk',
        'right': cloud.pithos.put(bob, 'disk', DATA)}[what]
    assert_refused(cloud, alice, alice.register(location), 400, 'badRequest')


def test_an_object_of_another_account_is_not_ones_own_to_register(cloud, alice):
    bob = cloud.user('bob')
    location = cloud.pithos.put(bob, 'disk', DATA, sharing=f'read={alice.user.uuid}')
    answer = alice.register(location)
    assert_refused(cloud, alice, answer, 405, 'notAllowed')
    assert answer.header('Allow')


@pytest.mark.parametrize('declared', [
    {'size': len(DATA) + 1}, {'size': 0}, {'checksum': hash_of(DATA, BLOCK)[::-1]},
    {'checksum': hashlib.md5(DATA).hexdigest()}, {'size': len(DATA), 'checksum': hash_of(b'', BLOCK)}])
def test_a_wrong_declaration(cloud, alice, declared):
    location, _ = stored(cloud, alice)
    assert_refused(cloud, alice, alice.register(location, **declared), 400, 'badRequest')
    read = [each for each in cloud.pithos.seen('GET', cloud.pithos.path_of(location)) if 'hashmap' not in each.query]
    assert read == []


def test_a_right_declaration(cloud, alice):
    location, _ = stored(cloud, alice)
    made = alice.register(location, size=len(DATA), checksum=hash_of(DATA, BLOCK).upper())
    assert made.status == 200, made
    assert made.meta['size'] == str(len(DATA))
    assert alice.data(made.meta['id']).body == DATA


@pytest.mark.parametrize('more', [
    {'manifest': 'images/parts'}, {'available': '0'}, {'available': '-1'}, {'kind': 'application/directory'}])
def test_an_object_that_can_be_no_image(cloud, alice, more):
    location, _ = stored(cloud, alice, **more)
    assert_refused(cloud, alice, alice.register(location), 400, 'badRequest')


@pytest.mark.parametrize('status, answered, name', [
    (401, 401, 'unauthorized'), (403, 400, 'badRequest'), (404, 400, 'badRequest'),
    (500, 500, 'internalServerError'), (503, 503, 'serviceUnavailable')])
def test_the_store_refuses(cloud, alice, status, answered, name):
    location, path = stored(cloud, alice)
    cloud.pithos.fail(status, path=path)
    assert_refused(cloud, alice, alice.register(location), answered, name)
    cloud.pithos.heal()
    assert alice.register(location).status == 200


def test_a_slow_store(cloud, alice):
    location, path = stored(cloud, alice)
    cloud.pithos.fail('slow', path=path, seconds=1)
    made = alice.register(location)
    assert made.status == 200, made
    assert alice.data(made.meta['id']).body == DATA


def test_no_store(cloud, alice):
    location, _ = stored(cloud, alice)
    cloud.pithos.down()
    try:
        assert alice.register(location).status in (500, 503)
        assert alice.images() == []
    finally:
        cloud.pithos.up()
    assert alice.register(location).status == 200


def test_data_that_are_cut_once_go_on_where_they_stopped(cloud, alice):
    location, path = stored(cloud, alice)
    cloud.pithos.forget()
    fault = cloud.pithos.fail('cut', path=path, methods=('GET',), times=1)
    made = alice.register(location)
    assert made.status == 200, made
    assert alice.data(made.meta['id']).body == DATA
    assert fault.met == 1
    half, last = len(DATA) // 2, len(DATA) - 1
    taken_up = [each.headers.get('range') for each in cloud.pithos.seen('GET', path) if each.status == 206]
    assert taken_up == [f'bytes={half}-{last}']


@IMPORT
@pytest.mark.parametrize('kind', ['cut', 'wrong data', 'wrong hash', 'wrong size'])
def test_spoiled_data_are_never_imported(cloud, alice, kind):
    location, path = stored(cloud, alice)
    fault = cloud.pithos.fail(kind, path=path)
    if kind in ('cut', 'wrong data'):
        fault.methods = ('GET',)
    assert_refused(cloud, alice, alice.register(location), 500, 'internalServerError')
    assert fault.met
    cloud.pithos.heal()
    made = alice.register(location)
    assert made.status == 200 and alice.data(made.meta['id']).body == DATA


@REFERENCE
@pytest.mark.parametrize('kind', ['cut', 'wrong data'])
def test_spoiled_data_never_arrive_whole(cloud, alice, kind):
    location, path = stored(cloud, alice)
    number = alice.register(location).meta['id']
    cloud.pithos.fail(kind, path=path, methods=('GET',))
    for url in (f'{alice.gateway.url}/v2/images/{number}/file', f'{alice.gateway.url}/v1/images/{number}'):
        with pytest.raises((HTTPException, ConnectionError)):
            answer = call('GET', url, alice.user.auth)
            assert answer.status in (502, 503), answer
            raise HTTPException('refused before the head')
    cloud.pithos.heal()
    assert alice.data(number).body == DATA


@REFERENCE
@pytest.mark.parametrize('what, v2, v1', [('gone', 204, 404), ('changed', 502, 502), ('withdrawn', 403, 403)])
def test_a_reference_to_what_is_no_longer_there(cloud, alice, what, v2, v1):
    """Never other data under the same image: a new version of the object is not what was registered. 204 is how Image API
    v2 says that there are no data."""
    location, path = stored(cloud, alice)
    number = alice.register(location).meta['id']
    if what == 'changed':
        cloud.pithos.put(alice.user, 'disk', DATA[::-1])
    elif what == 'gone':
        assert call('DELETE', cloud.pithos.url + path, alice.user.auth).status == 204
    else:
        cloud.pithos.fail(403, path=path)
    answers = [alice.data(number), call('GET', f'{alice.gateway.url}/v1/images/{number}', alice.user.auth)]
    assert [answer.status for answer in answers] == [v2, v1], list(map(str, answers))
    cloud.assert_discreet(alice.gateway, *answers)
    cloud.pithos.heal()
    assert call('DELETE', f'{alice.gateway.url}/v2/images/{number}', alice.user.auth).status == 204


def test_v1_clients_register_too(cloud, alice):
    location, _ = stored(cloud, alice)
    headers = {**alice.user.auth, **V1, 'x-image-meta-name': 'v1', 'Content-Length': 0}
    del headers['Content-Type']
    wrong = call('POST', f'{alice.gateway.url}/v1/images', {
        **headers, 'x-image-meta-location': location, 'x-image-meta-size': len(DATA) - 1})
    assert wrong.status in (400, 409), wrong
    assert alice.images() == []
    made = call('POST', f'{alice.gateway.url}/v1/images', {**headers, 'x-image-meta-location': location})
    assert made.status == 201, made
    number = made.json['image']['id']
    assert eventually(lambda: call('HEAD', f'{alice.gateway.url}/v1/images/{number}', alice.user.auth).meta[
        'status'] == 'active')
    assert call('GET', f'{alice.gateway.url}/v1/images/{number}', alice.user.auth).body == DATA
