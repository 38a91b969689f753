"""Long lists and large bodies in bounded memory; a start and an end that are quick and clean."""
import hashlib
import socket
import sqlite3
import sys
import time
import uuid

import pytest

from harness.processes import PROJECT, Gateway, Glance, Watch
from harness.stub import ListingRegistry
from harness.uploads import half_upload, images_of, upload_head
from harness.wire import call

sys.path.insert(0, str(PROJECT / 'Tests/Benchmarks'))
from sink import Sink  # noqa: E402

MANY = 2500
PAGE = 25
BODY = 4 << 30
MOST_MEMORY_MIB = 64
IDLE_MEMORY_MIB = 20
START_SECONDS = 0.05


# Lists


@pytest.mark.parametrize('ballast', [0, 16_000])
def test_plankton_lists_2500_images_of_a_registry_with_pages_of_25(binary, tmp_path, user, ballast):
    with ListingRegistry(MANY, PAGE, ballast) as registry:
        with Gateway(binary, tmp_path, {'dialect': 'image-v2', 'url': registry.url}) as gateway:
            with Watch(gateway.process.pid) as watch:
                answer = call('GET', f'{gateway.url}/image/v1.0/images/detail', user().auth, timeout=120)
            assert answer.status == 200, answer
            listed = answer.json
    assert len(listed) == len({image['id'] for image in listed}) == MANY
    assert registry.pages_served == MANY // PAGE
    print(f'list of {len(answer.body) >> 20} MiB with {watch.peak:.1f} MiB resident')
    assert watch.peak < MOST_MEMORY_MIB


def clone_images(database, image_id, count):
    """Copies one image of a Glance database until there are `count`, which takes the API far longer."""
    with sqlite3.connect(database) as connection:
        connection.row_factory = sqlite3.Row
        row = dict(connection.execute('SELECT * FROM images WHERE id = ?', (image_id,)).fetchone())
        columns = ', '.join(row)
        marks = ', '.join('?' * len(row))
        connection.executemany(
            f'INSERT INTO images ({columns}) VALUES ({marks})',
            [tuple((row | {'id': str(uuid.uuid4()), 'name': f'image {number:05}'}).values())
             for number in range(1, count)])


def test_plankton_and_v1_list_2500_images_of_a_real_glance(binary, tmp_path, user):
    owner = user()
    limits = f'limit_param_default = {PAGE}\napi_limit_max = {PAGE}'
    with Glance(tmp_path / 'glance', EXTRA=limits) as glance:
        made = call('POST', f'{glance.url}/v2/images', owner.auth | {'Content-Type': 'application/json'},
                    b'{"name": "image 00000", "disk_format": "raw", "container_format": "bare"}')
        assert made.status == 201, made
        clone_images(glance.folder / 'glance.db', made.json['id'], MANY)
        with Gateway(binary, tmp_path / 'gateway', {'dialect': 'image-v2', 'url': glance.url}) as gateway:
            plankton = call('GET', f'{gateway.url}/image/v1.0/images/?sort_key=name', owner.auth, timeout=200)
            assert plankton.status == 200, plankton
            names = [image['name'] for image in plankton.json]
            assert names == [f'image {number:05}' for number in range(MANY)]
            v1 = images_of(gateway.url, owner)
            assert len(v1) == 1000
            assert gateway.resident() < MOST_MEMORY_MIB


# Bodies


@pytest.fixture
def sink():
    return Sink()


def sparse(path, size):
    with open(path, 'wb') as file:
        file.truncate(size)
    return path


def test_a_body_of_4_gib_goes_up_in_bounded_memory(binary, tmp_path, sink, user):
    registry = {'dialect': 'image-v2', 'url': f'http://127.0.0.1:{sink.port}'}
    with Gateway(binary, tmp_path / 'gateway', registry) as gateway:
        with Watch(gateway.process.pid) as watch, socket.create_connection(('127.0.0.1', gateway.port)) as connection:
            connection.sendall(upload_head('large', user(), gateway.port, BODY))
            with open(sparse(tmp_path / 'zeros', BODY), 'rb') as file:
                connection.sendfile(file)
            connection.settimeout(60)
            head = connection.recv(65536)
    assert head.startswith(b'HTTP/1.1 201'), head
    assert sink.state['size'] == BODY
    print(f'4 GiB up with {watch.peak:.1f} MiB resident')
    assert watch.peak < MOST_MEMORY_MIB


