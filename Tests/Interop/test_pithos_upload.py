"""Clients of Glance give data to a Plankton server: the gateway puts them into Pithos+ and registers them there. Another
Baleen stands in for the server, and asks the same Astakos and Pithos+."""
import hashlib
import io
import os
from contextlib import ExitStack
from types import SimpleNamespace

import pytest
from glanceclient import exc
from glanceclient.v1.client import Client as V1
from glanceclient.v2.client import Client as V2
from keystoneauth1 import session, token_endpoint
from openstack import exceptions
from openstack.connection import Connection

from conftest import ALL_DIALECTS, embedded
from harness.cloud import BLOCK, Cloud, PlanktonUser, sha256
from harness.pithos_store import hash_of
from harness.plankton import PlanktonService
from harness.processes import Gateway
from harness.uploads import half_upload
from harness.wire import call, eventually

RAW = {'disk_format': 'raw', 'container_format': 'bare'}
DATA = os.urandom(7 * BLOCK + 99)


@pytest.fixture(params=['baleen', 'plankton'])
def pair(request, binary, tmp_path):
    """The gateway under test before a Plankton server, with alice."""
    with Cloud() as cloud, ExitStack() as running:
        if request.param == 'plankton':
            behind = running.enter_context(PlanktonService(cloud.pithos))
        else:
            registry = {'dialect': 'embedded', 'directory': embedded(tmp_path).configuration['directory']}
            behind = running.enter_context(
                cloud.gateway(binary, tmp_path / 'behind', registry, mounts=ALL_DIALECTS))
        backend = {
            'dialect': 'plankton', 'url': f'{behind.url}/image', 'pithos': {'url': cloud.pithos.endpoint},
            'pithosUpload': {'container': 'images'}}
        front = running.enter_context(
            Gateway(binary, tmp_path / 'front', backend, identity=cloud.identity, mounts=ALL_DIALECTS))
        yield SimpleNamespace(cloud=cloud, front=front, behind=behind, alice=cloud.user())
        cloud.assert_discreet(front)


# Data that come after an image is registered take the place of its object. A Plankton's image is its object; another
# Baleen keeps to what was registered, and calls such an image changed.
PLANKTON = pytest.mark.parametrize('pair', ['plankton'], indirect=True)
BALEEN = pytest.mark.parametrize('pair', ['baleen'], indirect=True)


def seen_behind(pair, number):
    """The image as the Plankton server has it."""
    answer = call('HEAD', f'{pair.behind.url}/image/v1.0/images/{number}', pair.alice.auth)
    assert answer.status == 200, answer
    return answer.meta


def assert_registered(pair, number, data):
    shown = seen_behind(pair, number)
    assert (shown['status'].lower(), shown['size'], shown['checksum']) == ('available', str(len(data)), hash_of(data, BLOCK))
    stored = pair.cloud.pithos.at(shown['location'])
    assert stored and stored.uuid == number and pair.cloud.pithos.store.data(stored) == data
    assert (stored.account, stored.container) == (pair.alice.uuid, 'images')


def assert_nothing_left(pair):
    listed = call('GET', f'{pair.behind.url}/image/v1.0/images/', pair.alice.auth)
    assert (listed.status, listed.json) == (200, [])
    assert eventually(lambda: pair.cloud.pithos.names(pair.alice) == []), pair.cloud.pithos.names(pair.alice)


def v1(pair):
    return V1(pair.front.url, token=pair.alice.token).images


def sdk(pair):
    auth = token_endpoint.Token(pair.front.url, pair.alice.token)
    return Connection(
        session=session.Session(auth=auth), image_endpoint_override=pair.front.url, image_api_version='2').image


@pytest.mark.parametrize('data', [DATA, b'short', b''], ids=['many blocks', 'short', 'empty'])
def test_v1_clients_upload(pair, data):
    images = v1(pair)
    made = images.create(name='Δίσκος', data=io.BytesIO(data), properties={'osfamily': 'linux'}, **RAW)
    assert (made.name, made.status, made.size) == ('Δίσκος', 'active', len(data))
    assert_registered(pair, made.id, data)
    shown = images.get(made.id)
    assert (shown.size, shown.properties) == (len(data), {'osfamily': 'linux'})
    assert sha256(b''.join(images.data(made.id, do_checksum=False))) == sha256(data)
    kinds = {each.headers.get('content-type') for each in pair.cloud.pithos.seen('PUT') if each.status == 201 and
             '/images/' in each.path}
    assert kinds == {'application/octet-stream'}


def test_v1_clients_upload_in_chunks_and_what_they_demand_is_kept(pair):
    head = {'x-image-meta-name': 'disk', 'x-image-meta-disk_format': 'raw', 'x-image-meta-container_format': 'bare',
            'Content-Type': 'application/octet-stream', **pair.alice.auth}
    pieces = [DATA[start:start + 5000] for start in range(0, len(DATA), 5000)]
    wrong = call('POST', f'{pair.front.url}/v1/images', {**head, 'x-image-meta-checksum': '0' * 32}, pieces)
    assert wrong.status == 400, wrong
    assert_nothing_left(pair)
    right = {'x-image-meta-checksum': hashlib.md5(DATA).hexdigest(), 'x-image-meta-size': len(DATA)}
    made = call('POST', f'{pair.front.url}/v1/images', {**head, **right}, pieces)
    assert made.status == 201, made
    assert_registered(pair, made.json['image']['id'], DATA)


