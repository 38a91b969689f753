"""The three exchanges of the StarlingX document through a v2 mount, and the image as clients of other dialects see it."""
import json

import pytest

from harness.processes import Gateway
from harness.wire import call

BACKENDS = ['embedded', 'glance']
PATCH = 'application/openstack-images-v2.1-json-patch'
# Request of the document: create an image.
CREATE = {
    'hw_wrs_live_migration_timeout': '400', 'name': 'cirros', 'container_format': 'bare', 'cache_raw': 'True',
    'visibility': 'shared', 'disk_format': 'qcow2', 'sw_wrs_auto_recovery': 'False',
    'hw_wrs_live_migration_max_downtime': '350'}
# Request of the document: update an image, by PUT.
UPDATE = [
    {'path': '/hw_wrs_live_migration_timeout', 'value': '500', 'op': 'replace'},
    {'path': '/sw_wrs_auto_recovery', 'value': 'True', 'op': 'replace'},
    {'path': '/hw_wrs_live_migration_max_downtime', 'value': '300', 'op': 'replace'},
]
UPDATED = {
    'hw_wrs_live_migration_timeout': '500', 'cache_raw': 'True', 'sw_wrs_auto_recovery': 'True',
    'hw_wrs_live_migration_max_downtime': '300'}
# What a StarlingX server adds by itself, as its answers in the document show.
OF_THE_SERVER = {
    'store': 'rbd', 'cache_raw_status': 'Cached', 'cache_raw_size': '41126400',
    'cache_raw_url': 'rbd://cluster/images/ID_raw/snap'}
MOUNTS = [
    {'prefix': '/', 'dialect': 'image-v2', 'backend': 'main'},
    {'prefix': '/v1', 'dialect': 'glance-v1', 'backend': 'main'},
    {'prefix': '/image/v1.0', 'dialect': 'plankton', 'backend': 'main'},
    {'prefix': '/2010', 'dialect': 'glance-2010', 'backend': 'main'},
]


OPTION = {'mounts': MOUNTS, 'dialects': {'imagev2': {'starlingx': True}}}


@pytest.fixture(scope='module')
def starlingx(binary, backend, tmp_path_factory):
    remote = {'starlingx': True} if backend.glance else {}
    folder = tmp_path_factory.mktemp('gateway')
    with Gateway(binary, folder, {**backend.for_another_gateway(folder), **remote}, **OPTION) as running:
        yield running


@pytest.fixture
def before_glance(binary, glance, tmp_path):
    remote = {'dialect': 'image-v2', 'url': glance.url, 'starlingx': True}
    with Gateway(binary, tmp_path, remote, **OPTION) as running:
        yield running


def send(server, user, method, path, document=None, media='application/json'):
    body = None if document is None else json.dumps(document).encode()
    return call(method, server.url + path, {**user.auth, 'Accept': '*/*', 'Content-Type': media}, body)


@pytest.fixture
def cirros(starlingx, user):
    """The document's image, with its owner."""
    owner = user()
    answer = send(starlingx, owner, 'POST', '/v2/images', CREATE)
    assert answer.status == 201, answer
    return owner, answer


def test_create(starlingx, cirros):
    owner, answer = cirros
    image = answer.json
    assert answer.header('content-type') == 'application/json'
    assert answer.header('location') == f'{starlingx.url}/v2/images/{image["id"]}'
    assert image | {
        **CREATE, 'status': 'queued', 'tags': [], 'size': None, 'checksum': None, 'protected': False, 'min_ram': 0,
        'min_disk': 0, 'owner': owner.name, 'self': f'/v2/images/{image["id"]}',
        'file': f'/v2/images/{image["id"]}/file', 'schema': '/v2/schemas/image'} == image


def test_list(starlingx, cirros):
    owner, answer = cirros
    listed = send(starlingx, owner, 'GET', '/v2/images')
    assert (listed.status, listed.header('content-type')) == (200, 'application/json')
    shown = send(starlingx, owner, 'GET', f'/v2/images/{answer.json["id"]}').json
    assert shown | answer.json == shown
    assert listed.json == {'images': [shown], 'first': '/v2/images', 'schema': '/v2/schemas/images'}


