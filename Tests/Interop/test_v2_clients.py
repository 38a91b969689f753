"""openstacksdk and python-glanceclient speak Image API v2 through the gateway to every backend."""
import hashlib
import io
import itertools
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from glanceclient import exc
from glanceclient.v2.client import Client
from keystoneauth1 import session, token_endpoint
from openstack import exceptions
from openstack.connection import Connection

from harness.refusals import Refusals
from harness.wire import call

BACKENDS = ['embedded', 'glance', 'glance-v1', 'glance-2010', 'plankton']
RAW = {'disk_format': 'raw', 'container_format': 'bare'}
OPERATIONS = [
    'create', 'upload', 'download', 'deactivate', 'reactivate', 'list members', 'add member', 'accept', 'reject',
    'remove member']
# image-v2 section 17, mapping sections 3.9 and 6.3 to 6.5: what the registry behind has no way to do.
REFUSED = {
    'glance-v1': {'deactivate': 403, 'reactivate': 403, 'reject': 403},
    'glance-2010': {
        'deactivate': 403, 'reactivate': 403, 'list members': 403, 'add member': 403, 'accept': 403, 'reject': 403,
        'remove member': 403},
    # Data is in its store before an image is registered: none is ever without, or comes through it, or is deactivated.
    'plankton': {'create': 403, 'upload': 409, 'download': 400, 'deactivate': 403, 'reject': 403},
}
# Only public images are listed there.
LISTS_PUBLIC_ONLY = ['glance-2010']


@pytest.fixture
def may(backend):
    return Refusals(OPERATIONS, REFUSED, backend.kind)


@pytest.fixture
def sdk(v2_gateway):
    """The image service of openstacksdk, for a user: sdk(alice). Without Keystone: a token and an address."""
    def connect(user):
        auth = token_endpoint.Token(v2_gateway.url, user.token)
        return Connection(
            session=session.Session(auth=auth), image_endpoint_override=v2_gateway.url, image_api_version='2').image

    return connect


@pytest.fixture
def glanceclient(v2_gateway):
    """python-glanceclient for a user: glanceclient(alice)."""
    return lambda user: Client(v2_gateway.url, token=user.token)


_numbers = itertools.count(1)


@pytest.fixture
def image(glanceclient, backend, may):
    """Makes active images of a user and answers their ids; where no data can be uploaded, what lies in the store."""
    def make(user, name='an image', data=b'0123456789', **fields):
        images = glanceclient(user).images
        if may.refuses('upload'):
            later = {key: fields.pop(key) for key in ('tags', 'visibility') if key in fields}
            number = registered(backend, user, name, data, fields)
            if later:
                images.update(number, **later)
            return number
        made = images.create(name=name, **{**RAW, **fields})
        images.upload(made.id, io.BytesIO(data))
        return made.id

    return make


def registered(backend, user, name, data, fields):
    """An image that a Plankton client registered with the server itself."""
    path = f'{user.name}/images/{next(_numbers)}'
    file = backend.objects / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    headers = {f'X-Image-Meta-Property-{key.replace("_", "-")}': value for key, value in fields.items()}
    answer = call('POST', f'{backend.stand_in.url}/image/v1.0/images/', {
        **user.auth, 'X-Image-Meta-Name': name, 'X-Image-Meta-Location': f'pithos://{path}', 'Content-Length': 0,
        **headers})
    assert answer.status == 200, answer
    return answer.meta['id']


@pytest.fixture
def visibility(backend):
    """What an image must be for its owner to find it in a list."""
    return {'visibility': 'public'} if backend.kind in LISTS_PUBLIC_ONLY else {}


def md5(data):
    return hashlib.md5(data).hexdigest()


def sha512(data):
    return hashlib.sha512(data).hexdigest()


# openstacksdk


