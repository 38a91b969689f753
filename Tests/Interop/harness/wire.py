"""HTTP as seen on the wire: one call, one answer, nothing added or followed."""
import http.client
import json
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


@dataclass
class Answer:
    """An HTTP answer; headers in wire order, values as UTF-8 text."""

    status: int
    headers: list
    body: bytes

    def header(self, name):
        """The value of a header, None without it; a header that comes twice is a failure."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) < 2, f'{name} comes {len(values)} times'
        return values[0] if values else None

    @property
    def meta(self):
        """Image fields and properties from the headers, without their common prefix, names as sent but lower-case."""
        prefix = 'x-image-meta-'
        return {key.lower()[len(prefix):]: value for key, value in self.headers if key.lower().startswith(prefix)}

    @property
    def json(self):
        return json.loads(self.body)

    def __str__(self):
        return f'{self.status} {self.headers} {self.body[:2000]!r}'


def _utf8(raw):
    """http.client reads headers as Latin-1; they are UTF-8."""
    return raw.encode('latin-1').decode('utf-8', 'surrogateescape')


def _answer(response):
    return Answer(response.status, [(key, _utf8(value)) for key, value in response.getheaders()], response.read())


def call(method, url, headers=(), body=None, timeout=60):
    """Sends exactly these headers (a dict or pairs) beside Host; bytes go with Content-Length, an iterable chunked."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    try:
        target = (parts.path or '/') + (f'?{parts.query}' if parts.query else '')
        pairs = list(headers.items() if isinstance(headers, dict) else headers)
        names = {key.lower() for key, _ in pairs}
        connection.putrequest(method, target, skip_accept_encoding=True, skip_host='host' in names)
        for key, value in pairs:
            connection.putheader(key, str(value).encode('utf-8'))
        chunked = body is not None and not isinstance(body, bytes)
        if body is not None and not {'content-length', 'transfer-encoding'} & names:
            connection.putheader(*(('Transfer-Encoding', 'chunked') if chunked else ('Content-Length', len(body))))
        connection.endheaders(body, encode_chunked=chunked)
        return _answer(connection.getresponse())
    finally:
        connection.close()


def exchange(port, request, timeout=30):
    """Sends raw bytes on a connection of its own and reads one answer."""
    with socket.create_connection(('127.0.0.1', port), timeout=timeout) as connection:
        connection.sendall(request)
        response = http.client.HTTPResponse(connection, method=request.split(b' ', 1)[0].decode('latin-1'))
        response.begin()
        return _answer(response)


def curl(*arguments, timeout=120):
    """What the real curl gets, with the arguments as a user would type them; the last answer if there are several."""
    with tempfile.TemporaryDirectory() as folder:
        head, body = Path(folder, 'head'), Path(folder, 'body')
        body.touch()
        subprocess.run(
            ['curl', '--silent', '--show-error', '--noproxy', '*', '--dump-header', str(head), '--output', str(body),
             *map(str, arguments)],
            check=True, timeout=timeout)
        blocks = head.read_bytes().decode('utf-8').strip().split('\r\n\r\n')
        status, *lines = blocks[-1].split('\r\n')
        headers = [tuple(part.strip() for part in line.split(':', 1)) for line in lines]
        # With --head curl writes the head a second time, as output.
        return Answer(int(status.split()[1]), headers, body.read_bytes().removeprefix(head.read_bytes()))


def free_ports(count):
    """Ports nobody listens on, all different."""
    sockets = [socket.create_server(('127.0.0.1', 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def eventually(condition, seconds=10, pause=0.02):
    """Waits until the condition holds; its last value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(pause)
