"""curl speaks the API of December 2010, as its document shows; the same image is then seen by every other dialect."""
import hashlib
import re

import pytest

from harness.wire import call, curl

MOMENT = r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d'
UPLOAD = ('-H', 'Content-Type: application/octet-stream')


@pytest.fixture
def glance2010(gateway, user):
    """curl as one user: glance2010('GET', '/images/', ARGUMENT...)."""
    owner = user()

    def run(method, path, *arguments):
        verb = ('--head',) if method == 'HEAD' else ('--request', method)
        return curl(*verb, '-H', f'X-Auth-Token: {owner.token}', *arguments, gateway.url + path)

    run.owner = owner
    return run


@pytest.fixture
def ubuntu(gateway, user):
    """The image of the document's examples, which is public."""
    root = user('root', role='admin')
    made = curl(
        '-X', 'POST', '-H', f'X-Auth-Token: {root.token}', *UPLOAD, '--data-binary', 'kernel data',
        '-H', 'x-image-meta-name: Ubuntu 10.04 Plain', '-H', 'x-image-meta-type: kernel',
        '-H', 'x-image-meta-is_public: on', '-H', 'X-Image-Meta-Property-Distro: Ubuntu 10.04 LTS',
        f'{gateway.url}/images/')
    assert made.status == 200, made
    image = made.json['image']
    yield image
    curl('-X', 'DELETE', '-H', f'X-Auth-Token: {root.token}', f'{gateway.url}/images/{image["id"]}')


def test_list(glance2010, gateway, ubuntu):
    for path in ('/images/', '/images', '/'):
        answer = glance2010('GET', path)
        assert (answer.status, answer.header('content-type').split(';')[0]) == (200, 'application/json')
        (entry,) = [each for each in answer.json['images'] if each['id'] == ubuntu['id']]
        assert entry == {
            'uri': f'{gateway.url}/images/{ubuntu["id"]}', 'id': ubuntu['id'], 'name': 'Ubuntu 10.04 Plain',
            'type': 'kernel', 'size': '11'}


def check_detail(entry, gateway, ubuntu):
    """The detail entry of the document: each field with its type."""
    moments = {key: entry.pop(key) for key in ('created_at', 'updated_at', 'deleted_at')}
    assert re.fullmatch(MOMENT, moments['created_at']) and re.fullmatch(MOMENT, moments['updated_at'])
    assert moments['deleted_at'] == ''
    assert isinstance(entry.pop('store'), str)
    assert entry == {
        'uri': f'{gateway.url}/images/{ubuntu["id"]}', 'id': ubuntu['id'], 'name': 'Ubuntu 10.04 Plain',
        'type': 'kernel', 'size': '11', 'status': 'available', 'is_public': True,
        'properties': {'distro': 'Ubuntu 10.04 LTS'}}


def test_detail(glance2010, gateway, ubuntu):
    answer = glance2010('GET', '/images/detail')
    (entry,) = [each for each in answer.json['images'] if each['id'] == ubuntu['id']]
    check_detail(entry, gateway, ubuntu)


def test_answer_to_post(gateway, ubuntu):
    check_detail(ubuntu, gateway, dict(ubuntu))


def check_meta(meta, gateway, ubuntu):
    assert re.fullmatch(MOMENT, meta.pop('created_at')) and re.fullmatch(MOMENT, meta.pop('updated_at'))
    meta.pop('store')
    assert meta == {
        'uri': f'{gateway.url}/images/{ubuntu["id"]}', 'id': ubuntu['id'], 'name': 'Ubuntu 10.04 Plain',
        'type': 'kernel', 'size': '11', 'deleted_at': '', 'status': 'available', 'is_public': 'True',
        'property-distro': 'Ubuntu 10.04 LTS'}


def test_head(glance2010, gateway, ubuntu):
    for path in (f'/images/{ubuntu["id"]}', f'/images/{ubuntu["uri"]}', f'/images/{ubuntu["id"]}?ignored=1'):
        answer = glance2010('HEAD', path)
        assert (answer.status, answer.header('content-length'), answer.body) == (200, '0', b'')
        check_meta(answer.meta, gateway, ubuntu)


def test_get(glance2010, gateway, ubuntu):
    answer = glance2010('GET', f'/images/{ubuntu["id"]}', '-H', 'Range: bytes=0-3')
    assert (answer.status, answer.body) == (200, b'kernel data')
    assert (answer.header('content-type'), answer.header('content-length')) == ('application/octet-stream', '11')
    check_meta(answer.meta, gateway, ubuntu)


def post(glance2010, *headers, data=None):
    body = () if data is None else (*UPLOAD, '--data-binary', data)
    fields = [part for header in headers for part in ('-H', f'x-image-meta-{header}')]
    return glance2010('POST', '/images/', *body, *fields)


