"""Callers whom Astakos knows on a Glance that asks a real Keystone: kamaki and python-glanceclient with an Astakos token."""
import io
import itertools
import json
from dataclasses import dataclass
from urllib.parse import quote

import pytest
from conftest import ALL_DIALECTS
from glanceclient import exc
from glanceclient.v1.client import Client

from harness.astakos import Astakos
from harness.kamaki import KamakiError
from harness.keystone import Keystone, password, secret_file
from harness.processes import Gateway, Glance
from harness.wire import call, eventually

RAW = {'disk_format': 'raw', 'container_format': 'bare'}

# Dialect, and a list in it.
LISTS = [
    ('image-v2', '/v2/images'), ('glance-v1', '/v1/images/detail'), ('plankton', '/image/v1.0/images/'),
    ('glance-2010', '/2010/images'),
]
_numbers = itertools.count(1)


def fresh(name):
    return f'{name}-{next(_numbers)}'


@dataclass
class Bridge:
    """A gateway that asks Astakos who is calling and calls Glance with tokens of Keystone."""

    gateway: Gateway
    astakos: Astakos
    keystone: Keystone
    glance: Glance
    users: dict
    map: dict
    file: object
    kamaki: object

    def __getattr__(self, name):
        """bridge.dora: the user."""
        try:
            return self.users[name]
        except KeyError:
            raise AttributeError(name) from None

    def plankton(self, user):
        return self.kamaki.client(f'{self.gateway.url}/image/v1.0', user.token)

    def v1(self, user):
        return Client(self.gateway.url, token=user.token)

    def write_map(self):
        self.file.write_text(json.dumps(self.map))

    def at_glance(self, keystone_user):
        """Images that Glance shows to somebody's own token of Keystone, by name."""
        answer = call('GET', f'{self.glance.url}/v2/images?limit=1000', {'X-Auth-Token': self.keystone.token(keystone_user)})
        assert answer.status == 200, answer
        return {image['name']: image for image in answer.json['images']}


@pytest.fixture(scope='module')
def bridge(binary, keystone, guarded_glance, kamaki, tmp_path_factory):
    folder = tmp_path_factory.mktemp('bridge')

    def credential(name, user, **named):
        number, secret = keystone.application_credential(user, **named)
        return {'applicationCredential': number, 'secretFile': secret_file(folder, f'{name}.secret', secret)}

    with Astakos(release='0.17') as astakos:
        users = {name: astakos.add(name) for name in ('dora', 'dan', 'erik', 'frank', 'gina', 'hal', 'ida', 'jane')}
        number, _ = keystone.application_credential('alice')
        mapping = {
            'users': {users['dora'].uuid: 'alpha', users['erik'].uuid: 'beta', users['gina'].uuid: 'admins',
                      users['hal'].uuid: 'broken'},
            # To Plankton's world a user is a tenant, too.
            'tenants': {users['dan'].uuid: 'alpha'},
            'projects': {
                'alpha': credential('alpha', 'alice'),
                # Met by the template: nobody names jane.
                f'synnefo-{users["jane"].uuid}': credential('jane', 'alice'),
                'beta': {'trust': keystone.trust('bob', 'baleen')},
                'admins': credential('admins', 'admin', roles=['admin']),
                'broken': {
                    'applicationCredential': number, 'secretFile': secret_file(folder, 'broken.secret', 'not the secret')},
            },
        }
        file = folder / 'bridge.json5'
        identity = {
            'kind': 'astakos', 'url': astakos.identity, 'version': '0.15',
            'bridge': {
                'url': keystone.url, 'file': str(file), 'template': 'synnefo-{user}', 'user': 'baleen', 'userDomain': 'Default',
                'passwordFile': secret_file(folder, 'baleen.password', password('baleen')),
            },
        }
        gateway = Gateway(
            binary, folder, {'dialect': 'image-v2', 'url': guarded_glance.url}, mounts=ALL_DIALECTS, identity=identity)
        made = Bridge(gateway, astakos, keystone, guarded_glance, users, mapping, file, kamaki)
        made.write_map()
        with gateway:
            yield made
        keystone.assert_untold(gateway.log)
        for user in users.values():
            assert user.token not in gateway.log


def assert_plankton_refuses(raised):
    assert raised.value.status in (403, 405), raised.value


