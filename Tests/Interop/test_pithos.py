"""Images whose data are in Pithos+, registered by the real kamaki as on Plankton and read by clients of Glance: on the
embedded registry and on a real Glance, kept as references and imported."""
import hashlib
import os

import pytest
from glanceclient.v1.client import Client as V1
from glanceclient.v2.client import Client as V2

from conftest import embedded
from harness.cloud import BLOCK, Cloud, PlanktonUser, sha256
from harness.kamaki import KamakiError
from harness.pithos_store import hash_of
from harness.wire import call, eventually

MODES = ['reference', 'import']
DATA = os.urandom(9 * BLOCK + 1234)


@pytest.fixture
def cloud():
    with Cloud() as running:
        yield running


@pytest.fixture(params=['embedded', 'glance'])
def registry(request, tmp_path):
    """The configuration of a registry that holds data itself."""
    if request.param == 'glance':
        return {'dialect': 'image-v2', 'url': request.getfixturevalue('glance').url}
    return {'dialect': 'embedded', 'directory': embedded(tmp_path).configuration['directory']}


@pytest.fixture
def start(binary, cloud, registry, tmp_path):
    """Starts the gateway of a test: start('import', background=True)."""
    running = []

    def start(mode, **settings):
        running.append(cloud.gateway(binary, tmp_path / 'gateway', registry, mode, **settings).start())
        cloud.offer(running[0])
        return running[0]

    yield start
    for gateway in running:
        cloud.assert_discreet(gateway)
        gateway.__exit__(None)


def checksum_of(data, mode):
    """What Plankton clients are shown: the hash that the store has, of a copy the registry's own (mapping section 3.7)."""
    return hash_of(data, BLOCK) if mode == 'reference' else hashlib.md5(data).hexdigest()


def kamaki_of(cloud, kamaki, user):
    """kamaki's image and storage clients, with the addresses that Astakos gives them."""
    astakos = kamaki.astakos(cloud.astakos.identity, user.token)
    account = astakos.authenticate()['access']['user']['id']
    images = kamaki.client(astakos.get_endpoint_url('image', 'v1.0'), user.token)
    return images, kamaki.pithos(astakos.get_endpoint_url('object-store', 'v1'), user.token, account, 'images')


@pytest.mark.parametrize('mode', MODES)
def test_kamaki_registers_and_glance_clients_download(cloud, kamaki, start, tmp_path, mode):
    gateway, alice = start(mode), cloud.user()
    images, storage = kamaki_of(cloud, kamaki, alice)
    (tmp_path / 'disk').write_bytes(DATA)
    storage.create_container()
    storage.upload_object('δίσκος 100%.diskdump', tmp_path / 'disk')
    location = f'pithos://{alice.uuid}/images/δίσκος 100%.diskdump'
    made = images.register('Δίσκος', location, {'disk_format': 'diskdump'}, {'osfamily': 'linux'})
    shown = images.get_meta(made['id'])
    for image in (made, shown):
        assert (image['name'], image['properties']) == ('Δίσκος', {'osfamily': 'linux'})
        assert (image['status'], image['owner'], image['location']) == ('available', alice.uuid, location)
        assert (image['size'], image['checksum']) == (str(len(DATA)), checksum_of(DATA, mode))
    v1, v2 = V1(gateway.url, token=alice.token), V2(gateway.url, token=alice.token)
    (listed,) = v1.images.list()
    assert (listed.name, listed.status, listed.size) == ('Δίσκος', 'active', len(DATA))
    assert sha256(b''.join(v1.images.data(made['id'], do_checksum=False))) == sha256(DATA)
    assert v2.images.get(made['id']).status == 'active'
    assert sha256(b''.join(v2.images.data(made['id'], do_checksum=False))) == sha256(DATA)
    images.unregister(made['id'])
    assert images.list_public() == []
    assert cloud.pithos.names(alice) == ['δίσκος 100%.diskdump']


def test_where_the_data_are(cloud, start):
    gateway, alice = start('import'), PlanktonUser(None, cloud.user())
    alice.gateway = gateway
    location = cloud.pithos.put(alice.user, 'disk', DATA)
    made = alice.register(location)
    assert made.status == 200, made
    cloud.pithos.store.accounts.clear()
    cloud.pithos.forget()
    assert alice.data(made.meta['id']).body == DATA
    assert cloud.pithos.requests == []


