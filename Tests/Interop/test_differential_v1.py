"""The real Glance 15, asked directly and through the gateway: the same requests, and the same answers.

Each side has a Glance of its own with nothing in it at the beginning. What differs on purpose, and why, says
differential/differs-v1.txt, line by line; a line that is no difference any more fails as well.
"""
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from differential.requests_v1 import FILES, IDS, REQUESTS
from harness.differential import REQUEST_ID, Side, run, unexpected
from harness.files import Files
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


class Strict(Side):
    """A side whose ids are compared (they were asked for), and whose times must have the one form of the dialect."""

    def plain(self, text):
        for own, placeholder in self.hidden.items():
            text = text.replace(own, placeholder)
        for name in SERVED & set(self.words):
            text = text.replace(self.words[name], f'<{name}>')
        text = text.replace('&#x27;', "'")  # Python 3 escapes more than the servers of the time did.
        return OBJECT.sub(' OBJECT', MOMENT.sub('<time>', REQUEST_ID.sub('req-ID', text)))


def as_shown(view):
    """An answer of Glance with what the gateway shows otherwise in every image, and nothing else.

    `uri` is in all documents of the API and in no release; a virtual size that nobody knows is left out, as in the
    releases that have none.
    """
    def image(shown):
        own = {key: value for key, value in shown.items() if (key, value) != ('virtual_size', None)}
        return {**own, 'uri': f'http://HOST/v1/images/{shown["id"]}'}

    headers = dict(view.headers)
    if number := headers.get('X-Image-Meta-Id'):
        return replace(view, headers=[*view.headers, ('X-Image-Meta-Uri', f'http://HOST/v1/images/{number}')])
    if headers.get('Content-Type') != 'application/json' or not view.body:
        return view
    document = json.loads(view.body)
    if 'image' in document:
        document['image'] = image(document['image'])
    elif 'images' in document:
        document['images'] = [image(each) for each in document['images']]
    return replace(view, body=json.dumps(document))


def parts(view):
    """An answer in parts of which each can differ by itself; entries of one list are one part."""
    found = {}

    def add(name, value):
        if isinstance(value, dict) and value:
            for key, each in value.items():
                add(f'{name}.{key}', each)
        elif isinstance(value, list):
            for each in value:
                add(name, each)
            add(f'{name} count', len(value))
        else:
            found.setdefault(name, []).append(value if isinstance(value, str) else f'{type(value).__name__} {value}')

    for name, value in view.headers:
        if name.lower() != 'content-length' or int(view.status == 204):
            add(f'header {name.lower()}', value)
    is_json = 'application/json' in found.get('header content-type', [])
    add('body', json.loads(view.body) if is_json and view.body else view.body)
    return found


def different(direct, through):
    """`request: parts that differ` -> what both say; where statuses differ, nothing else is of interest."""
    found = {}
    for exchange, left, right in zip(REQUESTS, direct, through, strict=True):
        if left.status != right.status:
            found[f'{exchange.name}: {left.status} became {right.status}'] = f'{left.body[:300]!r} {right.body[:300]!r}'
            continue
        left, right = parts(left), parts(right)
        unlike = sorted(name for name in {**left, **right} if left.get(name) != right.get(name))
        if unlike:
            found[f'{exchange.name}: {", ".join(unlike)}'] = '; '.join(
                f'{name}: {left.get(name)} became {right.get(name)}' for name in unlike)
    return found


@pytest.fixture
def words():
    with Files(FILES) as files:
        yield {**IDS, 'FILES': files.url, 'CLOSED': f'http://127.0.0.1:{free_ports(1)[0]}'}


def test_two_servers_say_the_same(new_glance_v1, words):
    """Nothing of what is found below comes from asking two servers; and the table says what they answer."""
    direct, again = run(REQUESTS, *(Strict(new_glance_v1().url, TOKENS.get, words) for _ in range(2)))
    assert unexpected(REQUESTS, direct) == {}
    assert different(direct, again) == {}