def test_kamaki_registers_and_lists_with_an_astakos_token(bridge):
    access = bridge.kamaki.astakos(bridge.astakos.identity, bridge.dora.token).authenticate()['access']
    assert access['user']['id'] == bridge.dora.uuid
    client, name = bridge.plankton(bridge.dora), fresh('Δέντρο')
    location = f'pithos://{bridge.dora.uuid}/images/{name}.diskdump'
    made = client.register(name, location, {'disk_format': 'extdump'}, {'osfamily': 'linux', 'note': 'τιμή'})
    shown = client.get_meta(made['id'])
    for image in (made, shown):
        assert (image['name'], image['disk-format']) == (name, 'extdump')
        assert image['location'] == location
        assert image['properties'] == {'osfamily': 'linux', 'note': 'τιμή'}
        assert (image['status'].lower(), image['is-public']) == ('available', 'False')
    # kamaki decodes headers, and in documents leaves locations as they are written (plankton section 5).
    written = f'pithos://{bridge.dora.uuid}/images/{quote(name)}.diskdump'
    (listed,) = [image for image in client.list_public(detail=True) if image['id'] == made['id']]
    assert (listed['name'], listed['location']) == (name, written)
    # Glance itself says whose it is, and that the location is kept as a mark.
    kept = bridge.at_glance('alice')[name]
    assert kept['owner'] == bridge.keystone.issue('alice').project
    assert (kept['id'], kept['gw_location'], kept['visibility']) == (made['id'], written, 'shared')
    assert name not in bridge.at_glance('bob')
    client.update_image(made['id'], name=f'{name} 2', osfamily='windows')
    assert client.get_meta(made['id'])['properties']['osfamily'] == 'windows'
    client.unregister(made['id'])
    assert made['id'] not in {image['id'] for image in client.list_public()}
    assert f'{name} 2' not in bridge.at_glance('alice')


def test_registering_again_finds_the_image_of_the_location(bridge):
    client, name = bridge.plankton(bridge.dora), fresh('twice')
    location = f'pithos://{bridge.dora.uuid}/images/{name}'
    first = client.register(name, location, {}, {'first': '1'})
    again = client.register(f'{name} again', location, {}, {'second': '2'})
    assert (again['id'], again['properties']) == (first['id'], {'second': '2'})
    client.unregister(first['id'])


@pytest.mark.parametrize('caller, owner', [('dora', 'alice'), ('dan', 'alice'), ('erik', 'bob'), ('jane', 'alice')])
def test_a_project_is_reached_by_user_tenant_or_template_by_credential_or_trust(bridge, caller, owner):
    user, name = bridge.users[caller], fresh(caller)
    made = bridge.plankton(user).register(name, f'pithos://{user.uuid}/images/{name}', {}, {})
    assert bridge.at_glance(owner)[name]['owner'] == bridge.keystone.issue(owner).project
    bridge.plankton(user).unregister(made['id'])
    assert name not in bridge.at_glance(owner)


def test_projects_do_not_see_each_other(bridge):
    dora, erik, name = bridge.plankton(bridge.dora), bridge.plankton(bridge.erik), fresh('private')
    made = dora.register(name, f'pithos://{bridge.dora.uuid}/images/{name}', {}, {})
    assert made['id'] not in {image['id'] for image in erik.list_public()}
    for forbidden in (erik.get_meta, erik.unregister):
        with pytest.raises(KamakiError) as raised:
            forbidden(made['id'])
        assert raised.value.status in (403, 404, 405)
    dora.unregister(made['id'])


def test_data_go_over_the_bridge_in_both_directions(bridge):
    images, data = bridge.v1(bridge.erik).images, bytes(range(256)) * 4096
    made = images.create(name=fresh('data'), data=io.BytesIO(data), **RAW)
    assert (made.status, made.size) == ('active', len(data))
    assert made.owner == bridge.keystone.issue('bob').project
    assert b''.join(images.data(made.id)) == data
    images.delete(made.id)
    with pytest.raises(exc.HTTPNotFound):
        images.get(made.id)


