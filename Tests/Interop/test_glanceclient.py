"""python-glanceclient 4.13, library and command line, speaks v1 through the gateway to both backends."""
import hashlib
import io
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from glanceclient import exc
from glanceclient.v1.client import Client

BACKENDS = ['embedded', 'glance', 'glance-v1']
QCOW2 = {'disk_format': 'qcow2', 'container_format': 'bare'}


def md5(data):
    return hashlib.md5(data).hexdigest()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def client(gateway):
    """Clients of users: client(alice)."""
    return lambda user: Client(gateway.url, token=user.token)


@pytest.fixture
def published():
    """Public images are everybody's: whoever makes one puts (client, id) here, and it goes at the end of the test."""
    made = []
    yield made
    for client, image_id in made:
        client.images.delete(image_id)


def names(images):
    return sorted(image.name for image in images)


# Library


@pytest.mark.parametrize('which, disk_format', [('iso', 'iso'), ('qcow2', 'qcow2')])
def test_a_real_image_goes_up_and_comes_down_the_same(client, user, request, which, disk_format):
    images, path = client(user()).images, request.getfixturevalue(which)
    data = path.read_bytes()
    with open(path, 'rb') as file:
        made = images.create(
            name=path.name, disk_format=disk_format, container_format='bare', min_ram=64, min_disk=1,
            properties={'distro': 'Debian', 'os_version': '12'}, data=file)
    assert (made.status, made.size, made.checksum) == ('active', len(data), md5(data))
    shown = images.get(made.id)
    assert (shown.name, shown.disk_format, shown.container_format) == (path.name, disk_format, 'bare')
    assert (shown.min_ram, shown.min_disk, shown.size) == (64, 1, len(data))
    assert (shown.is_public, shown.protected, shown.deleted) == (False, False, False)
    assert shown.properties == {'distro': 'Debian', 'os_version': '12'}
    assert re.fullmatch(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}', shown.created_at)
    assert sha256(b''.join(images.data(made.id))) == sha256(data)
    images.delete(made.id)
    with pytest.raises(exc.HTTPNotFound):
        images.get(made.id)


def test_an_image_of_no_bytes_is_active(client, user):
    images = client(user()).images
    made = images.create(name='empty', data=io.BytesIO(b''), **QCOW2)
    assert (made.status, made.size) == ('active', 0)
    assert b''.join(images.data(made.id)) == b''


def test_names_and_values_keep_every_letter(client, user):
    images = client(user()).images
    name = 'Ubuntu 10.04 – δέντρο 100%'
    made = images.create(
        name=name, properties={'note': 'a%25b ü', 'kernel id': '7'}, data=io.BytesIO(b'x'), **QCOW2)
    (listed,) = images.list()
    assert listed.name == made.name == name
    assert listed.properties == made.properties == {'note': 'a%25b ü', 'kernel id': '7'}


def test_a_reserved_image_takes_its_data_later(client, user):
    images = client(user()).images
    made = images.create(name='later', **QCOW2)
    assert (made.status, made.size, made.checksum) == ('queued', 0, None)
    with pytest.raises(exc.HTTPNotFound):
        images.data(made.id)
    filled = images.update(made.id, data=io.BytesIO(b'hello'))
    assert (filled.status, filled.size, filled.checksum) == ('active', 5, md5(b'hello'))
    with pytest.raises(exc.HTTPConflict):
        images.update(made.id, data=io.BytesIO(b'again'))


def test_an_id_of_ones_own_is_kept_and_taken_once(client, user):
    images, number = client(user()).images, '6b1cdb2d-9dd2-4d2e-9c35-%012x' % int.from_bytes(os.urandom(6), 'big')
    assert images.create(id=number, name='mine').id == number
    with pytest.raises(exc.HTTPConflict):
        images.create(id=number, name='mine too')


FILTERED = [
    # filter, names of the images of test_list that pass it
    ({}, 'aki big iso queued small'),
    ({'name': 'big'}, 'big'),
    ({'name': 'nothing has this name'}, ''),
    ({'name': 'in:big,small'}, ''),
    ({'status': 'active'}, 'aki big iso small'),
    ({'status': 'queued'}, 'queued'),
    ({'disk_format': 'qcow2'}, 'big queued small'),
    ({'disk_format': 'iso'}, 'iso'),
    ({'container_format': 'aki'}, 'aki'),
    ({'size_min': 100}, 'big iso'),
    ({'size_max': 100}, 'aki iso queued small'),
    ({'size_min': 100, 'size_max': 100}, 'iso'),
    ({'min_ram': 512}, 'big'),
    ({'min_disk': 7}, 'small'),
    ({'protected': 'True'}, 'iso'),
    ({'properties': {'arch': 'x86_64'}}, 'big small'),
    ({'properties': {'arch': 'x86_64', 'distro': 'a b&c'}}, 'big'),
    ({'properties': {'arch': 'sparc'}}, ''),
    ({'changes-since': '2001-01-01T00:00:00'}, 'aki big iso queued small'),
    ({'changes-since': '2101-01-01T00:00:00'}, ''),
]