@pytest.mark.parametrize('media', [PATCH, 'application/json'])
def test_update_by_put(starlingx, cirros, media):
    owner, answer = cirros
    path = f'/v2/images/{answer.json["id"]}'
    updated = send(starlingx, owner, 'PUT', path, UPDATE, media)
    assert updated.status == 200, updated
    for seen in (updated.json, send(starlingx, owner, 'GET', path).json):
        assert seen | {**answer.json, **UPDATED, 'updated_at': seen['updated_at']} == seen


def test_update_by_patch_says_the_same(starlingx, cirros):
    owner, answer = cirros
    updated = send(starlingx, owner, 'PATCH', f'/v2/images/{answer.json["id"]}', UPDATE, PATCH)
    assert (updated.status, updated.json) == (
        200, {**answer.json, **UPDATED, 'updated_at': updated.json['updated_at']})


def with_prefix(fields, before, after):
    return {'property-' + key.replace(before, after): value for key, value in fields.items()}


def test_other_dialects_see_the_same_image(starlingx, cirros):
    owner, answer = cirros
    number = answer.json['id']
    assert send(starlingx, owner, 'PUT', f'/v2/images/{number}', UPDATE).status == 200
    uploaded = call(
        'PUT', f'{starlingx.url}/v2/images/{number}/file', {**owner.auth, 'Content-Type': 'application/octet-stream'},
        b'cirros')
    assert uploaded.status == 204, uploaded

    v1 = send(starlingx, owner, 'HEAD', f'/v1/images/{number}').meta
    assert v1 | {'name': 'cirros', 'disk_format': 'qcow2', 'size': '6', **with_prefix(UPDATED, '', '')} == v1
    (entry,) = send(starlingx, owner, 'GET', '/v1/images/detail').json['images']
    assert entry['properties'] == UPDATED

    plankton = send(starlingx, owner, 'HEAD', f'/image/v1.0/images/{number}').meta
    assert plankton | {'name': 'cirros', 'disk-format': 'qcow2', 'size': '6', **with_prefix(UPDATED, '_', '-')} == plankton
    (entry,) = send(starlingx, owner, 'GET', '/image/v1.0/images/detail').json
    assert entry['properties'] == UPDATED

    first = send(starlingx, owner, 'HEAD', f'/2010/images/{number}').meta
    assert first | {'name': 'cirros', 'type': 'raw', 'size': '6', **with_prefix(UPDATED, '', '')} == first


def test_an_image_of_another_dialect_has_them_in_v2(starlingx, user):
    owner = user()
    made = call('POST', f'{starlingx.url}/v1/images', {
        **owner.auth, 'x-image-meta-name': 'from v1', 'x-image-meta-property-cache_raw': 'True',
        'x-image-meta-property-hw_wrs_live_migration_timeout': '120', 'Content-Length': 0})
    assert made.status == 201, made
    image = send(starlingx, owner, 'GET', f'/v2/images/{made.json["image"]["id"]}').json
    assert (image['cache_raw'], image['hw_wrs_live_migration_timeout']) == ('True', '120')


WRONG = [
    (400, {'hw_wrs_live_migration_timeout': '119'}),
    (400, {'hw_wrs_live_migration_timeout': '801'}),
    (400, {'hw_wrs_live_migration_timeout': '1e2'}),
    (400, {'hw_wrs_live_migration_timeout': ''}),
    (400, {'hw_wrs_live_migration_max_downtime': '99'}),
    (400, {'cache_raw': 'maybe'}),
    (400, {'sw_wrs_auto_recovery': ''}),
    (400, {'cache_raw': {}}),
    (400, {'hw_wrs_live_migration_timeout': 4000}),
    *((403, {name: value}) for name, value in OF_THE_SERVER.items()),
]