def test_sdk_creates_uploads_and_downloads(sdk, user, may, backend):
    images, data = sdk(user()), os.urandom(300_000)
    with may('create'):
        made = images.create_image(
            'from the sdk', data=data, tags=['one', 'two'], min_ram=64, min_disk=1, arch='x86_64', distro='Debian δ',
            validate_checksum=True, **RAW)
        shown = images.get_image(made.id)
        assert (shown.name, shown.status, shown.size, shown.checksum) == (
            'from the sdk', 'active', len(data), md5(data))
        assert (shown.disk_format, shown.container_format, shown.min_ram, shown.min_disk) == ('raw', 'bare', 64, 1)
        assert sorted(shown.tags) == ['one', 'two']
        assert (shown.properties['arch'], shown.properties['distro']) == ('x86_64', 'Debian δ')
        if backend.kind in ('embedded', 'glance'):
            assert (shown.hash_algo, shown.hash_value) == ('sha512', sha512(data))
        assert images.download_image(made.id).content == data
        images.delete_image(made.id, ignore_missing=False)
        with pytest.raises(exceptions.NotFoundException):
            images.get_image(made.id)


def test_sdk_reserves_and_uploads_later(sdk, user, may):
    images = sdk(user())
    with may('create'):
        made = images.create_image('later', allow_duplicates=True, **RAW)
        assert (made.status, made.size) == ('queued', None)
        answer = made.upload(images, data=b'hello')
        assert answer.status_code == 204
        assert images.get_image(made.id).status == 'active'
        again = made.upload(images, data=b'again')
        assert again.status_code == 409


def test_sdk_verifies_a_download(sdk, user, image, may, tmp_path):
    alice, data = user(), os.urandom(2_000_000)
    number, images = image(alice, data=data), sdk(alice)
    with may('download'):
        answer = images.download_image(number, stream=True)
        exceptions.raise_from_response(answer)
        assert sha512(b''.join(answer.iter_content(65536))) == sha512(data)
        images.download_image(number, output=str(tmp_path / 'copy'))
        assert (tmp_path / 'copy').read_bytes() == data


RANGES = [
    ('bytes=0-3', 206, b'0123', 'bytes 0-3/10'),
    ('bytes=4-', 206, b'456789', 'bytes 4-9/10'),
    ('bytes=-2', 206, b'89', 'bytes 8-9/10'),
    ('bytes=0-99', 206, b'0123456789', 'bytes 0-9/10'),
    ('bytes=10-', 416, None, None),
    ('bytes=5-2', 416, None, None),
]


def test_sdk_downloads_ranges(sdk, user, image, may):
    alice = user()
    images, number = sdk(alice), image(alice)
    for asked, status, data, told in RANGES:
        with may('download'):
            answer = images.get(f'/images/{number}/file', headers={'Range': asked})
            if status < 400 or may.refuses('download'):
                exceptions.raise_from_response(answer)
            assert (answer.status_code, answer.headers.get('Content-Range')) == (status, told), asked
            assert data is None or answer.content == data


def test_sdk_lists_with_filters_order_and_pages(sdk, user, image, visibility):
    alice, batch = user(), uuid.uuid4().hex
    images = sdk(alice)
    for name, size in (('big', 900), ('small', 9), ('middle', 90)):
        image(alice, name, b'x' * size, tags=[batch], **visibility)

    def names(**query):
        return [each.name for each in images.images(tag=batch, **query)]

    assert sorted(names()) == ['big', 'middle', 'small']
    assert names(name='big') == ['big']
    assert sorted(names(disk_format='raw')) == ['big', 'middle', 'small']
    assert names(disk_format='iso') == []
    assert names(size_min=10, size_max=100) == ['middle']
    assert sorted(names(status='active')) == ['big', 'middle', 'small']
    assert names(status='queued') == []
    assert names(name='in:big,small', sort='name:asc') == ['big', 'small']
    assert names(sort_key='name', sort_dir='asc') == ['big', 'middle', 'small']
    assert names(sort_key='size', sort_dir='desc') == ['big', 'middle', 'small']
    assert names(sort_key='size', sort_dir='asc') == ['small', 'middle', 'big']
    assert names(sort='name:desc', limit=1) == ['small', 'middle', 'big']
    first = next(each for each in images.images(tag=batch) if each.name == 'big')
    assert names(sort='name:asc', marker=first.id) == ['middle', 'small']
    assert images.find_image(first.id).name == 'big'


