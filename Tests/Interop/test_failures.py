"""What breaks half way leaves no half image, on either backend; what is wrong from the start never gets there."""
import hashlib
import os
import socket
import time

import pytest

from harness.processes import Gateway, Glance
from harness.uploads import V1, half_upload, images_of, on_glance
from harness.wire import call, eventually, exchange


def kept_data(backend):
    """The files of an embedded registry."""
    if backend.glance:
        return set()
    return {os.path.join(folder, name) for folder, _, files in os.walk(backend.configuration['directory'])
            for name in files}


def assert_nothing_left(gateway, backend, user, before):
    """No image of the user, and no data beside what was there `before`."""
    assert eventually(lambda: images_of(gateway.url, user) == []), images_of(gateway.url, user)
    if backend.glance:
        assert eventually(lambda: on_glance(backend.glance, user) == []), on_glance(backend.glance, user)
    assert eventually(lambda: kept_data(backend) <= before), 'data of a broken upload stays'


def test_an_upload_cut_off_half_way(gateway, backend, user):
    owner, before = user(), kept_data(backend)
    for length in (1 << 20, None):
        connection = half_upload(gateway, owner, 'cut', length)
        if length is None:
            connection.sendall(b'not a chunk size')
        time.sleep(0.2)
        connection.close()
    assert_nothing_left(gateway, backend, owner, before)


@pytest.mark.parametrize('demand, status', [
    ({'checksum': '0' * 32}, 400), ({'size': 4}, 400), ({'size': 6}, 400),
    ({'checksum': hashlib.md5(b'hello').hexdigest(), 'size': 5}, 201),
])
def test_a_demand_on_the_data_is_kept(gateway, backend, user, demand, status):
    owner, before = user(), kept_data(backend)
    head = {**owner.auth, **V1, 'x-image-meta-name': 'demand'}
    headers = {**head, **{f'x-image-meta-{key}': value for key, value in demand.items()}}
    for body in (b'hello', [b'hel', b'lo']):
        answer = call('POST', f'{gateway.url}/v1/images', headers, body)
        assert answer.status == status, answer
        if status == 201:
            assert call('DELETE', f'{gateway.url}/v1/images/{answer.json["image"]["id"]}', owner.auth).status == 200
    assert_nothing_left(gateway, backend, owner, before)


def test_a_demand_made_when_reserving_binds_the_upload(gateway, user):
    owner = user()
    reserved = call('POST', f'{gateway.url}/v1/images', {
        **owner.auth, 'x-image-meta-name': 'demand', 'x-image-meta-disk_format': 'raw',
        'x-image-meta-container_format': 'bare', 'x-image-meta-checksum': '0' * 32})
    assert reserved.status == 201, reserved
    url = f'{gateway.url}/v1/images/{reserved.json["image"]["id"]}'
    refused = call('PUT', url, {**owner.auth, 'Content-Type': 'application/octet-stream'}, b'hello')
    assert refused.status == 400, refused
    assert call('HEAD', url, owner.auth).meta['status'] != 'active'
    assert call('GET', url, owner.auth).status == 404


def test_the_backend_dies_half_way(binary, tmp_path, user):
    owner, other = user(), user('other')
    with Glance(tmp_path / 'glance') as glance:
        backend = {'dialect': 'image-v2', 'url': glance.url}
        with Gateway(binary, tmp_path / 'gateway', backend) as gateway:
            whole = call('POST', f'{gateway.url}/v1/images', {**other.auth, **V1, 'x-image-meta-name': 'whole'}, b'ok')
            assert whole.status == 201, whole
            connection = half_upload(gateway, owner, 'half')
            time.sleep(0.3)
            glance.kill()
            try:
                connection.sendall(bytes((1 << 20) - 300_000))
                answer = connection.recv(65536)
                assert not answer or answer.split(b' ')[1] in (b'502', b'503', b'504'), answer
            except ConnectionError:
                pass
            connection.close()
            assert call('GET', f'{gateway.url}/v1/images', other.auth).status in (502, 503)
            glance.start()
            kept = [image['name'] for image in images_of(gateway.url, other)]
            assert kept == ['whole']
            assert [image for image in images_of(gateway.url, owner) if image['status'] == 'active'] == []
            again = call('POST', f'{gateway.url}/v1/images', {**owner.auth, **V1, 'x-image-meta-name': 'new'}, b'ok')
            assert again.status == 201, again