@pytest.mark.parametrize('mode', MODES)
def test_ranges_of_v2_clients(cloud, start, mode):
    alice = PlanktonUser(start(mode), cloud.user())
    number = alice.register(cloud.pithos.put(alice.user, 'disk', DATA)).meta['id']
    size = len(DATA)
    cloud.pithos.forget()
    for text, first, last in (
            ('bytes=0-99', 0, 99), (f'bytes={BLOCK - 1}-{3 * BLOCK}', BLOCK - 1, 3 * BLOCK),
            (f'bytes={size - 10}-', size - 10, size - 1), ('bytes=-7', size - 7, size - 1),
            # Pithos+ would answer 416: it wants exact ends.
            (f'bytes={size - 10}-{size + 10}', size - 10, size - 1), (f'bytes=-{size + 1}', 0, size - 1)):
        answer = alice.data(number, Range=text)
        assert (answer.status, answer.header('Content-Range')) == (206, f'bytes {first}-{last}/{size}'), text
        assert answer.body == DATA[first:last + 1], text
    assert alice.data(number, Range=f'bytes={size}-').status == 416
    asked = [each for each in cloud.pithos.seen('GET') if 'hashmap' not in each.query]
    if mode == 'import':
        assert asked == []
    else:
        assert {each.status for each in asked} <= {200, 206} and any(each.status == 206 for each in asked)
        assert asked[0].headers['range'] == 'bytes=0-99'


def test_a_reference_is_read_by_members_with_their_own_right(cloud, start):
    gateway = start('reference')
    alice, bob, carol = (PlanktonUser(gateway, cloud.user(name)) for name in ('alice', 'bob', 'carol'))
    location = cloud.pithos.put(alice.user, 'disk', DATA, sharing=f'read={bob.user.uuid}')
    number = alice.register(location).meta['id']
    for member in (bob, carol):
        answer = call(
            'PUT', f'{gateway.url}/image/v1.0/images/{number}/members/{member.user.uuid}', alice.user.auth, b'')
        assert answer.status == 204, answer
    # In Image API v2 a member finds what it accepts, and reads what it was given.
    assert bob.data(number).body == DATA
    refused = carol.data(number)
    assert refused.status in (403, 404), refused
    cloud.assert_discreet(gateway, refused)


def test_a_reference_is_read_with_the_token_of_a_service(cloud, start, tmp_path):
    service = cloud.user('service')
    file = tmp_path / 'token'
    file.write_text(service.token + '\n')
    gateway = start('reference', token_file=file)
    alice, bob = (PlanktonUser(gateway, cloud.user(name)) for name in ('alice', 'bob'))
    location = cloud.pithos.put(alice.user, 'disk', DATA, sharing=f'read={service.uuid}')
    number = alice.register(location).meta['id']
    assert call(
        'PUT', f'{gateway.url}/image/v1.0/images/{number}/members/{bob.user.uuid}', alice.user.auth, b'').status == 204
    assert bob.data(number).body == DATA
    # Whoever may not read an object may not register it, whatever the service may.
    assert bob.register(location).status == 400
    cloud.assert_discreet(gateway)


def test_rejected(cloud, kamaki, start):
    start('reject')
    alice = cloud.user()
    images, _ = kamaki_of(cloud, kamaki, alice)
    with pytest.raises(KamakiError) as raised:
        images.register('disk', cloud.pithos.put(alice, 'disk', b'0123456789'))
    assert raised.value.status == 400
    assert images.list_public() == []
    assert cloud.pithos.seen() == []


def test_an_import_in_the_background(cloud, kamaki, start):
    gateway, alice = start('import', background=True), cloud.user()
    images, _ = kamaki_of(cloud, kamaki, alice)
    location = cloud.pithos.put(alice, 'disk', DATA)
    fault = cloud.pithos.fail('stall', path=cloud.pithos.path_of(location), methods=('GET',))
    made = images.register('disk', location)
    assert (made['status'], made['location']) == ('saving', location)
    assert eventually(lambda: fault.met, 5)
    assert images.get_meta(made['id'])['status'] == 'saving'
    refused = PlanktonUser(gateway, alice).data(made['id'])
    assert refused.status in (204, 404), refused
    cloud.pithos.heal()
    assert eventually(lambda: images.get_meta(made['id'])['status'] == 'available', 20)
    shown = images.get_meta(made['id'])
    assert (shown['size'], shown['checksum']) == (str(len(DATA)), checksum_of(DATA, 'import'))
    assert PlanktonUser(gateway, alice).data(made['id']).body == DATA


def test_an_import_in_the_background_that_fails(cloud, start):
    alice = PlanktonUser(start('import', background=True), cloud.user())
    location = cloud.pithos.put(alice.user, 'disk', DATA)
    cloud.pithos.fail('wrong data', path=cloud.pithos.path_of(location), methods=('GET',))
    made = alice.register(location)
    assert (made.status, made.meta['status']) == (200, 'saving'), made
    assert eventually(lambda: alice.show(made.meta['id']).status == 404, 20)
    assert alice.images() == []
