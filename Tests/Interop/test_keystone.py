"""A real Keystone says who is asking: before the embedded registry, before a Glance that asks it too, and passed through
to that Glance."""
import io
import itertools
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import ALL_DIALECTS, embedded
from glanceclient import exc
from glanceclient.v1.client import Client

from harness.kamaki import KamakiError
from harness.keystone import Keystone, password, secret_file
from harness.processes import Gateway
from harness.wire import call, eventually

RAW = {'disk_format': 'raw', 'container_format': 'bare'}

# Dialect, and a list in it.
LISTS = [
    ('image-v2', '/v2/images'), ('glance-v1', '/v1/images/detail'), ('plankton', '/image/v1.0/images/'),
    ('glance-2010', '/2010/images'),
]
SENTENCE = b'This server could not verify that you are authorized to access the document you requested.'
_numbers = itertools.count(1)


@dataclass
class Front:
    """A gateway that asks Keystone, or lets the Glance behind it ask."""

    kind: str
    gateway: Gateway
    keystone: Keystone
    objects: Path = None
    kamaki: object = None

    def v1(self, token):
        return Client(self.gateway.url, token=token)

    def plankton(self, token):
        return self.kamaki.client(f'{self.gateway.url}/image/v1.0', token)

    def put(self, account, name):
        """Where an image of the account can be registered; there is an object where somebody looks."""
        if self.objects:
            path = self.objects / account / 'images' / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b'disk')
        return f'pithos://{account}/images/{name}'


@pytest.fixture(scope='module', params=['embedded', 'glance', 'passthrough'])
def front(request, binary, keystone, kamaki, tmp_path_factory):
    folder = tmp_path_factory.mktemp(f'keystone-{request.param}')
    objects = None
    if request.param == 'embedded':
        registry = embedded(folder)
        configuration, objects = {**registry.configuration, 'publish': 'admin'}, registry.objects
    else:
        configuration = {'dialect': 'image-v2', 'url': request.getfixturevalue('guarded_glance').url}
    identity = {'kind': 'passthrough'} if request.param == 'passthrough' else keystone.identity(folder)
    with Gateway(binary, folder, configuration, mounts=ALL_DIALECTS, identity=identity) as gateway:
        yield Front(request.param, gateway, keystone, objects, kamaki)
    keystone.assert_untold(gateway.log)


@pytest.fixture
def asking(binary, embedded_backend, tmp_path):
    """Gateways before an embedded registry with an identity of one's own, one at a time: asking(identity)."""
    return lambda identity: Gateway(
        binary, tmp_path, embedded_backend.configuration, mounts=ALL_DIALECTS, identity=identity)


@pytest.fixture(scope='module')
def other(tmp_path_factory):
    """Another Keystone with users of the same names, which tests may stop and change; each finds it running."""
    with Keystone(tmp_path_factory.mktemp('other-keystone')) as running:
        yield running


def fresh(name):
    return f'{name}-{next(_numbers)}'


def listed(url, token, path='/v1/images'):
    return call('GET', url + path, {'X-Auth-Token': token})


def assert_refused(url, token):
    """401 in each dialect's own form."""
    for dialect, path in LISTS:
        answer = listed(url, token, path)
        assert answer.status == 401, (dialect, str(answer))
        if dialect == 'plankton':
            (name, fault), = answer.json.items()
            assert (name, fault['code']) == ('unauthorized', 401)
        else:
            assert SENTENCE in answer.body, (dialect, str(answer))
        if dialect == 'image-v2':
            assert answer.header('WWW-Authenticate').startswith('Keystone uri='), str(answer)


# Who sees what


def test_v1_clients_see_their_own_images(front):
    owners = {user: front.keystone.issue(user) for user in ('alice', 'bob')}
    clients = {user: front.v1(issued.id).images for user, issued in owners.items()}
    made = {}
    for user, images in clients.items():
        made[user] = images.create(name=fresh(user), data=io.BytesIO(f'disk of {user}'.encode()), **RAW)
        assert (made[user].status, made[user].owner) == ('active', owners[user].project)
    for user, other in (('alice', 'bob'), ('bob', 'alice')):
        images = clients[user]
        seen = {image.id for image in images.list()}
        assert made[user].id in seen and made[other].id not in seen
        assert b''.join(images.data(made[user].id)) == f'disk of {user}'.encode()
        for forbidden in (images.get, images.data, images.delete):
            with pytest.raises(exc.HTTPNotFound):
                forbidden(made[other].id)
    for user, images in clients.items():
        images.delete(made[user].id)
        assert made[user].id not in {image.id for image in images.list()}