def test_two_images_of_one_name_are_two_objects(pair):
    images = v1(pair)
    numbers = {images.create(name='same', data=io.BytesIO(data), **RAW).id for data in (b'one', b'two')}
    assert len(numbers) == 2
    assert {b''.join(images.data(number, do_checksum=False)) for number in numbers} == {b'one', b'two'}


@PLANKTON
def test_openstacksdk_uploads_and_downloads(pair):
    images = sdk(pair)
    made = images.create_image('from the sdk', data=DATA, validate_checksum=False, distro='Debian δ', **RAW)
    shown = images.get_image(made.id)
    assert (shown.name, shown.status, shown.size) == ('from the sdk', 'active', len(DATA))
    assert shown.properties['distro'] == 'Debian δ'
    assert_registered(pair, made.id, DATA)
    assert sha256(images.download_image(made.id).content) == sha256(DATA)
    part = PlanktonUser(pair.front, pair.alice).data(made.id, Range=f'bytes=10-{BLOCK}')
    assert (part.status, part.body) == (206, DATA[10:BLOCK + 1])
    images.delete_image(made.id, ignore_missing=False)
    with pytest.raises(exceptions.NotFoundException):
        images.get_image(made.id)


def test_what_was_registered_before_is_read_from_the_store(pair):
    location = pair.cloud.pithos.put(pair.alice, 'disk', DATA)
    made = PlanktonUser(pair.front, pair.alice).register(location)
    assert made.status == 200, made
    assert b''.join(v1(pair).data(made.meta['id'], do_checksum=False)) == DATA
    client = V2(pair.front.url, token=pair.alice.token)
    assert b''.join(client.images.data(made.meta['id'], do_checksum=False)) == DATA


@BALEEN
def test_an_object_is_taken_back_when_it_cannot_be_registered(pair):
    """The server finds nothing where the gateway put it, and refuses to register it."""
    for status in (404, 500):
        fault = pair.cloud.pithos.fail(status, methods=('HEAD', 'GET'))
        # The gateway's own look at what it put goes well: only what the server behind asks afterwards fails.
        fault.meets = lambda request: request.method == 'HEAD' and request.path.count('/') > 5 and any(
            each.path == request.path and each.method == 'HEAD' for each in pair.cloud.pithos.seen('HEAD'))
        with pytest.raises(exc.HTTPException) as raised:
            v1(pair).create(name='disk', data=io.BytesIO(DATA), **RAW)
        assert raised.value.code in (400, 404, 500, 502), raised.value
        assert fault.met, 'the server behind did not look'
        pair.cloud.pithos.heal()
        puts = [each for each in pair.cloud.pithos.seen('PUT') if each.status == 201 and '/images/' in each.path]
        assert puts
        assert_nothing_left(pair)


@PLANKTON
@pytest.mark.parametrize('status, answered', [(400, 400), (403, 403), (413, 413), (500, 502), (503, 503), ('drop', 502)])
def test_an_object_is_taken_back_when_registering_is_refused(pair, status, answered):
    fault = pair.behind.fail(status, methods=('POST',))
    with pytest.raises(exc.HTTPException) as raised:
        v1(pair).create(name='disk', data=io.BytesIO(DATA), **RAW)
    assert raised.value.code == answered, raised.value
    assert fault.met
    assert_nothing_left(pair)


def test_an_object_is_taken_back_when_the_server_is_gone(pair):
    pair.behind.down() if isinstance(pair.behind, PlanktonService) else pair.behind.kill()
    head = {'x-image-meta-name': 'disk', 'x-image-meta-disk_format': 'raw', 'x-image-meta-container_format': 'bare',
            'Content-Type': 'application/octet-stream', **pair.alice.auth}
    answer = call('POST', f'{pair.front.url}/v1/images', head, DATA)
    assert answer.status in (502, 503), answer
    assert eventually(lambda: pair.cloud.pithos.names(pair.alice) == []), pair.cloud.pithos.names(pair.alice)
    pair.behind.up() if isinstance(pair.behind, PlanktonService) else pair.behind.start()


def test_over_the_quota(pair):
    pair.cloud.pithos.store.quotas[pair.alice.uuid] = len(DATA) - 1
    with pytest.raises(exc.HTTPException) as raised:
        v1(pair).create(name='disk', data=io.BytesIO(DATA), **RAW)
    assert raised.value.code == 413
    assert_nothing_left(pair)


def test_a_client_that_leaves_half_way(pair):
    owner = SimpleNamespace(token=pair.alice.token)
    connection = half_upload(pair.front, owner, 'half', sent=300_000)
    assert eventually(lambda: pair.cloud.pithos.requests), 'the gateway began nothing'
    connection.close()
    assert_nothing_left(pair)
