"""Uploads that end badly, and what is left of them."""
import socket

from .wire import call

V1 = {
    'x-image-meta-disk_format': 'raw', 'x-image-meta-container_format': 'bare',
    'Content-Type': 'application/octet-stream',
}


def upload_head(name, user, port, length, **meta):
    """The head of a v1 upload of `length` bytes, or of chunks when it is None."""
    fields = {
        'Host': f'127.0.0.1:{port}', 'X-Auth-Token': user.token, 'x-image-meta-name': name, **V1,
        **{f'x-image-meta-{key}': value for key, value in meta.items()},
        **({'Transfer-Encoding': 'chunked'} if length is None else {'Content-Length': length}),
    }
    lines = ''.join(f'{key}: {value}\r\n' for key, value in fields.items())
    return f'POST /v1/images HTTP/1.1\r\n{lines}\r\n'.encode()


def half_upload(gateway, user, name, length=1 << 20, sent=300_000):
    """Starts an upload, sends a part of it, and leaves the connection open."""
    connection = socket.create_connection(('127.0.0.1', gateway.port), timeout=30)
    connection.sendall(upload_head(name, user, gateway.port, length))
    connection.sendall(bytes(sent))
    return connection


def images_of(url, user, path='/v1/images/detail?limit=1000'):
    """Every image that the user sees, in whatever state."""
    answer = call('GET', url + path, user.auth)
    assert answer.status == 200, answer
    return answer.json['images']


def on_glance(glance, user):
    """What a real Glance itself lists for the user."""
    answer = call('GET', f'{glance.url}/v2/images?limit=1000&owner={user.name}', user.auth)
    assert answer.status == 200, answer
    return answer.json['images']