def test_sdk_tags(sdk, user, image, visibility):
    alice = user()
    images, number, other = sdk(alice), image(alice, **visibility), image(alice, 'other', **visibility)
    tag, both = uuid.uuid4().hex, uuid.uuid4().hex
    images.add_tag(number, tag)
    images.add_tag(number, both)
    images.add_tag(number, both)
    images.add_tag(other, both)
    assert set(images.get_image(number).tags) == {tag, both}
    assert [each.id for each in images.images(tag=tag)] == [number]
    assert {each.id for each in images.images(tag=both)} == {number, other}
    images.remove_tag(number, tag)
    assert images.delete(f'/images/{number}/tags/{tag}').status_code == 404
    assert images.get_image(number).tags == [both]


def test_sdk_updates(sdk, user, image):
    alice = user()
    images, number = sdk(alice), image(alice, 'before', kept='yes', changed='old')
    updated = images.update_image(number, name='after', changed='new', added='1')
    for seen in (updated, images.get_image(number)):
        assert (seen.name, seen.properties['kept'], seen.properties['changed'], seen.properties['added']) == (
            'after', 'yes', 'new', '1')
        assert (seen.status, seen.size) == ('active', 10)
    images.update_image(number, min_ram=512, is_protected=True)
    seen = images.get_image(number)
    assert (seen.min_ram, seen.is_protected) == (512, True)
    with pytest.raises(exceptions.ForbiddenException):
        images.delete_image(number)
    images.update_image(number, is_protected=False, is_hidden=True)
    seen = images.get_image(number)
    assert (seen.is_protected, seen.is_hidden) == (False, True)
    images.delete_image(number)


def test_sdk_shares_and_accepts(sdk, user, image, may):
    alice, bob, carol = user('alice'), user('bob'), user('carol')
    mine, bobs = sdk(alice), sdk(bob)
    number = image(alice, 'shared')
    with may('list members'):
        assert list(mine.members(number)) == []
    with may('add member'):
        member = mine.add_member(number, member=bob.name)
        assert (member.member_id, member.image_id) == (bob.name, number)
        assert [each.member_id for each in mine.members(number)] == [bob.name]
        assert bobs.get_image(number).name == 'shared'
        with pytest.raises(exceptions.NotFoundException):
            sdk(carol).get_image(number)
    with may('accept'):
        assert bobs.update_member(bob.name, number, status='accepted').status == 'accepted'
        assert 'shared' in [each.name for each in bobs.images()]
        assert mine.get_member(bob.name, number).status == 'accepted'
    with may('reject'):
        assert bobs.update_member(bob.name, number, status='rejected').status == 'rejected'
        assert [each.name for each in bobs.images()] == []
        assert [each.name for each in bobs.images(member_status='rejected')] == ['shared']
    with may('remove member'):
        mine.remove_member(bob.name, number, ignore_missing=False)
        assert list(mine.members(number)) == []
        with pytest.raises(exceptions.NotFoundException):
            bobs.get_image(number)


def test_sdk_deactivates_and_reactivates(sdk, user, image, may):
    alice, root = user(), sdk(user('root', role='admin'))
    number, images = image(alice), sdk(alice)
    with may('deactivate'):
        # Its own method does not look at the answer.
        exceptions.raise_from_response(root.post(f'/images/{number}/actions/deactivate'))
        root.deactivate_image(number)
        assert images.get_image(number).status == 'deactivated'
        with pytest.raises(exceptions.ForbiddenException):
            exceptions.raise_from_response(images.get(f'/images/{number}/file'))
    with may('reactivate'):
        exceptions.raise_from_response(root.post(f'/images/{number}/actions/reactivate'))
    assert images.get_image(number).status == 'active'


