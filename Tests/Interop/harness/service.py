"""What the stand-in services have in common: a threaded HTTP server that records what it is asked and fails on demand."""
import json
import socket
import threading
import traceback
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit

NAMES = {
    400: 'badRequest', 401: 'unauthorized', 403: 'forbidden', 404: 'itemNotFound', 405: 'notAllowed', 409: 'conflict',
    411: 'lengthRequired', 412: 'preconditionFailed', 413: 'overLimit', 416: 'rangeNotSatisfiable',
    422: 'unprocessableEntity', 500: 'internalServerError', 503: 'serviceUnavailable'}


class Reply(Exception):
    """An answer; raised where it ends the work on a request."""

    def __init__(self, status, body=b'', headers=None, chunked=False):
        super().__init__(status)
        self.status, self.body, self.headers, self.chunked = status, body, dict(headers or {}), chunked


def as_json(status, value, headers=None):
    return Reply(status, json.dumps(value).encode(), {'Content-Type': 'application/json; charset=UTF-8', **(headers or {})})


def refusal(status, message, name=None, details='', headers=None):
    """A fault in the shape of these services (plankton section 3.4)."""
    value = {name or NAMES.get(status, 'fault'): {'code': status, 'message': message, 'details': details}}
    return as_json(status, value, headers)


def plain(status, message):
    """A fault as release 0.13 gives it."""
    return Reply(status, f'{message}\n'.encode(), {'Content-Type': 'text/plain; charset=UTF-8'})


@dataclass(frozen=True)
class Seen:
    """A request as it was answered; `user` is the id that its token stands for, None without a good one."""

    method: str
    path: str
    query: dict
    user: str
    status: int
    headers: dict


@dataclass
class Fault:
    """Something that goes wrong with some requests, `times` of them (None: all); `kind` is a status, or a word:

    slow: the answer waits for `release` or `seconds`; stall: so does the second half of its body; cut: the connection
    ends after half of the body, or before the head if there is none; drop: it ends without an answer. A service has more.
    """

    kind: object
    path: str = None
    methods: tuple = None
    times: int = None
    seconds: float = 60
    met: int = 0
    gate: threading.Event = field(default_factory=threading.Event)

    def release(self):
        self.gate.set()

    def wait(self):
        self.gate.wait(self.seconds)

    def meets(self, request):
        return (self.times is None or self.met < self.times) and self.path in (None, request.path) \
            and (self.methods is None or request.method in self.methods)


class Request:
    """A request with its whole body; `path` is without query, as it came; header names in small letters."""

    def __init__(self, handler):
        parts = urlsplit(handler.path)
        self.method, self.target, self.path = handler.command, handler.path, parts.path
        self.query = dict(parse_qsl(parts.query, keep_blank_values=True))
        self.headers = {name.lower(): value for name, value in handler.headers.items()}
        self.framed = 'content-length' in self.headers or 'transfer-encoding' in self.headers
        self.body = self._chunks(handler.rfile) if 'transfer-encoding' in self.headers else self._counted(handler.rfile)
        # The user whom the service found out.
        self.user = None

    def _counted(self, stream):
        length = int(self.headers.get('content-length', 0))
        body = stream.read(length)
        if len(body) < length:
            raise ConnectionError('the body is cut')
        return body

    @staticmethod
    def _chunks(stream):
        body = bytearray()
        while size := int(stream.readline().split(b';')[0], 16):
            body += stream.read(size)
            stream.readline()
        while stream.readline().strip():
            pass
        return bytes(body)

    @property
    def token(self):
        """The header's, or better the query's (plankton section 3.3)."""
        return self.query.get('X-Auth-Token') or self.headers.get('x-auth-token')


