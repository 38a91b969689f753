"""The recorded story of a real Plankton service, told again to the gateway before its embedded registry, and to a second
gateway that takes the first one for a Plankton server.

Ids, dates and checksums are the registry's own; everything else has to be the same unless transcripts/differs.txt says
why not.
"""
import base64
import hashlib
import json
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from harness.differs import settle
from harness.processes import Gateway
from harness.wire import Answer, exchange

FOLDER = Path(__file__).parent / 'transcripts'
TOKENS = {user: f'token-of-{user}' for user in ('alice', 'bob', 'carol', 'eve')}
DATE = re.compile(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d')
MOMENTS = ('created_at', 'updated_at', 'created-at', 'updated-at')
UNORDERED = ('id', 'created_at', 'updated_at')
LARGEST_OBJECT = 8 << 20


STORE = json.loads((FOLDER / 'plankton-store.json').read_text())
SNAPSHOTS = {each['uuid'] for each in STORE if 'snapshot_state' in each}  # no images of an embedded registry


def stored_objects():
    return [each for each in STORE if each['uuid'] not in SNAPSHOTS and each['bytes'] <= LARGEST_OBJECT]


def content(stored):
    """The bytes behind a recorded object are not known: any of the right length do."""
    return (stored['uuid'].encode() * (stored['bytes'] // 36 + 1))[:stored['bytes']]


class Story:
    """What was recorded and what the gateway says, told in the same words.

    Where the gateway does what the service refused, that is undone at once, so that one difference stays one.
    """

    def __init__(self, port, differs):
        self.port, self.differs = port, differs
        self.ours = {}  # recorded id -> id in our registry
        self.metas = {}  # id in our registry -> its headers as last seen
        self.owners = {}  # recorded id -> owner
        self.refused = set(SNAPSHOTS)  # recorded ids of what the gateway did not register
        self.checksums = {each['hash']: hashlib.md5(content(each)).hexdigest() for each in stored_objects()}

    def tell(self, recorded):
        """Sends a recorded request; (what the service answered, what the gateway answers)."""
        request, response = recorded['request'], recorded['response']
        refused = response['status'] >= 400
        members = self.members(request) if refused else None
        answer = exchange(self.port, self.request(request))
        if refused and answer.status < 300:
            self.undo(request, answer, members)
        elif answer.meta.get('id'):
            self.metas[answer.meta['id']] = answer.meta
        headers = [(key, value.encode('latin-1').decode('utf-8', 'replace')) for key, value in response['headers']]
        theirs = Answer(response['status'], headers, (response['body'] or '').encode())
        if request['method'] == 'POST':
            self.register(theirs.meta, answer.meta.get('id'))
        back = {own: recorded for recorded, own in self.ours.items()}
        return self.said(request, theirs, {}), self.said(request, answer, back)

    def register(self, theirs, ours):
        number = theirs.get('id')
        if number and ours:
            self.ours[number], self.owners[number] = ours, theirs['owner']
            self.refused.discard(number)
        elif number and number not in self.ours:
            self.refused.add(number)

    def undo(self, request, answer, members):
        number = answer.meta.get('id')
        if members is not None:
            body = json.dumps(json.loads(members.body) | {'memberships': members.json['members']})
            target = re.match(r'.*/members', request['target'])[0]
            self.again(request, 'PUT', target, [('Content-Type', 'application/json')], body)
        elif number in self.metas:
            before = self.metas[number]
            kept = ('name', 'disk-format', 'container-format', 'is-public')
            headers = {key: value for key, value in before.items() if key in kept or key.startswith('property-')}
            headers |= {key: '' for key in answer.meta if key.startswith('property-') and key not in before}
            self.again(request, 'PUT', f'/image/v1.0/images/{number}',
                       [(f'X-Image-Meta-{key}', value) for key, value in headers.items()])
        elif number:
            self.again(request, 'DELETE', f'/image/v1.0/images/{number}')

    def members(self, request):
        """The members that a request is about to change."""
        if request['method'] in ('PUT', 'DELETE') and (path := re.match(r'.*/members', request['target'])):
            answer = self.again(request, 'GET', path[0], status=None)
            return answer if answer.status == 200 else None

    def again(self, request, method, target, headers=(), body='', status=(200, 204)):
        """A request of our own by the same user."""
        token = [pair for pair in request['headers'] if pair[0] == 'X-Auth-Token']
        headers = [['Host', 'cyclades.example.org'], *token, *headers, ['Content-Length', str(len(body))]]
        answer = exchange(self.port, self.request({
            'method': method, 'target': target, 'headers': headers, 'body': body}))
        assert not status or answer.status in status, f'cannot be undone: {request} {answer}'
        return answer

    def request(self, request):
        """The bytes of a recorded request, with our ids, checksums and tokens in place of the recorded ones."""
        lines = [f'{request["method"]} {request["target"]} {request.get("http_version", "HTTP/1.1")}']
        lines += [f'{name}: {value}' for name, value in request['headers']]
        tokens = {f't-{user}': token for user, token in TOKENS.items()}
        text = translated('\r\n'.join(lines), {**self.ours, **self.checksums, **tokens})
        if 'body_base64' in request:
            body = base64.b64decode(request['body_base64'])
        else:
            body = translated(request['body'] or '', self.ours).encode('utf-8')
        return text.encode('latin-1') + b'\r\n\r\n' + body

    def said(self, request, answer, words):
        """An answer, reduced to what matters: status, image headers, Allow, type of the body, meaning of the body."""
        meta = {key: neutral(key, translated(value, words)) for key, value in answer.meta.items()}
        said = {'status': answer.status, 'meta': meta}
        if answer.status == 405:
            said['allow'] = sorted(re.findall(r'\w+', answer.header('allow') or ''))
        # Refusals always have a JSON fault here; the service sometimes sends nothing, a page or XML (plankton §3.4).
        if answer.body and request['method'] != 'HEAD' and answer.status < 300:
            said['type'] = (answer.header('content-type') or '').split(';')[0].replace('/xml', '/json')
            body = translated(answer.body.decode('utf-8'), words)
            said['body'] = self.meaning(json.loads(body), urlsplit(request['target']))
        elif (fault := fault_of(answer)) and fault != 'fault':
            said['fault'] = fault
        return said

    def meaning(self, document, target):
        """What a document says; of a list its images by id and the order of the sort key."""
        if isinstance(document, list):
            images = [each for each in document if each['id'] not in self.refused]
            key = parse_qs(target.query).get('sort_key', ['id'])[-1]
            return {
                'images': {each['id']: {name: neutral(name, value) for name, value in each.items()}
                           for each in images},
                'order': [each.get(key) for each in images] if key not in UNORDERED else [],
            }
        if 'members' in document:
            # The owner is no member here (plankton §7.6).
            owner = self.owners.get(target.path.split('/')[-2])
            return sorted(each['member_id'] for each in document['members'] if each['member_id'] != owner)
        if 'shared_images' in document:
            return sorted(each['image_id'] for each in document['shared_images']
                          if each['image_id'] not in self.refused)
        return document


def translated(text, words):
    for word, other in words.items():
        text = text.replace(word, other).replace(word.upper(), other.upper())
        if '-' in word:
            text = text.replace(word.replace('-', ''), other.replace('-', ''))
    return text


def fault_of(answer):
    """The name of the fault; None where the service sends no JSON one."""
    try:
        document = json.loads(answer.body)
    except ValueError:
        return None
    return next(iter(document)) if len(document) == 1 else None


def neutral(key, value):
    """A field without what no two registries have in common."""
    if key in MOMENTS:
        return DATE.sub('DATE', value)
    return 'CHECKSUM' if key == 'checksum' and value else value


def before_plankton(differs):
    """The same list for a gateway before a Plankton server: `- NAME` takes a name out of it."""
    own = (FOLDER / 'differs-plankton-backend.txt').read_text().splitlines()
    same = {line[2:] for line in own if line.startswith('- ')}
    lines = differs.splitlines()
    assert same <= set(lines), f'never differed: {same - set(lines)}'
    return '\n'.join([line for line in lines if line not in same] + [''] + [line for line in own if line[:2] != '- '])


@pytest.fixture(params=['embedded', 'plankton'])
def story(request, binary, tmp_path, embedded_backend):
    for each in stored_objects():
        path = embedded_backend.objects / each['account'] / each['container'] / each['name']
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content(each))
    tokens = tmp_path / 'tokens.json'
    entries = [
        {'sha256': hashlib.sha256(token.encode()).hexdigest(), 'user': user, 'tenant': user}
        for user, token in TOKENS.items()]
    tokens.write_text(json.dumps({'tokens': entries}))
    settings = {
        'mounts': [{'prefix': '/image', 'dialect': 'plankton', 'backend': 'main'}],
        'identity': {'kind': 'static', 'file': str(tokens)},
        'dialects': {'plankton': {'profile': 'synnefo', 'postReplaces': False}},
        'publicURL': 'https://cyclades.example.org',
    }
    differs = (FOLDER / 'differs.txt').read_text()
    with Gateway(binary, tmp_path / 'gateway', embedded_backend.configuration, **settings) as gateway:
        if request.param == 'embedded':
            yield Story(gateway.port, differs)
            return
        # The same, with a gateway in between that takes the first one for a Plankton server.
        settings['identity'] = {'kind': 'passthrough'}
        with Gateway(binary, tmp_path / 'front', {'dialect': 'plankton', 'url': f'{gateway.url}/image'}, **settings) as front:
            yield Story(front.port, before_plankton(differs))


def test_the_recorded_story_is_told_the_same(story, tmp_path):
    recorded, different = json.loads((FOLDER / 'plankton.json').read_text()), {}
    for each in recorded:
        theirs, ours = story.tell(each)
        if 'fault' not in theirs:
            ours.pop('fault', None)
        if theirs != ours:
            different[each['name']] = {
                part: (theirs.get(part), ours.get(part)) for part in {**theirs, **ours}
                if theirs.get(part) != ours.get(part)}
    differs = tmp_path / 'differs.txt'
    differs.write_text(story.differs)
    settle(differs, different, {each['name'] for each in recorded})
