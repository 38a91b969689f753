"""The recorded story of a real Plankton service, told again to the gateway before its embedded registry.

Ids, dates and checksums are the registry's own; everything else has to be the same unless transcripts/differs.txt says
why not.
"""
import hashlib
import json
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from harness.differs import settle
from harness.processes import Gateway
from harness.wire import exchange

FOLDER = Path(__file__).parent / 'transcripts'
USERS = ('alice', 'bob', 'carol', 'eve')
DATE = re.compile(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d')
MOMENTS = ('created_at', 'updated_at', 'created-at', 'updated-at')
UNORDERED = ('id', 'created_at', 'updated_at')
LARGEST_OBJECT = 8 << 20


def stored_objects():
    return [each for each in json.loads((FOLDER / 'plankton-store.json').read_text())
            if 'snapshot_state' not in each and each['bytes'] <= LARGEST_OBJECT]


def content(stored):
    """The bytes behind a recorded object are not known: any of the right length do."""
    return (stored['uuid'].encode() * (stored['bytes'] // 36 + 1))[:stored['bytes']]


class Story:
    """What was recorded and what the gateway says, told in the same words."""

    def __init__(self, port):
        self.port = port
        self.ours = {}  # recorded id -> id in our registry
        self.checksums = {each['hash']: hashlib.md5(content(each)).hexdigest() for each in stored_objects()}

    def tell(self, recorded):
        """Sends a recorded request; (what the service answered, what the gateway answers)."""
        request, response = recorded['request'], recorded['response']
        answer = exchange(self.port, self.request(request))
        meta = {key.lower(): value for key, value in response['headers'] if key.lower().startswith('x-image-meta-')}
        if 'x-image-meta-id' in meta and 'id' in answer.meta:
            self.ours[meta['x-image-meta-id']] = answer.meta['id']
        headers = [(key, value.encode('latin-1').decode('utf-8', 'replace')) for key, value in response['headers']]
        theirs = self.said(request, response['status'], headers, response['body'] or '')
        back = {own: recorded for recorded, own in self.ours.items()}
        return theirs, self.said(request, answer.status, answer.headers, answer.body.decode('utf-8', 'replace'), back)

    def request(self, request):
        """The bytes of a recorded request, with our ids and checksums in place of the recorded ones."""
        lines = [f'{request["method"]} {request["target"]} HTTP/{request.get("http_version", "1.1")}']
        lines += [f'{name}: {value}' for name, value in request['headers']]
        text = self.translated('\r\n'.join(lines), {**self.ours, **self.checksums})
        body = self.translated(request['body'] or '', self.ours)
        return text.encode('latin-1') + b'\r\n\r\n' + body.encode('utf-8')

    @staticmethod
    def translated(text, words):
        for word, other in words.items():
            text = text.replace(word, other).replace(word.upper(), other.upper())
            if '-' in word:
                text = text.replace(word.replace('-', ''), other.replace('-', ''))
        return text

    def said(self, request, status, headers, body, back=None):
        """An answer, reduced to what matters: status, image headers, Allow, type of the body, meaning of the body."""
        body = self.translated(body, back or {})
        named = {key.lower(): value for key, value in headers}
        meta = {key: neutral(key.removeprefix('x-image-meta-'), self.translated(value, back or {}))
                for key, value in named.items() if key.startswith('x-image-meta-')}
        said = {'status': status, 'meta': meta, 'allow': sorted(re.findall(r'\w+', named.get('allow', '')))}
        if body and request['method'] != 'HEAD':
            said['type'] = named.get('content-type', '').split(';')[0]
            said['body'] = meaning(body, parse_qs(urlsplit(request['target']).query))
        return said


def neutral(key, value):
    """A field without what no two registries have in common."""
    if key in MOMENTS and isinstance(value, str):
        return DATE.sub('DATE', value)
    return 'CHECKSUM' if key == 'checksum' and value else value


def meaning(body, query):
    """What a body says; of a fault its name and code, of a list its images by id and the order of the sort key."""
    try:
        document = json.loads(body)
    except ValueError:
        return '(no JSON)'
    if isinstance(document, list):
        images = [each for each in document if not each.get('is_snapshot')]
        key = query.get('sort_key', ['id'])[-1]
        return {
            'images': {each['id']: {name: neutral(name, value) for name, value in each.items()} for each in images},
            'order': [each.get(key) for each in images] if key not in UNORDERED else [],
        }
    if len(document) == 1:
        (name, value), = document.items()
        if isinstance(value, dict) and 'code' in value:
            return {'fault': name, 'code': value['code']}
        if isinstance(value, list):
            return {name: sorted(value, key=lambda each: json.dumps(each, sort_keys=True))}
    return document


@pytest.fixture
def story(binary, tmp_path, embedded_backend):
    for each in stored_objects():
        path = embedded_backend.objects / each['account'] / each['container'] / each['name']
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content(each))
    tokens = tmp_path / 'tokens.json'
    tokens.write_text(json.dumps([{'token': f't-{user}', 'user': user, 'tenant': user} for user in USERS]))
    settings = {
        'mounts': [{'prefix': '/image', 'dialect': 'plankton', 'backend': 'main'}],
        'identity': {'kind': 'static', 'file': str(tokens)},
        'dialects': {'plankton': {'profile': 'synnefo'}},
        'publicURL': 'https://cyclades.example.org',
    }
    with Gateway(binary, tmp_path / 'gateway', embedded_backend.configuration, **settings) as gateway:
        yield Story(gateway.port)


def test_the_recorded_story_is_told_the_same(story):
    recorded, different = json.loads((FOLDER / 'plankton.json').read_text()), {}
    for each in recorded:
        theirs, ours = story.tell(each)
        if theirs != ours:
            different[each['name']] = {
                part: (theirs.get(part), ours.get(part)) for part in {**theirs, **ours}
                if theirs.get(part) != ours.get(part)}
    settle(FOLDER / 'differs.txt', different, {each['name'] for each in recorded})