def test_v2_clients_cross_it_too(bridge):
    base, auth, name = f'{bridge.gateway.url}/v2/images', bridge.dora.auth, fresh('v2')
    answer = call(
        'POST', base, {**auth, 'Content-Type': 'application/json'}, json.dumps({'name': name, **RAW}).encode())
    assert answer.status == 201, answer
    number = answer.json['id']
    sent = call('PUT', f'{base}/{number}/file', {**auth, 'Content-Type': 'application/octet-stream'}, b'disk')
    assert sent.status == 204, sent
    assert call('GET', f'{base}/{number}/file', auth).body == b'disk'
    assert bridge.at_glance('alice')[name]['status'] == 'active'
    assert call('DELETE', f'{base}/{number}', auth).status == 204


# Who may not cross it


def assert_forbidden(bridge, user):
    """Plankton says 403 or 405, the others 403, and nothing is made."""
    before = {who: set(bridge.at_glance(who)) for who in ('alice', 'bob', 'admin')}
    client = bridge.plankton(user)
    with pytest.raises(KamakiError) as raised:
        client.list_public()
    assert_plankton_refuses(raised)
    with pytest.raises(KamakiError) as raised:
        client.register('none', f'pithos://{user.uuid}/images/none', {}, {})
    assert_plankton_refuses(raised)
    for dialect, path in LISTS:
        answer = call('GET', bridge.gateway.url + path, user.auth)
        if dialect == 'plankton':
            (name, fault), = answer.json.items()
            assert (answer.status, name) in ((403, 'forbidden'), (405, 'notAllowed')), answer
            assert fault['code'] == answer.status
        else:
            assert answer.status == 403, (dialect, str(answer))
    with pytest.raises(exc.HTTPForbidden):
        bridge.v1(user).images.create(name='none', data=io.BytesIO(b'disk'), **RAW)
    assert {who: set(bridge.at_glance(who)) for who in ('alice', 'bob', 'admin')} == before


def test_a_user_without_a_project_is_forbidden(bridge):
    assert_forbidden(bridge, bridge.frank)


def test_a_credential_of_an_administrator_is_refused(bridge):
    """Roles never rise."""
    assert_forbidden(bridge, bridge.gina)


def test_a_credential_that_keystone_refuses_is_no_fault_of_the_caller(bridge):
    for dialect, path in LISTS:
        answer = call('GET', bridge.gateway.url + path, bridge.hal.auth)
        assert answer.status == 503, (dialect, str(answer))
        assert int(answer.header('Retry-After')) > 0, (dialect, str(answer))


@pytest.mark.parametrize('whose', ['nobody', 'of Keystone'])
def test_tokens_that_astakos_does_not_know_are_401(bridge, whose):
    token = bridge.keystone.token('alice') if whose == 'of Keystone' else 'bm9ib2R5'
    with pytest.raises(KamakiError) as raised:
        bridge.kamaki.client(f'{bridge.gateway.url}/image/v1.0', token).list_public()
    assert raised.value.status == 401
    for dialect, path in LISTS:
        answer = call('GET', bridge.gateway.url + path, {'X-Auth-Token': token})
        assert answer.status == 401, (dialect, str(answer))


# Changes while it runs


def test_a_user_who_is_given_a_project_may_cross_it(bridge):
    """The file is read again when it was written, and at a mistake it stays what it was."""
    def status():
        return call('GET', f'{bridge.gateway.url}/image/v1.0/images/', bridge.ida.auth).status

    assert status() in (403, 405)
    bridge.map['users'][bridge.ida.uuid] = 'beta'
    bridge.write_map()
    assert eventually(lambda: status() == 200, seconds=15)
    bridge.file.write_text('{ users: ')
    # The mistake is told, which shows that the file was read.
    assert eventually(lambda: status() == 200 and "the bridge's map stays what it was" in bridge.gateway.log, seconds=15)
    assert status() == 200
    del bridge.map['users'][bridge.ida.uuid]
    bridge.write_map()
    assert eventually(lambda: status() in (403, 405), seconds=15)


def test_a_bridged_token_that_ends_early_is_renewed(bridge):
    """The owner's tokens all end with the owner's password; credentials outlive it, so nobody at the gateway notices."""
    client, name = bridge.plankton(bridge.dora), fresh('renewed')
    made = client.register(name, f'pithos://{bridge.dora.uuid}/images/{name}', {}, {})
    bridge.keystone.change_password('alice', password('alice'), 'another password of alice')
    try:
        assert made['id'] in {image['id'] for image in client.list_public()}
        assert client.get_meta(made['id'])['name'] == name
        client.unregister(made['id'])
    finally:
        bridge.keystone.change_password('alice', 'another password of alice', password('alice'))