def test_a_client_that_leaves_does_not_stop_the_others(gateway, user):
    owner = user()
    made = call('POST', f'{gateway.url}/v1/images', {**owner.auth, **V1, 'x-image-meta-name': 'big'}, bytes(8 << 20))
    number = made.json['image']['id']
    for _ in range(10):
        connection = socket.create_connection(('127.0.0.1', gateway.port))
        connection.sendall(
            f'GET /v1/images/{number} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {owner.token}\r\n\r\n'.encode())
        connection.recv(1000)
        connection.close()
    whole = call('GET', f'{gateway.url}/v1/images/{number}', owner.auth)
    assert (whole.status, len(whole.body)) == (200, 8 << 20)


# Bad input

BAD = [
    # dialect's form, method, path, headers, body, status
    ('v1', 'POST', '/v1/images', {'x-image-meta-size': 'x'}, None, 400),
    ('v1', 'POST', '/v1/images', {'x-image-meta-size': '-1'}, None, 400),
    ('v1', 'POST', '/v1/images', {'x-image-meta-min_ram': '2147483648'}, None, 400),
    ('v1', 'POST', '/v1/images', {'x-image-meta-colour': 'red'}, None, 400),
    ('v1', 'POST', '/v1/images', {'x-image-meta-disk_format': 'diskdump'}, None, 400),
    ('v1', 'POST', '/v1/images', {'x-image-meta-id': 'x'}, None, 400),
    ('v1', 'POST', '/v1/images', {'x-image-meta-location': ''}, None, 400),
    ('v1', 'POST', '/v1/images', {'x-image-meta-location': 'file:///etc/passwd'}, None, 400),
    ('v1', 'POST', '/v1/images', {'x-image-meta-location': 'http://169.254.169.254/latest'}, None, 400),
    ('v1', 'POST', '/v1/images', {'x-glance-api-copy-from': 'http://127.0.0.1:22/'}, None, 400),
    ('v1', 'POST', '/v1/images', {**V1, 'Content-Type': 'text/plain'}, b'x', 400),
    ('v1', 'POST', '/v1/images', {**V1, 'x-image-meta-location': 'http://example.org/x'}, b'x', 400),
    ('v1', 'GET', '/v1/images?limit=x', {}, None, 400),
    ('v1', 'GET', '/v1/images?limit=-1', {}, None, 400),
    ('v1', 'GET', '/v1/images?sort_key=colour', {}, None, 400),
    ('v1', 'GET', '/v1/images?sort_dir=up', {}, None, 400),
    ('v1', 'GET', '/v1/images?size_min=x', {}, None, 400),
    ('v1', 'GET', '/v1/images?is_public=maybe', {}, None, 400),
    ('v1', 'GET', '/v1/images?changes-since=yesterday', {}, None, 400),
    ('v1', 'GET', '/v1/images?marker=x', {}, None, 400),
    ('v1', 'GET', '/v1/images/no-such-image', {}, None, 404),
    ('v1', 'GET', '/v1/nothing', {}, None, 404),
    ('v1', 'PUT', '/v1/images/detail/x', {}, None, 404),
    ('v1', 'DELETE', '/v1/images', {}, None, 405),
    ('v1', 'HEAD', '/v1/images', {}, None, 405),
    ('v1', 'PUT', '/v1/images/6b1cdb2d-9dd2-4d2e-9c35-000000000000/members', {}, b'{', 400),
    ('v1', 'PUT', '/v1/images/6b1cdb2d-9dd2-4d2e-9c35-000000000000/members', {}, b'{"memberships":[{}]}', 400),
    ('plankton', 'GET', '/image/v1.0/images/?sort_key=colour', {}, None, 400),
    ('plankton', 'GET', '/image/v1.0/images/?sort_dir=up', {}, None, 400),
    ('plankton', 'GET', '/image/v1.0/images/?size_min=', {}, None, 400),
    ('plankton', 'GET', '/image/v1.0/nothing', {}, None, 400),
    ('plankton', 'GET', '/image/v1.0/images/x', {}, None, 501),
    ('plankton', 'POST', '/image/v1.0/images/', {'X-Image-Meta-Name': 'x'}, None, 501),
    ('plankton', 'POST', '/image/v1.0/images/', {'X-Image-Meta-Location': 'pithos://a/b/c'}, None, 400),
    ('plankton', 'POST', '/image/v1.0/images/',
     {'X-Image-Meta-Name': 'x', 'X-Image-Meta-Location': 'pithos://a/b'}, None, 400),
    ('plankton', 'POST', '/image/v1.0/images/',
     {'X-Image-Meta-Name': 'x', 'X-Image-Meta-Location': 'pithos://a/b/c', 'X-Image-Meta-Id': '1'}, None, 400),
    ('plankton', 'POST', '/image/v1.0/images/',
     {'X-Image-Meta-Name': 'x', 'X-Image-Meta-Location': 'pithos://a/b/c', 'X-Image-Meta-Is-Public': 'x'}, None, 400),
    ('plankton', 'PUT', '/image/v1.0/images/6b1cdb2d-9dd2-4d2e-9c35-000000000000',
     {'X-Image-Meta-Location': 'pithos://a/b/c'}, None, 400),
    ('plankton', 'PUT', '/image/v1.0/images/6b1cdb2d-9dd2-4d2e-9c35-000000000000/members', {}, b'[]', 400),
    ('plankton', 'DELETE', '/image/v1.0/images/6b1cdb2d-9dd2-4d2e-9c35-000000000000', {}, None, 404),
    ('plankton', 'PUT', '/image/v1.0/images/detail', {}, None, 405),
    ('2010', 'POST', '/images', {'x-image-meta-type': 'floppy'}, None, 400),
    ('2010', 'PUT', '/images/x', {}, b'neither data nor document', 400),
]