@pytest.mark.parametrize('status, fields', WRONG, ids=lambda value: value if isinstance(value, int) else str(value))
def test_what_cannot_be_is_refused(starlingx, cirros, status, fields):
    owner, answer = cirros
    path = f'/v2/images/{answer.json["id"]}'
    before = send(starlingx, owner, 'GET', path).json
    created = send(starlingx, owner, 'POST', '/v2/images', {'name': 'wrong', **fields})
    assert created.status == status, created
    ((name, value),) = fields.items()
    for method in ('PUT', 'PATCH'):
        changed = send(
            starlingx, owner, method, path, [{'op': 'add', 'path': f'/{name}', 'value': value}], PATCH)
        assert changed.status == status, changed
    assert send(starlingx, owner, 'GET', '/v2/images').json['images'] == [before]


def test_words_become_those_of_the_document(starlingx, user):
    made = send(starlingx, user(), 'POST', '/v2/images', {
        'cache_raw': 'yes', 'sw_wrs_auto_recovery': 'F', 'hw_wrs_live_migration_timeout': '0',
        'hw_wrs_live_migration_max_downtime': '100'})
    assert made.status == 201, made
    assert (made.json['cache_raw'], made.json['sw_wrs_auto_recovery']) == ('True', 'False')
    assert made.json['hw_wrs_live_migration_timeout'] == '0'


TYPED = {'cache_raw': True, 'hw_wrs_live_migration_timeout': 400}


def test_the_types_that_the_document_names_are_refused_as_glance_does(starlingx, user):
    for name, value in TYPED.items():
        assert send(starlingx, user(), 'POST', '/v2/images', {name: value}).status == 400


def test_what_the_server_says_reaches_every_dialect(before_glance, glance, user):
    """A stock Glance keeps what a StarlingX server would set by itself, when it is told behind the gateway's back."""
    owner = user()
    made = call('POST', f'{glance.url}/v2/images', owner.auth, json.dumps({**CREATE, **OF_THE_SERVER}).encode())
    number = made.json['id']
    seen = send(before_glance, owner, 'GET', f'/v2/images/{number}').json
    assert seen | OF_THE_SERVER == seen
    (listed,) = send(before_glance, owner, 'GET', '/v2/images').json['images']
    assert listed == seen
    own = {key: value for key, value in OF_THE_SERVER.items() if key != 'store'}
    v1 = send(before_glance, owner, 'HEAD', f'/v1/images/{number}').meta
    assert v1 | with_prefix(own, '', '') == v1
    assert 'store' not in v1
    first = send(before_glance, owner, 'HEAD', f'/2010/images/{number}').meta
    assert first | {'store': 'rbd', **with_prefix(own, '', '')} == first
    plankton = send(before_glance, owner, 'HEAD', f'/image/v1.0/images/{number}').meta
    assert plankton | with_prefix(own, '_', '-') == plankton
    assert 'store' not in plankton


def test_they_can_be_taken_for_their_texts(binary, embedded_backend, user, tmp_path):
    lenient = {'imagev2': {'starlingx': True, 'starlingxLenient': True}}
    with Gateway(binary, tmp_path / 'g', embedded_backend.configuration, mounts=MOUNTS, dialects=lenient) as gateway:
        made = send(gateway, user(), 'POST', '/v2/images', TYPED)
        assert made.status == 201, made
        assert (made.json['cache_raw'], made.json['hw_wrs_live_migration_timeout']) == ('True', '400')


def test_without_the_option_they_are_properties_like_others(binary, embedded_backend, user, tmp_path):
    with Gateway(binary, tmp_path / 'g', embedded_backend.configuration, mounts=MOUNTS) as gateway:
        made = send(gateway, user(), 'POST', '/v2/images', {'store': 'rbd', 'hw_wrs_live_migration_timeout': '99999'})
        assert made.status == 201, made
        assert (made.json['store'], made.json['hw_wrs_live_migration_timeout']) == ('rbd', '99999')
