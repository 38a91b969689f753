"""The same requests to two servers, and how their answers differ once ids, times and addresses are out of the way."""
import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Callable

from .wire import call, eventually

HOP_BY_HOP = {
    'connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection', 'te', 'trailer',
    'transfer-encoding', 'upgrade'}
OF_THE_HOST = {'date', 'server'}
UUID = re.compile(r'(?<![0-9a-fA-F])[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?![0-9a-fA-F])')
REQUEST_ID = re.compile(r'req-' + UUID.pattern)
MOMENT = re.compile(r'\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?')
PLACEHOLDER = re.compile(r'\{(\w+)\}')


@dataclass(frozen=True)
class Exchange:
    """One request of a table. `{word}` in path, header values and body stands for a value kept by an earlier one."""

    name: str
    user: str  # whose token goes along; None: none does
    method: str
    path: str
    status: int  # what the reference answers; a table of 404s proves nothing
    headers: dict = field(default_factory=dict)
    body: object = None  # bytes or text as they are, a list of bytes in chunks, anything else as JSON
    keep: dict = field(default_factory=dict)  # word -> path in the JSON of the answer
    until: Callable = None  # asked again until this holds of the answer


class Side:
    """A server with what it has said so far."""

    def __init__(self, url, token, known=None, hidden=None):
        """`token` makes a token of a user's name, `known` are words from the start, `hidden` is text -> placeholder."""
        self.url, self.token = url, token
        self.words = dict(known or {})
        self.hidden = {url.split('//', 1)[1]: 'HOST', **(hidden or {})}

    def fill(self, text):
        return PLACEHOLDER.sub(lambda match: self.words.get(match.group(1), match.group()), text)

    def send(self, exchange):
        headers = {name: self.fill(value) for name, value in exchange.headers.items()}
        if exchange.user:
            headers = {'X-Auth-Token': self.token(exchange.user), **headers}
        body = exchange.body
        if isinstance(body, str):
            body = self.fill(body).encode()
        elif isinstance(body, list) and body and isinstance(body[0], bytes):
            body = iter(body)
        elif body is not None and not isinstance(body, bytes):
            body = self.fill(json.dumps(body)).encode()
        return call(exchange.method, self.url + self.fill(exchange.path), headers, body)

    def answer(self, exchange):
        if exchange.until is None:
            answer = self.send(exchange)
        else:
            answer = eventually(lambda: _met(self.send(exchange), exchange), seconds=15, pause=0.1)
            assert answer, f'{exchange.name}: {self.url} never answered as it should'
        if answer.status != exchange.status:
            return answer
        for word, path in exchange.keep.items():
            value = answer.json
            for step in path:
                value = value[step]
            self.words[word] = value
        return answer

    def plain(self, text):
        """Text without what is this side's own."""
        for own, placeholder in self.hidden.items():
            text = text.replace(own, placeholder)
        names = {value: word for word, value in self.words.items()}
        text = REQUEST_ID.sub('req-ID', text)
        text = UUID.sub(lambda match: f'<{names.get(match.group(), "id")}>', text)
        return MOMENT.sub('<time>', text)

    def view(self, answer):
        """Status, headers in wire order and body as they can be compared."""
        text = answer.body.decode('utf-8', 'surrogateescape')
        body = self.plain(text)
        headers = []
        for name, value in answer.headers:
            if name.lower() in HOP_BY_HOP | OF_THE_HOST:
                continue
            if name.lower() == 'content-length' and text != body and int(value) == len(answer.body):
                value = 'of the body'
            headers.append((name, self.plain(value)))
        return View(answer.status, headers, body)


def _met(answer, exchange):
    return answer if answer.status != exchange.status or exchange.until(answer) else None


@dataclass
class View:
    status: int
    headers: list
    body: str


def run(exchanges, *sides):
    """The views of all exchanges, a list per side. Each side gets them one after the other; the sides run side by side."""
    names = [each.name for each in exchanges]
    assert len(set(names)) == len(names), f'twice: {sorted({name for name in names if names.count(name) > 1})}'

    def of(side):
        return [side.view(side.answer(each)) for each in exchanges]

    with ThreadPoolExecutor(len(sides)) as pool:
        return list(pool.map(of, sides))


def unexpected(exchanges, views):
    """Exchanges whose reference answer is not what the table says: name -> what."""
    return {
        each.name: f'{view.status} instead of {each.status}: {view.body[:200]}'
        for each, view in zip(exchanges, views, strict=True) if view.status != each.status}


def differences(exchanges, reference, other, exact=True):
    """Name -> what differs. Not exact: the order of headers and the case of their names are free, as in HTTP."""
    found = {}
    for each, left, right in zip(exchanges, reference, other, strict=True):
        what = _difference(left, right, exact)
        if what:
            found[each.name] = what
    return found


def _difference(left, right, exact):
    what = []
    if left.status != right.status:
        what.append(f'status {left.status} became {right.status}')
    theirs, ours = (view.headers if exact else sorted((n.lower(), v) for n, v in view.headers) for view in (left, right))
    if theirs != ours:
        missing = [header for header in theirs if header not in ours]
        added = [header for header in ours if header not in theirs]
        what.append(f'headers missing {missing}, added {added}' if missing or added else f'header order {theirs} {ours}')
    if left.body != right.body:
        what.append(f'body\n  {left.body[:700]!r}\n  {right.body[:700]!r}')
    return '; '.join(what)