NAMES = {400: 'badRequest', 401: 'unauthorized', 404: 'itemNotFound', 405: 'notAllowed', 501: 'notImplemented'}


def assert_form(form, answer):
    """The error takes the dialect's own form."""
    if form == 'plankton':
        (name, fault), = answer.json.items()
        assert (name, fault['code']) == (NAMES[answer.status], answer.status)
        assert isinstance(fault['message'], str) and isinstance(fault['details'], str)
    elif answer.body:
        assert answer.header('content-type').startswith('text/plain')
        assert answer.body.startswith((str(answer.status).encode(), b'Image not found')), answer.body


@pytest.mark.parametrize('form, method, path, headers, body, status', BAD, ids=lambda value: str(value)[:60])
def test_bad_input_is_refused_in_the_dialects_own_form(gateway, user, form, method, path, headers, body, status):
    owner = user()
    answer = call(method, gateway.url + path, {**owner.auth, **headers}, body)
    assert answer.status == status, answer
    if method == 'HEAD':
        assert answer.body == b''
    else:
        assert_form(form, answer)
    if status == 405:
        assert answer.header('allow')
    assert images_of(gateway.url, owner) == []


@pytest.mark.parametrize('path, form', [('/v1/images', 'v1'), ('/image/v1.0/images/', 'plankton'), ('/images', '2010')])
def test_no_token_is_401_in_the_dialects_own_form(gateway, path, form):
    answer = call('GET', gateway.url + path)
    assert answer.status == 401, answer
    assert_form(form, answer)


@pytest.mark.parametrize('request_bytes, status', [
    (b'GET /v1/images HTTP/1.1\r\n\r\n', 400),
    (b'GET /v1/images HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400),
    (b'POST /v1/images HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx', 400),
    (b'POST /v1/images HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\nx', 400),
    (b'PUT /v1/images/x HTTP/1.1\r\nHost: a\r\nX-Auth-Token: alice\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 400),
    (b'GET /v1/images HTTP/1.1\r\nHost: a\r\nbad header : x\r\n\r\n', 400),
    (b'GET /v1/images HTTP/3.0\r\nHost: a\r\n\r\n', 505),
    (b'GARBAGE\r\n\r\n', 400),
])
def test_bad_http_is_refused(gateway, request_bytes, status):
    assert exchange(gateway.port, request_bytes).status == status


def test_nobody_is_somebody_by_saying_so(gateway, user):
    """Headers that an identity service would set do not cross from a client."""
    alice, bob = user('alice'), user('bob')
    made = call('POST', f'{gateway.url}/v1/images', {**alice.auth, **V1, 'x-image-meta-name': 'mine'}, b'x')
    url = f'{gateway.url}/v1/images/{made.json["image"]["id"]}'
    for spelling in ('-', '_'):
        said = {name.replace('-', spelling): value for name, value in {
            'X-Roles': 'admin', 'X-User-Id': alice.name, 'X-Tenant-Id': alice.name, 'X-Project-Id': alice.name,
            'X-Identity-Status': 'Confirmed'}.items()}
        assert call('GET', url, {**said, **bob.auth}).status == 404
        assert call('GET', url, said).status == 401
    assert call('GET', f'{url}?_method=DELETE', alice.auth).status == 200
    assert call('HEAD', url, alice.auth).status == 200
