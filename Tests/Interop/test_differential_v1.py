"""The real Glance 15, asked directly and through the gateway: the same requests, and the same answers.

Each side has a Glance of its own with nothing in it at the beginning. What differs on purpose, and why, says
differential/differs-v1.txt, line by line; a line that is no difference any more fails as well.
"""
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from differential.requests_v1 import FILES, IDS, REQUESTS
from harness.differential import REQUEST_ID, Side, run, unexpected
from harness.wire import free_ports

FOLDER = Path(__file__).parent / 'differential'
TOKENS = {
    'alice': 'alice.acme.member', 'amy': 'amy.acme.member', 'bob': 'bob.beta.member', 'carol': 'carol.gamma.member',
    'root': 'root.ops.admin', 'liar': 'not-a-token',
}
MOMENT = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}')
# The address of an object of the server, in messages of its libraries.
OBJECT = re.compile(r'(?: at|:) 0x[0-9a-f]+')
SERVED = {word for each in REQUESTS for word in each.keep}


class Files:
    """A web server with FILES, which images have as location or are copied from."""

    def __init__(self):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_GET(self, with_body=True):
                data = FILES.get(self.path)
                self.send_response(404 if data is None else 200)
                self.send_header('Content-Length', str(len(data or b'')))
                self.end_headers()
                if with_body:
                    self.wfile.write(data or b'')

            def do_HEAD(self):
                self.do_GET(with_body=False)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.url = f'http://127.0.0.1:{self.server.server_port}'

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Strict(Side):
    """A side whose ids are compared (they were asked for), and whose times must have the one form of the dialect."""

    def plain(self, text):
        for own, placeholder in self.hidden.items():
            text = text.replace(own, placeholder)
        for name in SERVED & set(self.words):
            text = text.replace(self.words[name], f'<{name}>')
        return OBJECT.sub(' OBJECT', MOMENT.sub('<time>', REQUEST_ID.sub('req-ID', text)))


def said(view):
    """What an answer says, in parts of which each can differ by itself."""
    parts = {'status': view.status, 'headers': ' '.join(sorted({name.lower() for name, _ in view.headers}))}
    for name, value in view.headers:
        parts.setdefault(f'header {name.lower()}', []).append(value)

    def add(name, value):
        if isinstance(value, dict) and value:
            for key, each in value.items():
                add(f'{name}.{key}', each)
        elif isinstance(value, list) and value:
            for number, each in enumerate(value):
                add(f'{name}.{number}', each)
        else:
            parts[name] = f'{type(value).__name__} {value!r}'

    add('body', json.loads(view.body) if 'application/json' in parts.get('header content-type', []) and view.body
        else view.body)
    return parts


def different(direct, through):
    """`name: part` -> what both say; a status has both values in its part."""
    found = {}
    for exchange, left, right in zip(REQUESTS, direct, through, strict=True):
        left, right = said(left), said(right)
        for part in {**left, **right}:
            theirs, ours = left.get(part), right.get(part)
            if theirs != ours:
                known = f'status {theirs} became {ours}' if part == 'status' else part
                found[f'{exchange.name}: {known}'] = f'{theirs} became {ours}'
    return found


@pytest.fixture
def words():
    with Files() as files:
        yield {**IDS, 'FILES': files.url, 'CLOSED': f'http://127.0.0.1:{free_ports(1)[0]}'}


def test_two_servers_say_the_same(new_glance_v1, words):
    """Nothing of what is found below comes from asking two servers; and the table says what they answer."""
    direct, again = run(REQUESTS, *(Strict(new_glance_v1().url, TOKENS.get, words) for _ in range(2)))
    assert unexpected(REQUESTS, direct) == {}
    assert different(direct, again) == {}