def test_sdk_deletes(sdk, user, image):
    alice = user()
    images, number = sdk(alice), image(alice)
    with pytest.raises((exceptions.ForbiddenException, exceptions.NotFoundException)):
        sdk(user('bob')).delete_image(number, ignore_missing=False)
    images.delete_image(number, ignore_missing=False)
    with pytest.raises(exceptions.NotFoundException):
        images.delete_image(number, ignore_missing=False)


def test_sdk_reads_schemas_and_import_methods(sdk, user):
    images = sdk(user())
    schema = images.get_image_schema()
    assert schema.properties['disk_format']['enum'] and schema.additional_properties == {'type': 'string'}
    for name, schema in (
            ('images', images.get_images_schema()), ('member', images.get_member_schema()),
            ('members', images.get_members_schema())):
        assert schema.name == name
    assert isinstance(images.get_import_info().import_methods['value'], list)


# python-glanceclient, library


def test_glanceclient_creates_uploads_and_downloads(glanceclient, user, may, backend, qcow2):
    images, data = glanceclient(user()).images, qcow2.read_bytes()
    with may('create'):
        made = images.create(
            name='δέντρο 100%', disk_format='qcow2', container_format='bare', min_ram=64, min_disk=1,
            tags=['one', 'two'], arch='x86_64', note='a%25b ü')
        assert (made.status, made.size) == ('queued', None)
        with open(qcow2, 'rb') as file:
            images.upload(made.id, file, image_size=len(data))
        shown = images.get(made.id)
        assert (shown.name, shown.status, shown.size, shown.checksum) == ('δέντρο 100%', 'active', len(data), md5(data))
        assert (shown.disk_format, shown.min_ram, shown.min_disk) == ('qcow2', 64, 1)
        assert (sorted(shown.tags), shown.arch, shown.note) == (['one', 'two'], 'x86_64', 'a%25b ü')
        assert md5(b''.join(images.data(made.id))) == md5(data)
        with pytest.raises(exc.HTTPConflict):
            images.upload(made.id, io.BytesIO(b'again'))


def test_glanceclient_has_no_data_of_a_queued_image(glanceclient, user, may):
    images = glanceclient(user()).images
    with may('create'):
        made = images.create(name='queued', **RAW)
        assert images.data(made.id).wrapped is None


def test_glanceclient_keeps_an_id_of_ones_own(glanceclient, user, may):
    images, number = glanceclient(user()).images, str(uuid.uuid4())
    with may('create'):
        assert images.create(id=number, name='mine', **RAW).id == number
        with pytest.raises(exc.HTTPConflict):
            images.create(id=number, name='mine too', **RAW)


def test_glanceclient_refuses_a_wrong_size(glanceclient, user, may):
    images = glanceclient(user()).images
    with may('create'):
        made = images.create(name='short', **RAW)
        with pytest.raises(exc.HTTPBadRequest):
            images.upload(made.id, io.BytesIO(b'12345'), image_size=50)
        assert images.get(made.id).status == 'queued'


def test_glanceclient_upload_is_refused_where_data_cannot_go(glanceclient, user, image, may):
    alice = user()
    number, images = image(alice), glanceclient(alice).images
    if may.refuses('upload'):
        with may('upload'):
            images.upload(number, io.BytesIO(b'more'))
    else:
        with pytest.raises(exc.HTTPConflict):
            images.upload(number, io.BytesIO(b'more'))
    assert images.get(number).size == 10


