"""kamaki 0.16, the released client of Plankton, through the gateway to both backends, and to another gateway as a Plankton
server."""
import re

import pytest

from harness.kamaki import KamakiError

BACKENDS = ['embedded', 'glance', 'plankton']
PROPERTIES = {'osfamily': 'linux', 'root_partition': '1', 'description': 'Δέντρο, 100% – "quoted"'}


class Shelf:
    """The Plankton of one user, with objects in the user's storage to register."""

    def __init__(self, client, user, backend):
        self.client, self.user, self.backend = client, user, backend

    def put(self, name, data=b'disk'):
        """Stores an object where the backend looks for it, and names its location."""
        if self.backend.objects:
            path = self.backend.objects / self.user.name / 'images' / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return f'pithos://{self.user.name}/images/{name}'

    def register(self, name, parameters=None, properties=None, data=b'disk'):
        location = self.put(f'{name}.diskdump', data)
        return self.client.register(name, location, parameters or {}, properties or {})


@pytest.fixture
def shelf(gateway, backend, kamaki):
    """Shelves of users: shelf(alice)."""
    return lambda user: Shelf(kamaki.client(f'{gateway.url}/image/v1.0', user.token), user, backend)


def names(images):
    return [image['name'] for image in images]


def status_of(call, *arguments, **named):
    with pytest.raises(KamakiError) as raised:
        call(*arguments, **named)
    return raised.value.status


