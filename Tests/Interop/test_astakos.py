"""Astakos tells the gateway who is asking: every generation of its call, one question a token, and what comes of it."""
import socket
import subprocess
from contextlib import ExitStack
from datetime import timedelta
from http.client import HTTPResponse
from urllib.parse import quote

import pytest

from conftest import embedded
from harness.cloud import Cloud
from harness.processes import Gateway
from harness.wire import call, eventually

PATHS = {'glance-v1': '/v1/images', 'plankton': '/image/v1.0/images/', 'image-v2': '/v2/images', 'glance-2010': '/images'}
RELEASES = ['0.13', '0.14', '0.15', '0.17']


@pytest.fixture
def cloud():
    with Cloud() as running:
        yield running


def started(binary, folder, identity, **settings):
    return Gateway(binary, folder / 'gateway', embedded(folder).configuration, identity=identity, **settings)


@pytest.fixture
def gateway(binary, cloud, tmp_path):
    identity = {**cloud.identity, 'cache': {'known': '300ms', 'unknown': '300ms'}}
    with started(binary, tmp_path, identity) as running:
        yield running


def ask(gateway, user, path='/v1/images'):
    return call('GET', gateway.url + path, user.auth)


@pytest.mark.parametrize('release', RELEASES)
def test_every_generation(binary, kamaki, tmp_path, release):
    with Cloud(release) as cloud:
        astakos, alice, bob = cloud.astakos, cloud.user('alice'), cloud.user('bob')
        url = {'0.13': f'{astakos.url}/im', '0.14': astakos.account}.get(release, astakos.identity)
        version = release if release < '0.15' else '0.15'
        with started(binary, tmp_path, {'kind': 'astakos', 'url': url, 'version': version}) as gateway:
            images = kamaki.client(f'{gateway.url}/image/v1.0', alice.token)
            (tmp_path / f'objects/{alice.uuid}/images').mkdir(parents=True)
            (tmp_path / f'objects/{alice.uuid}/images/disk').write_bytes(b'disk')
            made = images.register('disk', f'pithos://{alice.uuid}/images/disk')
            assert made['owner'] == alice.uuid
            assert ask(gateway, bob, f'/v1/images/{made["id"]}').status == 404
            alice.expires -= timedelta(days=60)
            astakos.revoke(bob.token)
            stranger = call('GET', f'{gateway.url}/v1/images', {'X-Auth-Token': 'bm9ib2R5'})
            assert stranger.status == 401
            assert (astakos.lookups[alice.token], astakos.lookups[bob.token]) == (1, 1)
            cloud.assert_discreet(gateway, stranger)


@pytest.mark.parametrize('dialect', PATHS)
def test_bad_tokens_are_401_in_the_dialects_form(gateway, cloud, dialect):
    expired = cloud.astakos.add('expired', lifetime=timedelta(seconds=-1))
    inactive = cloud.astakos.add('inactive')
    inactive.state = 'User inactive'
    foreign = {'X-Auth-Token': 'gAAAAABk-keystone'}
    answers = [call('GET', gateway.url + PATHS[dialect], auth) for auth in (expired.auth, inactive.auth, foreign, {})]
    assert [answer.status for answer in answers] == [401] * 4
    if dialect == 'plankton':
        assert all('unauthorized' in answer.json for answer in answers)
    cloud.assert_discreet(gateway, *answers)


def test_a_token_is_never_known_beyond_its_end_or_revocation(gateway, cloud):
    alice, bob = cloud.astakos.add('alice', lifetime=timedelta(seconds=30)), cloud.astakos.add('bob')
    assert [ask(gateway, each).status for each in (alice, bob)] == [200, 200]
    cloud.astakos.revoke(bob.token)
    assert eventually(lambda: ask(gateway, bob).status == 401, 5, 0.1)
    alice.expires -= timedelta(seconds=60)
    assert eventually(lambda: ask(gateway, alice).status == 401, 5, 0.1)


def test_the_end_of_a_token_ends_what_is_cached(binary, cloud, tmp_path):
    with started(binary, tmp_path, {**cloud.identity, 'cache': {'known': '60s', 'unknown': '5s'}}) as gateway:
        alice = cloud.astakos.add('alice', lifetime=timedelta(seconds=2))
        assert ask(gateway, alice).status == 200
        assert eventually(lambda: ask(gateway, alice).status == 401, 5, 0.1)


def test_a_catalog_without_a_user_is_no_answer(gateway, cloud):
    """What comes of a request whose body got lost (astakos-pithos section 1.1)."""
    answer = call('GET', f'{gateway.url}/v1/images', {'X-Auth-Token': ''})
    assert answer.status == 401
    assert sum(cloud.astakos.lookups.values()) == 0