def test_plankton_clients_see_their_own_images(front):
    owners = {user: front.keystone.issue(user) for user in ('alice', 'bob')}
    clients = {user: front.plankton(issued.id) for user, issued in owners.items()}
    made = {}
    for user, issued in owners.items():
        name = fresh(user)
        location = front.put(issued.project, f'{name}.diskdump')
        made[user] = clients[user].register(name, location, {}, {'osfamily': 'linux'})
        assert made[user]['owner'] == issued.project
    for user, other in (('alice', 'bob'), ('bob', 'alice')):
        seen = {image['id'] for image in clients[user].list_public()}
        assert made[user]['id'] in seen and made[other]['id'] not in seen
        assert clients[user].get_meta(made[user]['id'])['properties'] == {'osfamily': 'linux'}
        with pytest.raises(KamakiError) as raised:
            clients[user].get_meta(made[other]['id'])
        assert raised.value.status in (403, 404, 405)
    for user, client in clients.items():
        client.unregister(made[user]['id'])
        assert made[user]['id'] not in {image['id'] for image in client.list_public()}


def test_a_shared_image_is_the_other_projects_too(front):
    alice, bob = front.keystone.issue('alice'), front.keystone.issue('bob')
    mine, theirs = front.v1(alice.id), front.v1(bob.id)
    image = mine.images.create(name=fresh('shared'), data=io.BytesIO(b'disk'), **RAW)
    mine.image_members.create(image.id, bob.project)
    assert theirs.images.get(image.id).name == image.name
    assert image.id in {each['image_id'] for each in front.plankton(bob.id).list_shared(alice.project)}
    mine.images.delete(image.id)


def test_only_an_administrator_publishes(front):
    admin, alice = front.v1(front.keystone.token('admin')).images, front.v1(front.keystone.token('alice')).images
    with pytest.raises(exc.HTTPForbidden):
        alice.create(name=fresh('public'), is_public=True, data=io.BytesIO(b'disk'), **RAW)
    image = admin.create(name=fresh('public'), is_public=True, data=io.BytesIO(b'disk'), **RAW)
    try:
        assert image.id in {each.id for each in alice.list()}
        with pytest.raises(exc.HTTPForbidden):
            alice.delete(image.id)
    finally:
        admin.delete(image.id)


# Tokens that count for nothing


@pytest.fixture(scope='module')
def expired(keystone):
    token = keystone.short_lived('alice', seconds=4).id
    assert eventually(lambda: keystone.knows(token) is None, seconds=20)
    return token


@pytest.fixture(scope='module')
def revoked(keystone):
    token = keystone.token('alice')
    keystone.revoke(token)
    return token


@pytest.fixture(scope='module')
def foreign(other):
    return other.token('alice')


@pytest.fixture(scope='module')
def cut(keystone):
    return keystone.token('alice')[:-9]


@pytest.fixture(scope='module')
def garbage():
    return 'garbage'


@pytest.mark.parametrize('kind', ['expired', 'revoked', 'foreign', 'cut', 'garbage'])
def test_a_token_that_is_not_valid_is_401_in_the_dialects_own_form(front, request, kind):
    token = request.getfixturevalue(kind)
    assert_refused(front.gateway.url, token)
    with pytest.raises(exc.HTTPUnauthorized):
        list(front.v1(token).images.list())
    with pytest.raises(KamakiError) as raised:
        front.plankton(token).list_public()
    assert raised.value.status == 401
    # The refusal is not remembered for anybody else.
    assert listed(front.gateway.url, front.keystone.token('alice')).status == 200


def test_a_token_without_a_project_is_refused(keystone, asking, tmp_path):
    person = {'name': 'alice', 'domain': {'id': 'default'}, 'password': 'alice-password'}
    unscoped = keystone.authenticate({'methods': ['password'], 'password': {'user': person}}, scope='unscoped').id
    assert keystone.knows(unscoped)
    with asking(keystone.identity(tmp_path)) as gateway:
        assert_refused(gateway.url, unscoped)