def test_list_with_every_filter_order_and_page(client, user):
    images = client(user()).images
    images.create(
        name='small', min_disk=7, properties={'arch': 'x86_64', 'distro': 'Debian'}, data=io.BytesIO(b'12345'), **QCOW2)
    images.create(
        name='big', min_ram=512, properties={'arch': 'x86_64', 'distro': 'a b&c'}, data=io.BytesIO(b'b' * 1000),
        **QCOW2)
    images.create(name='iso', disk_format='iso', container_format='bare', protected=True, data=io.BytesIO(b'i' * 100))
    images.create(name='aki', disk_format='aki', container_format='aki', data=io.BytesIO(b'k'))
    images.create(name='queued', **QCOW2)
    wrong = []
    for filters, expected in FILTERED:
        seen = names(images.list(filters=dict(filters)))
        if seen != sorted(expected.split()):
            wrong.append((filters, expected, seen))
    assert wrong == []

    def order(**arguments):
        return [image.name for image in images.list(**arguments)]

    assert order(sort_key='name', sort_dir='asc') == ['aki', 'big', 'iso', 'queued', 'small']
    assert order(sort_key='size', sort_dir='desc') == ['big', 'iso', 'small', 'aki', 'queued']
    assert order(sort_key='name', sort_dir='desc', page_size=2) == ['small', 'queued', 'iso', 'big', 'aki']
    assert order(sort_key='name', sort_dir='asc', page_size=1, limit=3) == ['aki', 'big', 'iso']
    big = next(image for image in images.list() if image.name == 'big')
    assert order(sort_key='name', sort_dir='asc', marker=big.id) == ['iso', 'queued', 'small']
    for image in images.list(filters={'protected': 'True'}):
        images.update(image.id, protected=False)


def test_public_images_are_everybodys(client, user, published):
    root, bob = client(user('root', role='admin')), client(user('bob'))
    name = f'public of {id(root)}'
    made = root.images.create(name=name, is_public=True, data=io.BytesIO(b'public'), **QCOW2)
    published.append((root, made.id))
    assert made.is_public is True
    assert name in names(bob.images.list())
    assert name in names(bob.images.list(filters={'is_public': 'true'}))
    assert b''.join(bob.images.data(made.id)) == b'public'
    with pytest.raises(exc.HTTPForbidden):
        bob.images.update(made.id, name='bob was here')
    with pytest.raises(exc.HTTPForbidden):
        bob.images.delete(made.id)
    assert root.images.update(made.id, is_public=False).is_public is False
    assert name not in names(bob.images.list())


@pytest.mark.parametrize('purge, left', [(True, {'b': '3'}), (False, {'a': '1', 'b': '3'})])
def test_update_with_and_without_purging(client, user, purge, left):
    images = client(user()).images
    made = images.create(name='before', min_ram=1, properties={'a': '1', 'b': '2'}, data=io.BytesIO(b'data'), **QCOW2)
    updated = images.update(made.id, name='after', min_ram=2, properties={'b': '3'}, purge_props=purge)
    for image in (updated, images.get(made.id)):
        assert (image.name, image.min_ram, image.properties) == ('after', 2, left)
        assert (image.status, image.size, image.disk_format) == ('active', 4, 'qcow2')


def test_a_protected_image_stays(client, user):
    images = client(user()).images
    made = images.create(name='kept', protected=True, data=io.BytesIO(b'data'), **QCOW2)
    with pytest.raises(exc.HTTPForbidden):
        images.delete(made.id)
    images.update(made.id, protected=False)
    images.delete(made.id)


def test_members_share_an_image(client, user):
    alice, bob, carol = user('alice'), user('bob'), user('carol')
    mine, bobs = client(alice), client(bob)
    made = mine.images.create(name='shared', data=io.BytesIO(b'shared'), **QCOW2)
    with pytest.raises(exc.HTTPNotFound):
        bobs.images.get(made.id)
    assert mine.image_members.list(image=made.id) == []

    mine.image_members.create(made.id, bob.name)
    mine.image_members.create(made.id, carol.name, can_share=True)
    members = {(each.member_id, each.can_share) for each in mine.image_members.list(image=made.id)}
    assert members == {(bob.name, False), (carol.name, True)}
    assert bobs.images.get(made.id).name == 'shared'
    assert names(bobs.images.list()) == ['shared']
    assert [each.image_id for each in bobs.image_members.list(member=bob.name)] == [made.id]
    assert [each.image_id for each in mine.image_members.list(member=bob.name)] == [made.id]
    with pytest.raises(exc.HTTPNotFound):
        bobs.image_members.create(made.id, 'dave')

    mine.image_members.replace(made.id, [{'member_id': carol.name}, {'member_id': 'dave'}])
    assert {each.member_id for each in mine.image_members.list(image=made.id)} == {carol.name, 'dave'}
    mine.image_members.delete(made.id, 'dave')
    with pytest.raises(exc.HTTPNotFound):
        mine.image_members.delete(made.id, 'dave')
    assert [each.member_id for each in mine.image_members.list(image=made.id)] == [carol.name]
    with pytest.raises(exc.HTTPNotFound):
        bobs.images.get(made.id)


