"""The real Glance 15, asked directly and through the gateway: the same requests, and the same answers.

Each side has a Glance of its own with nothing in it at the beginning. What differs on purpose, and why, says
differential/differs-v1.txt, `request: what differs`; a line that does not come true fails as well.
"""
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from differential.requests_v1 import ALIKE, FILES, IDS, STATE, UNLIKE
from harness.differential import REQUEST_ID, Side, run, unexpected
from harness.differs import settle
from harness.files import Files
from harness.processes import Gateway
from harness.wire import free_ports

DIFFERS = Path(__file__).parent / 'differential/differs-v1.txt'
MOUNTS = [{'prefix': '/', 'dialect': 'glance-v1', 'backend': 'main'}]
TOKENS = {
    'alice': 'alice.acme.member', 'amy': 'amy.acme.member', 'bob': 'bob.beta.member', 'carol': 'carol.gamma.member',
    'root': 'root.ops.admin', 'liar': 'not-a-token',
}
MOMENT = re.compile(r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}')
# The address of an object of the server, in messages of its libraries.
OBJECT = re.compile(r'(?: at|:) 0x[0-9a-f]+')
SERVED = {word for each in ALIKE for word in each.keep}


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

    is_data = ('Content-Type', 'application/octet-stream') in view.headers
    for name, value in view.headers:
        # The length of a document follows from it; a list is streamed, and none is known before its end.
        if name.lower() != 'content-length' or is_data or not view.body and view.status != 204:
            add(f'header {name.lower()}', value)
    is_json = 'application/json' in found.get('header content-type', [])
    add('body', json.loads(view.body) if is_json and view.body else view.body)
    return found


def different(exchanges, direct, through):
    """`request: parts that differ` -> what both say; where statuses differ, nothing else is of interest."""
    found = {}
    for exchange, left, right in zip(exchanges, direct, through, strict=True):
        if left.status != right.status:
            found[f'{exchange.name}: {left.status} became {right.status}'] = f'{left.body[:300]!r} {right.body[:300]!r}'
            continue
        left, right = parts(left), parts(right)
        unlike = [name for name in {**left, **right} if left.get(name) != right.get(name)]
        if unlike:
            found[f'{exchange.name}: {", ".join(summary(unlike))}'] = '; '.join(
                f'{name}: {left.get(name)} became {right.get(name)}' for name in unlike)
    return found


def summary(names):
    """Parts that differ, without those of lists of other lengths, and of images that are none on one side."""
    none = tuple(f'{name.removesuffix(" count")}.' for name in names if name.endswith(' count'))
    if 'header x-image-meta-id' in names:
        none += ('header x-image-meta-',)
    return sorted(name for name in names if name == 'header x-image-meta-id' or not name.startswith(none))


@pytest.fixture
def side():
    """Servers by their address; they have a web server and a closed port in common."""
    with Files(FILES) as files:
        words = {**IDS, 'FILES': files.url, 'CLOSED': f'http://127.0.0.1:{free_ports(1)[0]}'}
        yield lambda url: Strict(url, TOKENS.get, words)


def test_glance_through_the_gateway_says_the_same(new_glance_v1, side, binary, tmp_path):
    assert len(ALIKE) >= 150
    glance, behind = side(new_glance_v1().url), side(new_glance_v1().url)
    with Gateway(binary, tmp_path, {'dialect': 'glance-v1', 'url': behind.url}, mounts=MOUNTS, locations={
            'private': True, 'ports': []}) as gateway:
        through = side(gateway.url)
        found = compared(ALIKE, glance, through)
        behind.words = through.words
        found |= different(STATE, *run(STATE, glance, behind))
        found |= compared(UNLIKE, glance, through)
    settle(DIFFERS, found, [each.name for each in (*ALIKE, *STATE, *UNLIKE)])


def compared(exchanges, glance, gateway):
    """What differs between what Glance says and what the gateway makes of that; the table has to know the first."""
    direct, through = run(exchanges, glance, gateway)
    assert unexpected(exchanges, direct) == {}
    return different(exchanges, [as_shown(view) for view in direct], through)
