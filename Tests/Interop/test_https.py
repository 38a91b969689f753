"""A Glance behind https, which the libcurl transport carries: nginx ends TLS before the real registry."""
import hashlib
import os
import subprocess

import pytest

from harness.processes import Gateway
from harness.uploads import V1
from harness.wire import call, eventually, free_ports

NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log warn;
events {{ worker_connections 64; }}
http {{
  access_log off; client_max_body_size 0;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} ssl; ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
    location / {{
      proxy_pass {glance}; proxy_http_version 1.1; proxy_request_buffering off; proxy_set_header Host $http_host;
    }}
  }}
}}
"""


def certificate(folder):
    """A certificate of its own authority, for 127.0.0.1."""
    subprocess.run(
        ['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=127.0.0.1', '-addext',
         'subjectAltName=IP:127.0.0.1', '-keyout', folder / 'key.pem', '-out', folder / 'cert.pem'],
        check=True, capture_output=True)


@pytest.fixture
def https_glance(glance, tmp_path):
    certificate(tmp_path)
    (port,) = free_ports(1)
    configuration = tmp_path / 'nginx.conf'
    configuration.write_text(NGINX.format(folder=tmp_path, port=port, glance=glance.url))
    nginx = subprocess.Popen(['nginx', '-p', tmp_path, '-c', configuration], env={
        **os.environ, 'PATH': f'{os.environ["PATH"]}:/usr/sbin'}, stderr=subprocess.DEVNULL)
    assert eventually((tmp_path / 'nginx.pid').exists)
    yield {'dialect': 'image-v2', 'url': f'https://127.0.0.1:{port}', 'caFile': str(tmp_path / 'cert.pem')}
    nginx.terminate()
    nginx.wait(10)


def test_an_image_lives_behind_https(binary, https_glance, tmp_path, user):
    owner, data = user(), os.urandom(5 << 20)
    with Gateway(binary, tmp_path / 'gateway', https_glance) as gateway:
        for body in (data, [data[:1000], data[1000:]]):
            made = call('POST', f'{gateway.url}/v1/images', {**owner.auth, **V1, 'x-image-meta-name': 'tls'}, body)
            assert made.status == 201, made
            assert made.json['image']['checksum'] == hashlib.md5(data).hexdigest()
            url = f'{gateway.url}/v1/images/{made.json["image"]["id"]}'
            assert call('GET', url, owner.auth).body == data
            assert call('DELETE', url, owner.auth).status == 200
        assert call('GET', f'{gateway.url}/v1/images', owner.auth).json == {'images': []}


def test_a_registry_nobody_vouches_for_is_not_asked(binary, https_glance, tmp_path, user):
    stranger = tmp_path / 'stranger'
    stranger.mkdir()
    certificate(stranger)
    registry = {**https_glance, 'caFile': str(stranger / 'cert.pem')}
    with Gateway(binary, tmp_path / 'gateway', registry) as gateway:
        answer = call('GET', f'{gateway.url}/v1/images', user().auth)
        assert answer.status == 502, answer