def test_glanceclient_lists(glanceclient, user, image, visibility):
    alice, batch = user(), uuid.uuid4().hex
    images = glanceclient(alice).images
    for name, size in (('big', 900), ('small', 9), ('middle', 90), ('least', 1)):
        image(alice, name, b'x' * size, batch=batch, arch='arm' if name == 'small' else 'x86', **visibility)

    def names(filters=(), **query):
        return [each.name for each in images.list(filters={'batch': batch, **dict(filters)}, **query)]

    assert sorted(names()) == ['big', 'least', 'middle', 'small']
    assert names({'name': 'big'}) == ['big']
    assert sorted(names({'name': 'in:big,small'})) == ['big', 'small']
    assert names({'arch': 'arm'}) == ['small']
    assert names({'arch': 'sparc'}) == []
    assert names(sort='name') == ['small', 'middle', 'least', 'big']
    assert names(sort='size:asc', page_size=1) == ['least', 'small', 'middle', 'big']
    assert names(sort='size:desc', page_size=2, limit=3) == ['big', 'middle', 'small']
    assert names(sort_key='name', sort_dir='asc', page_size=3) == ['big', 'least', 'middle', 'small']
    with pytest.raises(exc.HTTPBadRequest):
        names(sort_key='colour')
    with pytest.raises(exc.HTTPBadRequest):
        names(marker=str(uuid.uuid4()))


def test_glanceclient_updates_adds_replaces_and_removes(glanceclient, user, image):
    alice = user()
    images, number = glanceclient(alice).images, image(alice, 'before', a='1', b='2')
    updated = images.update(number, remove_props=['a'], name='after', b='3', c='4')
    for seen in (updated, images.get(number)):
        assert (seen.name, seen.b, seen.c, hasattr(seen, 'a')) == ('after', '3', '4', False)
    with pytest.raises(exc.HTTPConflict):
        images.http_client.patch(
            f'/v2/images/{number}', headers={'Content-Type': 'application/openstack-images-v2.1-json-patch'},
            data='[{"op": "remove", "path": "/a"}]')
    with pytest.raises(exc.HTTPForbidden):
        images.http_client.patch(
            f'/v2/images/{number}', headers={'Content-Type': 'application/openstack-images-v2.1-json-patch'},
            data='[{"op": "replace", "path": "/checksum", "value": "x"}]')
    assert images.get(number).b == '3'


def test_glanceclient_tags(glanceclient, user, image):
    alice = user()
    client, number = glanceclient(alice), image(alice)
    client.image_tags.update(number, 'of words')
    client.image_tags.update(number, 'plain')
    assert sorted(client.images.get(number).tags) == ['of words', 'plain']
    client.image_tags.delete(number, 'plain')
    with pytest.raises(exc.HTTPNotFound):
        client.image_tags.delete(number, 'plain')
    client.images.update(number, tags=['x', 'y'])
    assert sorted(client.images.get(number).tags) == ['x', 'y']


def test_glanceclient_shares_and_accepts(glanceclient, user, image, may):
    alice, bob = user('alice'), user('bob')
    mine, bobs, number = glanceclient(alice), glanceclient(bob), image(alice, 'shared')
    with may('add member'):
        assert mine.image_members.create(number, bob.name).member_id == bob.name
        assert [each.member_id for each in mine.image_members.list(number)] == [bob.name]
        with pytest.raises(exc.HTTPConflict):
            mine.image_members.create(number, bob.name)
        with pytest.raises((exc.HTTPForbidden, exc.HTTPNotFound)):
            bobs.image_members.create(number, 'carol')
    with may('accept'):
        assert bobs.image_members.update(number, bob.name, 'accepted').status == 'accepted'
        assert [each.name for each in bobs.images.list()] == ['shared']
    with may('remove member'):
        mine.image_members.delete(number, bob.name)
        with pytest.raises(exc.HTTPNotFound):
            mine.image_members.delete(number, bob.name)


def test_glanceclient_deactivates(glanceclient, user, image, may):
    alice, root = user(), glanceclient(user('root', role='admin')).images
    number = image(alice)
    with may('deactivate'):
        root.deactivate(number)
        with pytest.raises(exc.HTTPForbidden):
            glanceclient(alice).images.data(number)
    with may('reactivate'):
        root.reactivate(number)
    with may('download'):
        assert b''.join(glanceclient(alice).images.data(number)) == b'0123456789'


