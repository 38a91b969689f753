"""What the small web servers of these tests share: a free port of loopback, and a life as long as a with block."""
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class QuietHandler(BaseHTTPRequestHandler):
    """Keeps connections open, and says nothing of requests."""

    protocol_version = 'HTTP/1.1'

    def log_message(self, *_):
        pass


class LoopbackServer:
    def __init__(self, handler):
        self.server = ThreadingHTTPServer(('127.0.0.1', 0), handler)
        self.port = self.server.server_port
        self.host = f'127.0.0.1:{self.port}'
        self.url = f'http://{self.host}'

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
