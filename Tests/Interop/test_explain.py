"""`baleen explain`: what would be done with a request, and with --live, what is done."""
import json
import subprocess

import pytest

from harness.uploads import images_of
from harness.wire import free_ports

RAW = ('GET /v1/images/detail?name=n HTTP/1.1\r\nHost: gw.example\r\nX-Auth-Token: alice.acme.member\r\n\r\n')


@pytest.fixture
def explain(binary, tmp_path):
    """Runs it on a configuration; what it says, with exit status 0 unless another is expected."""
    def run(backend, *arguments, status=0, given=''):
        file = tmp_path / 'baleen.json5'
        file.write_text(json.dumps({'backends': {'main': backend}}))
        done = subprocess.run(
            [binary, 'explain', '--config', file, *arguments], input=given, capture_output=True, text=True, timeout=60,
            cwd=tmp_path)
        assert done.returncode == status, done
        return done.stdout if status == 0 else done.stderr
    return run


def nobody():
    """A registry that cannot be reached: whoever sends something to it fails."""
    (port,) = free_ports(1)
    return {'dialect': 'image-v2', 'url': f'http://127.0.0.1:{port}'}


def test_nothing_is_sent(explain):
    said = explain(nobody(), '-', given=RAW)
    for part in ('list_images_detail', 'GET /v2/images?', 'name=eq%3An', 'rehearsed answer: 200', 'answer     200 OK'):
        assert part in said, said
    assert 'alice.acme.member' not in said


def test_a_request_in_a_file(explain, tmp_path):
    file = tmp_path / 'request'
    file.write_text(RAW)
    assert explain(nobody(), str(file)).startswith('request    GET /v1/images/detail?name=n, 2 fields, no body')


def test_arguments_as_for_curl(explain):
    said = explain(
        nobody(), '-X', 'PUT', '-H', 'X-Auth-Token: t', '-H', 'x-image-meta-name: new', 'http://gw/v1/images/7')
    assert 'update_image of image 7' in said and 'PATCH /v2/images/' in said


def test_live_on_a_registry_away(explain):
    said = explain(nobody(), '--live', '-', given=RAW)
    assert 'answer     502 Bad Gateway' in said and 'rehearsed' not in said


def test_live_does_it(explain, gateway, user):
    backend = {'dialect': 'glance-v1', 'url': gateway.url}
    owner = user()
    said = explain(
        backend, '--live', '-H', f'X-Auth-Token: {owner.token}', '-H', 'Content-Type: application/json',
        '-d', '{"name": "explained"}', '/v2/images')
    assert 'POST /v1/images' in said and 'answer     201 Created' in said and '"name": "explained"' in said, said
    assert [image['name'] for image in images_of(gateway.url, owner)] == ['explained']


@pytest.mark.parametrize('arguments', [[], ['-H'], ['-H', 'no colon', '/v1'], ['--unknown', '/v1'], ['/no/such/file', 'x']])
def test_wrong_usage(explain, arguments):
    assert explain(nobody(), *arguments, status=2).startswith('baleen: ')
