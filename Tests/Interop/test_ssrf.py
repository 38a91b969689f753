"""URLs that clients name: nobody is sent where only the gateway, or the registry behind it, could go.

A name that resolves differently the second time needs a name server of one's own, which getaddrinfo asks only with the
machine's consent: RebindingTests plays that one over real sockets, with the resolver as the test's.
"""
import hashlib
import json
import os
import time
from pathlib import Path

import pytest

from harness.listening import Answering, Forbidden
from harness.processes import Gateway
from harness.uploads import images_of, on_glance
from harness.wire import call, eventually, exchange

CASES = [case for case in json.loads((Path(__file__).parent / 'robustness/requests.json').read_text())['cases']
         if case['group'] == 'ssrf']
DESCRIBED = {'x-image-meta-name': 'x', 'x-image-meta-disk_format': 'raw', 'x-image-meta-container_format': 'bare'}
DATA = os.urandom(300_000)


@pytest.fixture(scope='module')
def forbidden():
    """Nothing may connect to it: looked at again when all tests, and what they started, are done."""
    with Forbidden() as listener:
        yield listener
        time.sleep(1)
        assert listener.hits == []


def reserve(gateway, owner):
    """A queued image."""
    made = call('POST', f'{gateway.url}/v1/images', {**owner.auth, **DESCRIBED})
    assert made.status == 201, made
    return made.json['image']['id']


@pytest.mark.parametrize('case', CASES, ids=[case['id'] for case in CASES])
def test_every_recorded_trick(gateway, user, forbidden, case):
    assert len(CASES) == 49
    owner = user()
    number = reserve(gateway, owner)
    words = {
        'V1': '/v1', 'V2': '/v2', 'PLANKTON': '/image/v1.0', 'HOST': f'127.0.0.1:{gateway.port}',
        'AUTH': f'X-Auth-Token: {owner.token}\r\n', 'SSRFPORT': str(forbidden.port), 'SSRF': f'127.0.0.1:{forbidden.port}',
        'QID': number, 'ID': number,
    }
    raw = case['raw']
    for name, value in words.items():
        raw = raw.replace(f'@{name}@', value)
    raw = raw.replace('@CL@', str(len(raw.split('\r\n\r\n', 1)[1])))
    answer = exchange(gateway.port, raw.encode('latin-1'))
    assert answer.status in case['expect']['status'], answer
    assert [image['id'] for image in images_of(gateway.url, owner)] == [number], 'something was made'
    assert forbidden.hits == []


# Hosts that are this machine, its neighbours or its cloud's, however they are written; PORT is where somebody listens.
HOSTS = [
    '127.0.0.1:PORT', '127.1:PORT', '127.0.1:PORT', '2130706433:PORT', '017700000001:PORT', '0177.0.0.1:PORT',
    '0x7f000001:PORT', '0x7f.1:PORT', '0:PORT', '0.0.0.0:PORT', '127.8.8.8:PORT', '[::1]:PORT', '[::]:PORT',
    '[::ffff:127.0.0.1]:PORT', '[::ffff:7f00:1]:PORT', '[::127.0.0.1]:PORT', '[64:ff9b::7f00:1]:PORT',
    '[2002:7f00:1::]:PORT', '[2001:0:7f00:1::]:PORT', 'localhost:PORT', 'LOCALHOST.:PORT', 'a.localhost:PORT',
    '127.0.0.1.:PORT', '8.8.8.8@127.0.0.1:PORT', '127.0.0.1:PORT\\@8.8.8.8', '%31%32%37.0.0.1:PORT', '１２７.0.0.1:PORT',
    '127。0。0。1:PORT', '10.0.0.1', '172.16.0.1', '192.168.0.1', '100.64.0.1', '169.254.169.254', '168.63.129.16',
    '[fd00:ec2::254]', '224.0.0.1', '255.255.255.255', '8.8.8.8:22', '8.8.8.8:00080000', '8.8.8.8:',
]
WAYS = ['v1 location', 'v1 copy-from', 'v1 later copy-from', 'v2 web-download', 'v2 location', 'v2 patched location']


def name_url(gateway, owner, number, way, url):
    """Names the URL to the gateway in one of the ways there are."""
    auth, v1, v2 = owner.auth, f'{gateway.url}/v1/images', f'{gateway.url}/v2/images/{number}'
    as_json = {**auth, 'Content-Type': 'application/json'}
    if way == 'v1 location':
        return call('POST', v1, {**auth, **DESCRIBED, 'x-image-meta-location': url})
    if way == 'v1 copy-from':
        return call('POST', v1, {**auth, **DESCRIBED, 'x-glance-api-copy-from': url})
    if way == 'v1 later copy-from':
        return call('PUT', f'{v1}/{number}', {**auth, 'x-glance-api-copy-from': url})
    if way == 'v2 web-download':
        document = {'method': {'name': 'web-download', 'uri': url}}
        return call('POST', f'{v2}/import', as_json, json.dumps(document).encode())
    if way == 'v2 location':
        return call('POST', f'{v2}/locations', as_json, json.dumps({'url': url}).encode())
    change = [{'op': 'add', 'path': '/locations/-', 'value': {'url': url, 'metadata': {}}}]
    return call('PATCH', v2, {**auth, 'Content-Type': 'application/openstack-images-v2.1-json-patch'},
                json.dumps(change).encode())