def test_a_thousand_requests_with_one_new_token_are_one_question(binary, cloud, tmp_path):
    """All of them wait while Astakos thinks, and get the one answer."""
    with started(binary, tmp_path, cloud.identity) as gateway:
        alice = cloud.astakos.add('alice')
        slow = cloud.astakos.fail('slow')
        request = (
            f'GET /v1/images HTTP/1.1\r\nHost: 127.0.0.1:{gateway.port}\r\nX-Auth-Token: {alice.token}\r\n'
            'Connection: close\r\n\r\n').encode()
        with ExitStack() as connections:
            sockets = []
            for _ in range(1000):
                connection = socket.create_connection(('127.0.0.1', gateway.port), timeout=60)
                sockets.append(connections.enter_context(connection))
                connection.sendall(request)
            assert eventually(lambda: slow.met), 'nobody was asked'
            cloud.astakos.heal()
            statuses = [status_of(connection) for connection in sockets]
        assert set(statuses) == {200} and len(statuses) == 1000
        assert cloud.astakos.lookups[alice.token] == 1
        assert 'baleen_identity_lookups_total{identity="identity"} 1\n' in metrics(gateway)
        assert ask(gateway, alice).status == 200
        assert 'baleen_identity_hits_total{identity="identity"}' in metrics(gateway)
        cloud.assert_discreet(gateway)


def metrics(gateway):
    return call('GET', f'http://127.0.0.1:{gateway.admin_port}/metrics').body.decode()


def status_of(connection):
    response = HTTPResponse(connection)
    response.begin()
    return response.status


def test_bad_tokens_are_remembered_too(binary, cloud, tmp_path):
    with started(binary, tmp_path, cloud.identity) as gateway:
        for _ in range(20):
            assert call('GET', f'{gateway.url}/v1/images', {'X-Auth-Token': 'bm9ib2R5'}).status == 401
        assert cloud.astakos.lookups['bm9ib2R5'] == 1


@pytest.mark.parametrize('fault', ['down', 500, 503, 404, 'cut', 'drop'])
def test_no_answer_is_503_but_not_for_callers_who_are_known(binary, cloud, tmp_path, fault):
    with started(binary, tmp_path, cloud.identity) as gateway:
        alice, new = cloud.astakos.add('alice'), cloud.astakos.add('new')
        assert ask(gateway, alice).status == 200
        if fault == 'down':
            cloud.astakos.down()
        else:
            cloud.astakos.fail(fault)
        answers = {dialect: ask(gateway, new, path) for dialect, path in PATHS.items()}
        for dialect, answer in answers.items():
            assert answer.status == 503, (dialect, str(answer))
            assert int(answer.header('Retry-After')) > 0, dialect
        assert list(answers['plankton'].json) == ['serviceUnavailable']
        assert [ask(gateway, alice, path).status for path in PATHS.values()] == [200] * 4
        if fault == 'down':
            cloud.astakos.up()
        cloud.astakos.heal()
        assert eventually(lambda: ask(gateway, new).status == 200, 10, 0.1)
        cloud.assert_discreet(gateway, *answers.values())


def test_a_question_that_the_service_does_not_answer_in_time(binary, cloud, tmp_path):
    timeouts = {'upstreamHead': '500ms'}
    with started(binary, tmp_path, cloud.identity, timeouts=timeouts) as gateway:
        cloud.astakos.fail('slow')
        answer = ask(gateway, cloud.astakos.add('new'))
        assert answer.status == 503 and answer.header('Retry-After'), answer


def test_tokens_are_told_to_nobody(binary, cloud, tmp_path):
    """Whatever is asked, answered and failed."""
    with started(binary, tmp_path, cloud.identity) as gateway:
        alice = cloud.astakos.add('alice')
        answers = [ask(gateway, alice, path) for path in (*PATHS.values(), '/v1/images/none', '/nothing', '/v2/%zz')]
        answers += [call('GET', f'{gateway.url}{path}?X-Auth-Token={token}') for path in PATHS.values()
                    for token in (quote(alice.token, safe=''), alice.token)]
        cloud.astakos.fail(500)
        answers.append(ask(gateway, cloud.astakos.add('bob')))
        check = subprocess.run([binary, 'check', '--config', gateway.folder / 'baleen.json5'], capture_output=True)
        assert check.returncode == 0, check.stderr
        cloud.assert_discreet(gateway, *answers, check.stdout, check.stderr)


def test_each_mount_knows_its_own_callers(binary, cloud, tmp_path):
    """The same address, two identities: the token of one is nothing to the other."""
    secret = 'a-token-of-the-file'
    digest = subprocess.run([binary, 'hash-token'], input=secret.encode(), capture_output=True, check=True).stdout
    (tmp_path / 'tokens.json5').write_text(
        f'{{ tokens: [{{ sha256: "{digest.decode().strip()}", user: "carol", tenant: "acme" }}] }}')
    mounts = [
        {'prefix': '/image/v1.0', 'dialect': 'plankton', 'backend': 'main', 'identity': 'synnefo'},
        {'prefix': '/v1', 'dialect': 'glance-v1', 'backend': 'main'},
    ]
    identity = {'kind': 'static', 'file': str(tmp_path / 'tokens.json5')}
    with started(binary, tmp_path, identity, identities={'synnefo': cloud.identity}, mounts=mounts) as gateway:
        alice = cloud.astakos.add('alice')
        carol = {'X-Auth-Token': secret}
        wanted = {('/image/v1.0/images/', 200, 401), ('/v1/images', 401, 200)}
        found = {(path, ask(gateway, alice, path).status, call('GET', gateway.url + path, carol).status)
                 for path, _, _ in wanted}
        assert found == wanted
        assert secret not in gateway.log
        cloud.assert_discreet(gateway)