def test_glanceclient_without_a_token_there_is_nothing(v2_gateway):
    with pytest.raises(exc.HTTPUnauthorized):
        list(Client(v2_gateway.url, token='').images.list())


@pytest.mark.parametrize('fields, error', [
    ({'disk_format': 'floppy'}, exc.HTTPBadRequest),
    ({'container_format': 'box'}, exc.HTTPBadRequest),
    ({'visibility': 'secret'}, exc.HTTPBadRequest),
    ({'min_ram': -1}, exc.HTTPBadRequest),
    ({'min_disk': '7'}, exc.HTTPBadRequest),
    ({'protected': 'yes'}, exc.HTTPBadRequest),
    ({'name': 'n' * 256}, exc.HTTPBadRequest),
    ({'id': 'no uuid'}, exc.HTTPBadRequest),
    ({'arch': 7}, exc.HTTPBadRequest),
    ({'status': 'active'}, exc.HTTPForbidden),
    ({'size': 7}, exc.HTTPForbidden),
    ({'os_glance_import_task': 'x'}, exc.HTTPForbidden),
])
def test_what_cannot_be_is_refused(v2_gateway, user, fields, error):
    """The library checks much of this itself, so here its HTTP layer sends it."""
    http = Client(v2_gateway.url, token=user().token).http_client
    with pytest.raises(error):
        http.post('/v2/images', data={'name': 'bad', **RAW, **fields})


# python-glanceclient, command line


@pytest.fixture
def cli(v2_gateway):
    """The command `glance` of a user."""
    def run(user, *arguments, fails=False):
        done = subprocess.run(
            [Path(sys.executable).parent / 'glance', '--os-image-api-version', '2', '--os-auth-token', user.token,
             '--os-image-url', v2_gateway.url, *map(str, arguments)],
            capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
            env={**os.environ, 'LC_ALL': 'C.UTF-8', 'PYTHONWARNINGS': 'ignore'})
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stderr if fails else done.stdout

    return run


def rows(table):
    """The rows of a table as the command prints it, without its head."""
    lines = [line for line in table.splitlines() if line.startswith('|')]
    return [[cell.strip() for cell in line.strip('|').split('|')] for line in lines][1:]


def test_a_days_work_on_the_command_line(cli, glanceclient, user, iso, image, may, backend, tmp_path):
    alice, copy = user(), tmp_path / 'copy.iso'
    if may.refuses('create'):
        assert '403' in cli(alice, 'image-create', '--name', 'ipxe', '--disk-format', 'iso',
                            '--container-format', 'bare', fails=True)
        number = image(alice, 'ipxe', iso.read_bytes(), purpose='network boot')
    else:
        made = dict(rows(cli(
            alice, 'image-create', '--name', 'ipxe', '--disk-format', 'iso', '--container-format', 'bare', '--file', iso,
            '--property', 'purpose=network boot', '--tag', 'boot', '--min-ram', 32)))
        assert (made['status'], made['size'], made['min_ram']) == ('active', str(iso.stat().st_size), '32')
        number = made['id']
    if backend.kind not in LISTS_PUBLIC_ONLY:
        assert [number, 'ipxe'] in rows(cli(alice, 'image-list', '--property-filter', 'purpose=network boot'))
    updated = dict(rows(cli(
        alice, 'image-update', number, '--name', 'ipxe 2', '--property', 'arch=arm64', '--remove-property', 'purpose')))
    assert (updated['name'], updated['arch'], 'purpose' in updated) == ('ipxe 2', 'arm64', False)
    if may.refuses('download'):
        assert '400' in cli(alice, 'image-download', number, '--file', copy, fails=True)
    else:
        cli(alice, 'image-download', number, '--file', copy)
        assert copy.read_bytes() == iso.read_bytes()
    cli(alice, 'image-delete', number)
    with pytest.raises(exc.HTTPNotFound):
        glanceclient(alice).images.get(number)