def test_upload_of_a_file(glance2010, iso):
    made = post(glance2010, 'name: ipxe', 'type: raw', f'size: {iso.stat().st_size}', data=f'@{iso}').json['image']
    assert (made['status'], made['size'], made['type']) == ('available', str(iso.stat().st_size), 'raw')
    got = glance2010('GET', f'/images/{made["id"]}')
    assert hashlib.sha256(got.body).hexdigest() == hashlib.sha256(iso.read_bytes()).hexdigest()


def test_chunked_upload(glance2010):
    fields = ('-H', 'x-image-meta-name: chunked', '-H', 'x-image-meta-type: ramdisk')
    chunked = ('-H', 'Transfer-Encoding: chunked', '--data-binary', 'in pieces')
    made = glance2010('POST', '/images/', *UPLOAD, *fields, *chunked)
    assert (made.status, made.json['image']['size']) == (200, '9')


def test_reserve_then_upload(glance2010):
    made = post(glance2010, 'name: later', 'type: machine').json['image']
    assert (made['status'], made['size']) == ('pending', '0')
    path = f'/images/{made["id"]}'
    assert glance2010('GET', path).status == 404
    filled = glance2010('PUT', path, *UPLOAD, '--data-binary', 'now')
    assert (filled.status, filled.json['image']['status'], filled.json['image']['size']) == (200, 'available', '3')
    again = glance2010('PUT', path, *UPLOAD, '--data-binary', 'again')
    assert again.status == 409


def test_update_by_headers_and_by_document(glance2010):
    made = post(glance2010, 'name: before', 'type: raw', 'property-kept: yes', data='x').json['image']
    path = f'/images/{made["id"]}'
    changed = glance2010('PUT', path, '-H', 'x-image-meta-name: by header', '-H', 'x-image-meta-property-new: 1')
    assert changed.json['image']['name'] == 'by header'
    document = '{"image": {"name": "by document", "properties": {"newer": "2"}}}'
    changed = glance2010('PUT', path, '-H', 'Content-Type:', '--data-binary', document)
    assert changed.status == 200
    assert changed.json['image']['name'] == 'by document'
    assert changed.json['image']['properties'] == {'kept': 'yes', 'new': '1', 'newer': '2'}


def test_delete(glance2010):
    made = post(glance2010, 'name: gone', 'type: raw', data='x').json['image']
    gone = glance2010('DELETE', f'/images/{made["id"]}')
    assert (gone.status, gone.body) == (200, b'')
    for method in ('HEAD', 'GET', 'DELETE'):
        assert glance2010(method, f'/images/{made["id"]}').status == 404


def test_private_images_are_reached_by_id_only(glance2010):
    made = post(glance2010, 'name: private', 'type: raw', data='x').json['image']
    assert made['is_public'] is False
    assert made['id'] not in [each['id'] for each in glance2010('GET', '/images').json['images']]
    assert glance2010('HEAD', f'/images/{made["id"]}').meta['name'] == 'private'


@pytest.mark.parametrize('headers, data, status', [
    (('name: x', 'type: floppy'), 'x', 400),
    (('name: x', 'type: Kernel'), 'x', 400),
    (('name: x',), 'x', 400),
    (('type: raw',), 'x', 400),
    (('name: x', 'type: raw', 'size: 7'), 'x', 400),
    (('name: x', 'type: raw', 'size: some'), 'x', 400),
    (('name: x', 'type: raw', 'store: tape'), 'x', 400),
    (('name: x', 'type: raw', 'location: file:///etc/passwd'), None, 400),
    (('name: x', 'type: raw', 'location: no scheme'), None, 400),
])
def test_what_cannot_be_is_refused(glance2010, headers, data, status):
    assert post(glance2010, *headers, data=data).status == status


@pytest.mark.parametrize('method, path', [
    ('GET', '/images/no-such-image'), ('HEAD', '/images/no-such-image'), ('DELETE', '/images/no-such-image'),
    ('PUT', '/images'), ('POST', '/images/detail'), ('GET', '/images/1/members'), ('GET', '/shared-images/x'),
    ('GET', '/nothing/here'), ('POST', '/images/new'),
])
def test_what_is_not_there_is_404(glance2010, method, path):
    assert glance2010(method, path).status == 404


def test_errors_name_what_was_wrong(glance2010):
    missing = glance2010('GET', '/images/no-such-image', '-H', 'Accept: text/plain')
    assert missing.header('content-type') == 'text/plain; charset=UTF-8'
    assert missing.body == (
        b'404 Not Found\n\nThe resource could not be found.\n\n Image with identifier no-such-image not found  ')
    store = glance2010(
        'POST', '/images', *UPLOAD, '--data-binary', 'x', '-H', 'x-image-meta-name: x', '-H', 'x-image-meta-type: raw',
        '-H', 'x-image-meta-store: tape', '-H', 'Accept: text/plain')
    assert store.status == 400
    assert store.body.endswith(b'Requested store tape not available for storage on this Glance node  ')