class Service:
    """A stand-in on loopback. A subclass has `answer(request)`, which returns or raises a Reply, and `known_tokens()`."""

    def __init__(self):
        self.requests, self.leaks, self.faults, self.broken = [], [], [], []
        self.lock = threading.RLock()
        self.server, self.connections = None, set()
        self.port = None

    @property
    def url(self):
        return f'http://127.0.0.1:{self.port}'

    def fail(self, kind, **where):
        """Makes requests fail until `heal`; answers the fault, which counts whom it met."""
        fault = Fault(kind, **where)
        with self.lock:
            self.faults.append(fault)
        return fault

    def heal(self):
        with self.lock:
            faults, self.faults = self.faults, []
        for fault in faults:
            fault.release()

    def forget(self):
        """Forgets what was asked so far."""
        with self.lock:
            self.requests = []

    def seen(self, method=None, path=None):
        with self.lock:
            return [each for each in self.requests if method in (None, each.method) and path in (None, each.path)]

    def faults_of(self, request):
        with self.lock:
            met = [fault for fault in self.faults if fault.meets(request)]
            for fault in met:
                fault.met += 1
            return met

    def spoil(self, kind, request, reply):
        """What a fault of the service's own makes of a reply."""
        return reply

    def up(self):
        """Listens, on the same port as before if it was down."""
        service = self

        class Server(ThreadingHTTPServer):
            request_queue_size = 1024
            daemon_threads = True

            def handle_error(self, request, client_address):
                """A client that leaves is no news."""

        class Handler(_Handler):
            stand_in = service

        self.server = Server(('127.0.0.1', self.port or 0), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, kwargs={'poll_interval': 0.02}, daemon=True).start()

    def down(self):
        """Refuses connections, and ends those there are."""
        self.server.shutdown()
        self.server.server_close()
        with self.lock:
            connections = list(self.connections)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def __enter__(self):
        self.up()
        return self

    def __exit__(self, kind, *_):
        self.heal()
        self.down()
        assert kind is not None or not self.leaks, f'tokens came in addresses: {self.leaks}'
        assert kind is not None or not self.broken, f'the stand-in itself failed: {self.broken}'


class _Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True
    server_version, sys_version = 'stand-in', ''

    def setup(self):
        super().setup()
        with self.stand_in.lock:
            self.stand_in.connections.add(self.connection)

    def finish(self):
        with self.stand_in.lock:
            self.stand_in.connections.discard(self.connection)
        super().finish()

    def perform(self):
        service = self.stand_in
        request = Request(self)
        faults = service.faults_of(request)
        kinds = {fault.kind: fault for fault in faults}
        if 'slow' in kinds:
            kinds['slow'].wait()
        statuses = [kind for kind in kinds if isinstance(kind, int)]
        try:
            reply = refusal(statuses[0], 'on demand') if statuses else service.answer(request)
        except Reply as raised:
            reply = raised
        except Exception:
            service.broken.append(traceback.format_exc())
            reply = refusal(500, 'Unexpected error')
        for fault in faults:
            reply = service.spoil(fault.kind, request, reply)
        self.note(request, reply)
        if 'drop' in kinds or ('cut' in kinds and (request.method == 'HEAD' or not reply.body)):
            self.close_connection = True
            return
        self.write(request, reply, kinds)

    def note(self, request, reply):
        service, target = self.stand_in, unquote(request.path)
        headers = {name: value for name, value in request.headers.items() if name != 'x-auth-token'}
        query = {name: value for name, value in request.query.items() if name != 'X-Auth-Token'}
        with service.lock:
            if any(token in text for token in service.known_tokens() for text in (target, request.target)):
                service.leaks.append(f'{request.method} {request.target}')
            service.requests.append(Seen(request.method, request.path, query, request.user, reply.status, headers))

    def write(self, request, reply, kinds):
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        bodiless = request.method == 'HEAD' or reply.status in (204, 304)
        if reply.chunked:
            self.send_header('Transfer-Encoding', 'chunked')
        elif 'Content-Length' not in reply.headers and reply.status not in (204, 304):
            self.send_header('Content-Length', str(len(reply.body)))
        self.end_headers()
        if bodiless:
            return
        body = reply.body
        if reply.chunked:
            body = b'%x\r\n%s\r\n0\r\n\r\n' % (len(body), body)
        half = len(body) // 2 if {'cut', 'stall'} & set(kinds) else len(body)
        self.wfile.write(body[:half])
        if 'cut' in kinds:
            self.close_connection = True
            return
        if 'stall' in kinds:
            kinds['stall'].wait()
        self.wfile.write(body[half:])

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_COPY = do_MOVE = perform

    def log_message(self, *_):
        pass