def test_a_body_of_4_gib_comes_down_in_bounded_memory(binary, tmp_path, user, embedded_backend):
    """Straight from the embedded registry, where the data is a sparse file in the objects folder."""
    owner = user()

    folder = embedded_backend.objects / owner.name / 'images'
    folder.mkdir(parents=True)
    sparse(folder / 'large', BODY)
    with Gateway(binary, tmp_path / 'gateway', embedded_backend.configuration) as gateway:
        made = call('POST', f'{gateway.url}/image/v1.0/images/', {
            **owner.auth, 'X-Image-Meta-Name': 'large', 'Content-Length': 0,
            'X-Image-Meta-Location': f'pithos://{owner.name}/images/large'}, timeout=120)
        assert made.status == 200, made
        request = f'GET /v1/images/{made.meta["id"]} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {owner.token}\r\n\r\n'
        with Watch(gateway.process.pid) as watch, socket.create_connection(('127.0.0.1', gateway.port)) as connection:
            connection.settimeout(60)
            connection.sendall(request.encode())
            head, _, first = connection.recv(65536).partition(b'\r\n\r\n')
            assert head.startswith(b'HTTP/1.1 200'), head
            assert f'content-length: {BODY}'.encode() in head.lower()
            received, buffer = len(first), bytearray(1 << 20)
            while received < BODY and (count := connection.recv_into(buffer)):
                received += count
    assert received == BODY
    print(f'4 GiB down with {watch.peak:.1f} MiB resident')
    assert watch.peak < MOST_MEMORY_MIB


# Start and end


def test_start_and_idle_memory(binary, tmp_path, embedded_backend):
    gateway = Gateway(binary, tmp_path, embedded_backend.configuration)
    times = []
    for _ in range(5):
        began = time.monotonic()
        with gateway:
            assert call('GET', f'{gateway.url}/v1/images', {'X-Auth-Token': 'alice'}).status == 200
            times.append(time.monotonic() - began)
            resident = gateway.resident()
    print(f'first answer after {min(times) * 1000:.0f} ms, idle with {resident:.1f} MiB resident')
    assert resident < IDLE_MEMORY_MIB


def test_sigterm_lets_an_upload_finish(gateway_of_ones_own, user):
    gateway, owner = gateway_of_ones_own, user()
    connection = half_upload(gateway, owner, 'in flight', 1 << 20, 300_000)
    time.sleep(0.2)
    gateway.terminate()
    time.sleep(0.3)
    assert gateway.process.poll() is None, 'did not wait for the upload'
    with pytest.raises(OSError):
        call('GET', f'{gateway.url}/v1/images', owner.auth, timeout=5)
    connection.sendall(bytes((1 << 20) - 300_000))
    connection.settimeout(20)
    assert connection.recv(65536).startswith(b'HTTP/1.1 201')
    assert gateway.wait() == 0
    with gateway:
        (image,) = images_of(gateway.url, owner)
        assert (image['status'], image['checksum']) == ('active', hashlib.md5(bytes(1 << 20)).hexdigest())


def test_sigterm_of_an_idle_gateway_ends_it_at_once(gateway_of_ones_own):
    idle = socket.create_connection(('127.0.0.1', gateway_of_ones_own.port))
    began = time.monotonic()
    gateway_of_ones_own.terminate()
    assert gateway_of_ones_own.wait() == 0
    assert time.monotonic() - began < 5
    idle.close()


@pytest.fixture
def gateway_of_ones_own(binary, tmp_path, embedded_backend):
    gateway = Gateway(binary, tmp_path / 'gateway', embedded_backend.configuration).start()
    yield gateway
    gateway.kill()


# Configuration


@pytest.mark.parametrize('settings, named', [
    ({'listne': []}, 'listne'),
    ({'mounts': [{'prefix': '/v1', 'dialect': 'glance-v7', 'backend': 'main'}]}, 'glance-v7'),
    ({'mounts': [{'prefix': '/v1', 'dialect': 'glance-v1', 'backend': 'nobody'}]}, 'nobody'),
    ({'loops': -3}, 'loops'),
])
def test_a_mistake_in_the_configuration_is_named(binary, tmp_path, embedded_backend, settings, named):
    gateway = Gateway(binary, tmp_path, embedded_backend.configuration, **settings)
    with pytest.raises(AssertionError) as raised:
        gateway.start()
    gateway.kill()
    assert gateway.process.returncode > 0
    assert named in str(raised.value) and 'baleen.json5' in str(raised.value)