def test_register_and_read_back(shelf, user):
    alice = shelf(user())
    made = alice.register('Debian', {'disk_format': 'extdump', 'container_format': 'bare'}, PROPERTIES)
    shown = alice.client.get_meta(made['id'])
    for image in (made, shown):
        assert (image['name'], image['disk-format'], image['container-format']) == ('Debian', 'extdump', 'bare')
        assert image['status'].lower() == 'available'
        assert (image['is-public'], image['owner']) == ('False', alice.user.name)
        assert image['location'] == f'pithos://{alice.user.name}/images/Debian.diskdump'
        assert image['properties'] == PROPERTIES
        assert re.fullmatch(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d', image['created-at'])
        assert image['deleted-at'] == ''
    if alice.backend.objects:
        assert shown['size'] == '4'


def test_unicode_names_and_values(shelf, user):
    alice, properties = shelf(user()), {'note': 'τιμή', 'percent': '%41'}
    made = alice.register('Δέντρο – ünï 100% a∕b', properties=properties)
    shown = alice.client.get_meta(made['id'])
    (listed,) = alice.client.list_public(detail=True)
    for image in (made, shown, listed):
        assert (image['name'], image['properties']) == ('Δέντρο – ünï 100% a∕b', properties)


def test_list_detail_filters_and_order(shelf, user):
    alice = shelf(user())
    alice.register('bravo', {'disk_format': 'diskdump'}, data=b'22')
    alice.register('alpha', {'disk_format': 'extdump'}, data=b'1')
    alice.register('charlie with blanks', {'disk_format': 'ntfsdump', 'container_format': 'ovf'}, data=b'333')
    listing = alice.client.list_public
    brief = listing()
    assert sorted(names(brief)) == ['alpha', 'bravo', 'charlie with blanks']
    assert set(brief[0]) == {'status', 'name', 'disk_format', 'container_format', 'size', 'id'}
    detail = listing(detail=True)
    assert set(brief[0]) | {
        'checksum', 'location', 'created_at', 'updated_at', 'deleted_at', 'is_public', 'owner', 'properties',
    } <= set(detail[0])
    assert detail[0]['is_public'] is False
    assert names(listing(order='name')) == ['alpha', 'bravo', 'charlie with blanks']
    assert names(listing(order='-name')) == ['charlie with blanks', 'bravo', 'alpha']
    assert names(listing(filters={'name': 'bravo'})) == ['bravo']
    assert names(listing(filters={'name': 'charlie with blanks'}, detail=True)) == ['charlie with blanks']
    assert names(listing(filters={'disk_format': 'extdump'})) == ['alpha']
    assert names(listing(filters={'disk_format': 'diskdump'})) == ['bravo']
    assert names(listing(filters={'container_format': 'ovf'})) == ['charlie with blanks']
    assert len(listing(filters={'status': 'available'})) == 3
    assert listing(filters={'name': 'nobody'}) == []
    if alice.backend.objects:
        assert names(listing(order='-size')) == ['charlie with blanks', 'bravo', 'alpha']
        assert names(listing(filters={'size_min': 2}, order='size')) == ['bravo', 'charlie with blanks']
        assert names(listing(filters={'size_max': 2}, order='size')) == ['alpha', 'bravo']
    assert status_of(listing, order='colour') == 400


def test_update(shelf, user):
    alice = shelf(user())
    made = alice.register('before', properties={'osfamily': 'linux', 'users': 'root'})
    alice.client.update_image(
        made['id'], name='after ü'.encode().decode(), disk_format='ntfsdump', public=False, OSFAMILY='windows',
        root_partition='2')
    shown = alice.client.get_meta(made['id'])
    assert (shown['name'], shown['disk-format']) == ('after ü', 'ntfsdump')
    assert shown['properties'] == {'osfamily': 'windows', 'users': 'root', 'root_partition': '2'}


def test_publish_and_withdraw(shelf, user):
    root, bob = shelf(user('root', role='admin')), shelf(user('bob'))
    name = f'public of {root.user.name}'
    made = root.register(name, {'is_public': True})
    try:
        assert made['is-public'] == 'True'
        assert name in names(bob.client.list_public())
        assert bob.client.get_meta(made['id'])['is-public'] == 'True'
        assert status_of(bob.client.update_image, made['id'], name='mine') in (403, 405)
        root.client.update_image(made['id'], public=False)
        assert name not in names(bob.client.list_public())
    finally:
        root.client.unregister(made['id'])


def test_registering_again_resets(shelf, user):
    alice = shelf(user())
    made = alice.register('twice', {'disk_format': 'extdump'}, {'first': '1', 'second': '2'})
    alice.client.add_member(made['id'], 'bob')
    again = alice.register('twice', {}, {'second': '3'})
    assert again['id'] == made['id']
    assert (again['disk-format'], again['properties']) == ('diskdump', {'second': '3'})
    assert alice.client.list_members(made['id']) == []
    assert len(alice.client.list_public()) == 1


def test_members(shelf, user):
    alice, bob, carol = shelf(user('alice')), shelf(user('bob')), shelf(user('carol'))
    made = alice.register('shared')
    number, members = made['id'], alice.client.list_members

    def ids():
        return sorted(each['member_id'] for each in members(number))

    assert ids() == []
    assert status_of(bob.client.get_meta, number) in (403, 404, 405)
    alice.client.set_members(number, [bob.user.name, 'dave'])
    assert ids() == sorted([bob.user.name, 'dave'])
    assert all(each['can_share'] is False for each in members(number))
    alice.client.add_member(number, carol.user.name)
    alice.client.add_member(number, carol.user.name)
    alice.client.remove_member(number, 'dave')
    alice.client.remove_member(number, 'dave')
    assert ids() == sorted([bob.user.name, carol.user.name])
    assert names(bob.client.list_public()) == ['shared']
    assert bob.client.get_meta(number)['name'] == 'shared'
    assert [each['image_id'] for each in bob.client.list_shared(alice.user.name)] == [number]
    assert bob.client.list_shared('nobody') == []
    assert status_of(bob.client.set_members, number, []) in (403, 405)
    alice.client.set_members(number, [])
    assert ids() == []
    assert names(bob.client.list_public()) == []


def test_unregister(shelf, user):
    alice = shelf(user())
    made = alice.register('short-lived')
    alice.client.unregister(made['id'])
    assert alice.client.list_public() == []
    assert status_of(alice.client.get_meta, made['id']) == 404
    assert status_of(alice.client.unregister, made['id']) == 404
    if alice.backend.objects:
        assert (alice.backend.objects / alice.user.name / 'images/short-lived.diskdump').read_bytes() == b'disk'


@pytest.mark.parametrize('parameters', [
    {'disk_format': 'qcow2'}, {'container_format': 'zip'}, {'store': 'swift'}, {'size': 'many'},
])
def test_bad_values_are_refused(shelf, user, parameters):
    alice = shelf(user())
    assert status_of(alice.register, 'bad', parameters) == 400
    assert alice.client.list_public() == []


def test_locations_that_are_none(shelf, user):
    client = shelf(user()).client
    assert status_of(client.register, 'bad', 'http://example.org/x') == 400
    assert status_of(client.register, '', 'pithos://a/b/c') == 400


def test_without_a_token_there_is_nothing(gateway, kamaki):
    assert status_of(kamaki.client(f'{gateway.url}/image/v1.0', '').list_public) == 401
