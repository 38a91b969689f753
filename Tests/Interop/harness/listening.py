"""Servers that watch who comes: one that nobody may ever connect to, one that says what it is told to."""
import socket
import threading

from harness.loopback import LoopbackServer, QuietHandler


class Forbidden(threading.Thread):
    """Listens on every address of this machine, in both versions of IP, and notes whoever connects."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.create_server(('', 0), family=socket.AF_INET6, dualstack_ipv6=True)
        self.port = self.socket.getsockname()[1]
        self.hits = []

    def run(self):
        while True:
            try:
                connection, address = self.socket.accept()
            except OSError:
                return
            self.hits.append(address)
            connection.close()

    def __enter__(self):
        self.start()
        # It would be no test if nobody could get here.
        for family, host in ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1')):
            with socket.socket(family) as probe:
                probe.connect((host, self.port))
        while len(self.hits) < 2:
            pass
        self.hits.clear()
        return self

    def __exit__(self, *_):
        self.socket.close()


class Answering(LoopbackServer):
    """Answers paths of a table: bytes with 200, a text as a redirection to it, a number as that status."""

    def __init__(self, table):
        requests = self.requests = []

        class Handler(QuietHandler):

            def do_GET(self):
                requests.append((self.path, dict(self.headers.items())))
                answer = table.get(self.path.partition('?')[0], 404)
                data = answer if isinstance(answer, bytes) else b''
                self.send_response(200 if isinstance(answer, bytes) else 302 if isinstance(answer, str) else answer)
                if isinstance(answer, str):
                    self.send_header('Location', answer)
                self.send_header('Content-Length', str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        super().__init__(Handler)