@pytest.mark.parametrize('arguments, error', [
    ({'disk_format': 'floppy', 'container_format': 'bare', 'data': b'x'}, exc.HTTPBadRequest),
    ({'disk_format': 'qcow2', 'container_format': 'box', 'data': b'x'}, exc.HTTPBadRequest),
    ({'disk_format': 'ami', 'container_format': 'bare', 'data': b'x'}, exc.HTTPBadRequest),
    ({'container_format': 'bare', 'data': b'x'}, exc.HTTPBadRequest),
    ({'min_ram': 'much', **QCOW2}, exc.HTTPBadRequest),
    ({'size': -1, **QCOW2}, exc.HTTPBadRequest),
    ({'name': 'n' * 256, **QCOW2}, exc.HTTPBadRequest),
    ({'id': 'not an id', **QCOW2}, exc.HTTPBadRequest),
    ({'location': 'file:///etc/passwd', **QCOW2}, exc.HTTPBadRequest),
    ({'copy_from': 'gopher://example.org/x', **QCOW2}, exc.HTTPBadRequest),
    ({'size': 7, 'data': b'hello', **QCOW2}, exc.HTTPBadRequest),
    ({'checksum': '0' * 32, 'data': b'hello', **QCOW2}, exc.HTTPBadRequest),
])
def test_what_cannot_be_is_refused_and_leaves_nothing(client, user, arguments, error):
    images = client(user()).images
    body = {'data': io.BytesIO(arguments['data'])} if 'data' in arguments else {}
    with pytest.raises(error):
        images.create(**{'name': 'bad', **arguments, **body})
    assert list(images.list(filters={'name': 'bad'})) == []


def test_without_a_token_there_is_nothing(gateway):
    with pytest.raises(exc.HTTPUnauthorized):
        list(Client(gateway.url, token=None).images.list())


# Command line


@pytest.fixture
def cli(gateway, user):
    """The command `glance`, for one user."""
    owner = user()

    def run(*arguments, fails=False):
        # Anything but a terminal is image data for `glance`.
        terminal, stdin = pty.openpty()
        done = subprocess.run(
            [Path(sys.executable).parent / 'glance', '--os-image-api-version', '1', '--os-auth-token', owner.token,
             '--os-image-url', gateway.url, *map(str, arguments)],
            capture_output=True, text=True, timeout=60, stdin=stdin,
            env={**os.environ, 'LC_ALL': 'C.UTF-8'})
        os.close(terminal)
        os.close(stdin)
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stderr if fails else done.stdout

    return run


def rows(table):
    """The rows of a table as the command prints it, without its head."""
    lines = [line for line in table.splitlines() if line.startswith('|')]
    return [[cell.strip() for cell in line.strip('|').split('|')] for line in lines][1:]


def test_a_days_work_on_the_command_line(cli, iso, tmp_path):
    made = dict(rows(cli(
        'image-create', '--name', 'ipxe', '--disk-format', 'iso', '--container-format', 'bare', '--file', iso,
        '--property', 'purpose=network boot', '--property', 'arch=x86_64', '--min-ram', '32')))
    assert (made['status'], made['size']) == ('active', str(iso.stat().st_size))
    assert made['checksum'] == md5(iso.read_bytes())
    assert made["Property 'purpose'"] == 'network boot'

    (listed,) = rows(cli('image-list'))
    assert listed[:2] == [made['id'], 'ipxe']
    assert rows(cli('image-list', '--disk-format', 'qcow2')) == []
    assert rows(cli('image-list', '--property-filter', 'arch=x86_64', '--sort-key', 'name'))[0][1] == 'ipxe'

    shown = dict(rows(cli('image-show', made['id'])))
    assert (shown['name'], shown['min_ram'], shown["Property 'arch'"]) == ('ipxe', '32', 'x86_64')
    assert dict(rows(cli('image-show', 'ipxe')))['id'] == made['id']

    updated = dict(rows(cli('image-update', made['id'], '--name', 'ipxe 2', '--property', 'arch=arm64')))
    assert (updated['name'], updated["Property 'arch'"]) == ('ipxe 2', 'arm64')
    assert updated["Property 'purpose'"] == 'network boot'
    purged = dict(rows(cli('image-update', made['id'], '--purge-props', '--property', 'arch=arm64')))
    assert "Property 'purpose'" not in purged

    copy = tmp_path / 'copy.iso'
    cli('image-download', made['id'], '--file', copy)
    assert sha256(copy.read_bytes()) == sha256(iso.read_bytes())

    cli('member-create', made['id'], 'bob', '--can-share')
    assert rows(cli('member-list', '--image-id', made['id'])) == [[made['id'], 'bob', 'True']]
    cli('member-delete', made['id'], 'bob')
    assert rows(cli('member-list', '--image-id', made['id'])) == []

    cli('image-delete', made['id'])
    assert rows(cli('image-list')) == []
    assert 'image' in cli('image-show', made['id'], fails=True).lower()