def test_data_needs_its_content_type(glance2010):
    answer = glance2010(
        'POST', '/images', '-H', 'Content-Type: text/plain', '--data-binary', 'x', '-H', 'x-image-meta-name: x',
        '-H', 'x-image-meta-type: raw')
    assert answer.status == 400


def test_without_a_token_there_is_nothing(gateway):
    assert curl(f'{gateway.url}/images').status == 401


# One image, every dialect


TYPES = [('kernel', 'aki', 'aki'), ('ramdisk', 'ari', 'ari'), ('machine', 'ami', 'ami'), ('raw', 'raw', 'bare')]


@pytest.mark.parametrize('kind, disk, container', TYPES)
def test_one_image_in_every_dialect(glance2010, gateway, backend, kind, disk, container):
    name, data = f'Ubuntu δ {kind}', b'data of ' + kind.encode()
    made = post(glance2010, f'name: {name}', f'type: {kind}', 'property-distro: Ubuntu 10.10', data=data.decode())
    image, auth = made.json['image'], glance2010.owner.auth
    number, md5 = image['id'], hashlib.md5(data).hexdigest()

    v1 = call('HEAD', f'{gateway.url}/v1/images/{number}', auth).meta
    assert v1 | {
        'id': number, 'name': name, 'disk_format': disk, 'container_format': container, 'size': str(len(data)),
        'status': 'active', 'checksum': md5, 'is_public': 'False', 'owner': glance2010.owner.name,
        'property-distro': 'Ubuntu 10.10',
    } == v1
    assert v1['created_at'][:19].replace('T', ' ') == image['created_at']

    plankton = call('GET', f'{gateway.url}/image/v1.0/images/detail', auth).json
    (entry,) = [each for each in plankton if each['id'] == number]
    assert entry | {
        'name': name, 'disk_format': 'diskdump' if disk == 'raw' else disk, 'container_format': container,
        'size': len(data), 'status': 'available', 'checksum': md5, 'is_public': False, 'location': '',
        'owner': glance2010.owner.name, 'properties': {'distro': 'Ubuntu 10.10'}, 'created_at': image['created_at'],
    } == entry

    if backend.glance:
        v2 = call('GET', f'{backend.glance.url}/v2/images/{number}', auth).json
        assert v2 | {
            'name': name, 'disk_format': disk, 'container_format': container, 'size': len(data), 'status': 'active',
            'checksum': md5, 'visibility': 'shared', 'owner': glance2010.owner.name, 'distro': 'Ubuntu 10.10',
        } == v2
        assert v2['created_at'] == image['created_at'].replace(' ', 'T') + 'Z'
        assert [key for key in v2 if key.startswith('gw_')] == []
        assert call('GET', f'{backend.glance.url}/v2/images/{number}/file', auth).body == data


def test_a_plankton_image_on_a_real_glance(gateway, backend, user):
    """Marks keep what Glance has no field for, and stay out of every other dialect's sight."""
    owner = user()
    if backend.objects:
        path = backend.objects / owner.name / 'images/a b.diskdump'
        path.parent.mkdir(parents=True)
        path.write_bytes(b'disk')
    location = f'pithos://{owner.name}/images/a%20b.diskdump'
    made = call('POST', f'{gateway.url}/image/v1.0/images/', {
        **owner.auth, 'X-Image-Meta-Name': 'dump', 'X-Image-Meta-Location': location, 'Content-Length': 0,
        'X-Image-Meta-Disk-Format': 'ntfsdump', 'X-Image-Meta-Property-Root-Partition': '1'})
    assert made.status == 200, made
    number = made.meta['id']
    v1 = call('HEAD', f'{gateway.url}/v1/images/{number}', owner.auth).meta
    assert (v1['status'], v1['property-root_partition']) == ('active', '1')
    assert [key for key in v1 if 'gw_' in key or key == 'location'] == []
    seen = call('HEAD', f'{gateway.url}/images/{number}', owner.auth).meta
    assert (seen['status'], seen['type']) == ('available', 'raw')
    assert [key for key in seen if 'gw_' in key or key == 'location'] == []
    if backend.glance:
        v2 = call('GET', f'{backend.glance.url}/v2/images/{number}', owner.auth).json
        assert v2 | {
            'gw_location': location, 'gw_disk_format': 'ntfsdump', 'disk_format': 'raw', 'container_format': 'bare',
            'root_partition': '1', 'status': 'queued', 'visibility': 'shared', 'name': 'dump'} == v2