def test_a_token_that_was_good_ends_with_its_time(front):
    """However long answers are remembered: here for a minute."""
    issued = front.keystone.short_lived('bob', seconds=8)
    assert listed(front.gateway.url, issued.id).status == 200
    while time.time() <= issued.expires.timestamp():
        time.sleep(0.05)
    assert_refused(front.gateway.url, issued.id)


def test_a_revoked_token_ends_within_the_lifetime_of_answers(keystone, asking, tmp_path):
    token = keystone.token('alice')
    with asking(keystone.identity(tmp_path, cache={'known': '2s'})) as gateway:
        assert listed(gateway.url, token).status == 200
        keystone.revoke(token)
        assert eventually(lambda: listed(gateway.url, token).status == 401, seconds=4)
        assert_refused(gateway.url, token)
    keystone.assert_untold(gateway.log)


# The gateway's own token


def test_the_gateway_asks_with_an_application_credential(keystone, asking, tmp_path):
    with asking(keystone.identity_by_credential(tmp_path)) as gateway:
        assert listed(gateway.url, keystone.token('bob')).status == 200
        assert_refused(gateway.url, 'garbage')
    keystone.assert_untold(gateway.log)


def test_a_gateway_that_may_not_ask_is_unavailable(keystone, asking, tmp_path):
    """Its own refusal is never the caller's."""
    own = {'user': 'alice', 'project': 'alpha', 'passwordFile': secret_file(tmp_path, 'alice.password', 'alice-password')}
    with asking({**keystone.identity(tmp_path), **own}) as gateway:
        assert_unavailable(gateway.url, keystone.token('bob'))
    wrong = secret_file(tmp_path, 'wrong.password', 'not the password')
    with asking({**keystone.identity(tmp_path), 'passwordFile': wrong}) as gateway:
        assert_unavailable(gateway.url, keystone.token('bob'))
    keystone.assert_untold(gateway.log)


def assert_unavailable(url, token):
    """503 with Retry-After in each dialect's own form."""
    for dialect, path in LISTS:
        answer = listed(url, token, path)
        assert answer.status == 503, (dialect, str(answer))
        assert int(answer.header('Retry-After')) > 0, (dialect, str(answer))
        if dialect == 'plankton':
            (name, fault), = answer.json.items()
            assert (name, fault['code']) == ('serviceUnavailable', 503)


def test_keystone_is_away_and_comes_back(other, asking, tmp_path):
    known, new = other.token('alice'), other.token('bob')
    with asking(other.identity(tmp_path)) as gateway:
        assert listed(gateway.url, known).status == 200
        other.stop()
        try:
            assert_unavailable(gateway.url, new)
            for _, path in LISTS:
                assert listed(gateway.url, known, path).status == 200
            with pytest.raises(exc.HTTPServiceUnavailable):
                list(Client(gateway.url, token=new).images.list())
        finally:
            other.start()
        # A failure is not remembered: the first question after it is asked.
        assert listed(gateway.url, new).status == 200
    other.assert_untold(gateway.log)


def test_keystone_is_away_when_the_gateway_starts(other, asking, tmp_path):
    token, identity = other.token('alice'), other.identity(tmp_path)
    other.stop()
    try:
        with asking(identity) as gateway:
            assert_unavailable(gateway.url, token)
            other.start()
            assert listed(gateway.url, token).status == 200
    finally:
        other.start()


def test_keystone_forgets_the_gateways_token(other, asking, tmp_path):
    """New keys: the gateway's token means nothing any more, and it gets another without a client's notice."""
    with asking(other.identity(tmp_path)) as gateway:
        assert listed(gateway.url, other.token('alice')).status == 200
        before = other.token('bob')
        other.forget_keys()
        assert listed(gateway.url, other.token('alice')).status == 200
        assert_refused(gateway.url, before)
    other.assert_untold(gateway.log)


def test_the_gateways_password_changes(other, asking, tmp_path):
    """All of its tokens end; the file is read again when another is needed."""
    identity = other.identity(tmp_path)
    with asking(identity) as gateway:
        assert listed(gateway.url, other.token('alice')).status == 200
        other.change_password('baleen', password('baleen'), 'another password')
        try:
            assert_unavailable(gateway.url, other.token('bob'))
            secret_file(tmp_path, 'baleen.password', 'another password')
            assert eventually(lambda: listed(gateway.url, other.token('bob')).status == 200)
        finally:
            other.change_password('baleen', 'another password', password('baleen'))
    other.assert_untold(gateway.log)