@pytest.mark.parametrize('way', WAYS)
def test_addresses_inside_in_every_spelling(gateway, user, forbidden, way):
    owner = user()
    number = reserve(gateway, owner)
    for host in HOSTS:
        for scheme in ('http', 'https'):
            url = f'{scheme}://{host}/x'.replace('PORT', str(forbidden.port))
            answer = name_url(gateway, owner, number, way, url)
            # No port beyond the two is open by default, so that a public address may be refused for it; none is let through.
            refused = (400, 403, 404) if way == 'v2 patched location' else (400,)
            assert answer.status in refused, (url, answer)
            assert forbidden.hits == [], url
    assert [image['id'] for image in images_of(gateway.url, owner)] == [number]


# Copies that the gateway fetches


@pytest.fixture(scope='module')
def web(forbidden):
    """A listed host with an image, and with ways to places that are not listed."""
    table = {'/image': DATA, '/moved': '/image', '/broken': 500}
    with Answering(table) as server:
        elsewhere = forbidden.port
        table.update({
            '/to/here': f'{server.url}/moved', '/to/loopback': f'http://127.0.0.1:{elsewhere}/',
            '/to/name': f'http://localhost:{elsewhere}/', '/to/number': f'http://2130706433:{elsewhere}/',
            '/to/mapped': f'http://[::ffff:127.0.0.1]:{elsewhere}/', '/to/network': f'//127.0.0.1:{elsewhere}/',
            '/to/user': f'http://{server.host}@127.0.0.1:{elsewhere}/', '/to/file': 'file:///etc/passwd',
            '/to/metadata': 'http://169.254.169.254/latest/', '/to/itself': '/to/itself',
        })
        yield server


@pytest.fixture(scope='module')
def fetching(binary, backend, web, tmp_path_factory):
    """A gateway that may fetch from the listed host alone."""
    folder = tmp_path_factory.mktemp('fetching')
    configuration = backend.for_another_gateway(folder)
    if backend.kind != 'embedded':
        configuration = {**configuration, 'fetch': 'gateway'}
    with Gateway(binary, folder, configuration, locations={'hosts': [web.host]}) as running:
        yield running


def start_copy(gateway, owner, url, way):
    """The image whose data are to come from the URL, and what was answered."""
    if way == 'v1 copy-from':
        answer = name_url(gateway, owner, None, way, url)
        assert answer.status == 201 and answer.json['image']['status'] == 'queued', answer
        return answer.json['image']['id']
    number = reserve(gateway, owner)
    answer = name_url(gateway, owner, number, way, url)
    assert answer.status == (202 if way == 'v2 web-download' else 200), answer
    return number


COPIES = ['v1 copy-from', 'v1 later copy-from', 'v2 web-download']


@pytest.mark.parametrize('way', COPIES)
@pytest.mark.parametrize('path', ['/image', '/image?signature=1', '/to/here'])
def test_a_copy_from_a_listed_host(fetching, user, web, way, path):
    owner = user()
    web.requests.clear()
    number = start_copy(fetching, owner, web.url + path, way)
    url = f'{fetching.url}/v1/images/{number}'
    assert eventually(lambda: call('HEAD', url, owner.auth).meta['status'] == 'active'), call('HEAD', url, owner.auth)
    assert hashlib.sha256(call('GET', url, owner.auth).body).digest() == hashlib.sha256(DATA).digest()
    assert web.requests
    for _, headers in web.requests:
        assert set(headers) == {'Host', 'User-Agent', 'Accept'}, 'the server learns nothing of the client'
        assert owner.name not in str(headers)


@pytest.mark.parametrize('way', COPIES)
@pytest.mark.parametrize('path', [
    '/to/loopback', '/to/name', '/to/number', '/to/mapped', '/to/network', '/to/user', '/to/file', '/to/metadata',
    '/to/itself', '/broken', '/nothing'])
def test_a_copy_that_leads_elsewhere_fails(fetching, backend, user, web, forbidden, way, path):
    owner, before = user(), len(fetching.log)
    number = start_copy(fetching, owner, f'{web.url}{path}?signature=1', way)
    said = lambda: fetching.log[before:]
    assert eventually(lambda: f'the copy for image {number} failed: ' in said()), said()
    assert 'signature' not in said() and owner.token not in said()
    url = f'{fetching.url}/v1/images/{number}'
    if way == 'v2 web-download' or (way == 'v1 later copy-from' and backend.glance):
        assert call('HEAD', url, owner.auth).meta['status'] == 'queued'
    elif backend.glance:
        assert eventually(lambda: call('HEAD', url, owner.auth).status == 404)
        assert on_glance(backend.glance, owner) == []
    else:
        assert eventually(lambda: call('HEAD', url, owner.auth).meta['status'] == 'killed')
    assert forbidden.hits == []


def test_only_listed_hosts_are_copied_from(fetching, user, web, forbidden):
    owner = user()
    number = reserve(fetching, owner)
    for host in (f'127.0.0.1:{forbidden.port}', '127.0.0.1', f'127.0.0.2:{web.port}', '8.8.8.8'):
        for way in COPIES:
            assert name_url(fetching, owner, number, way, f'http://{host}/image').status == 400, (host, way)
    assert [image['id'] for image in images_of(fetching.url, owner)] == [number]
    assert forbidden.hits == []


def test_the_import_method_is_offered(fetching, user):
    info = call('GET', f'{fetching.url}/v2/info/import', user().auth)
    assert 'web-download' in info.json['import-methods']['value']


def test_nobody_fills_the_image_of_another(fetching, user, web):
    alice, bob = user('alice'), user('bob')
    number = reserve(fetching, alice)
    for way in ('v1 later copy-from', 'v2 web-download'):
        assert name_url(fetching, bob, number, way, f'{web.url}/image').status in (403, 404)
    assert call('HEAD', f'{fetching.url}/v1/images/{number}', alice.auth).meta['status'] == 'queued'
