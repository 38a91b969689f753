"""A web server with a few files, which images have as location or are imported from."""
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Files:
    """Serves what the table has, path -> bytes; a query is ignored."""

    def __init__(self, table):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_GET(self, with_body=True):
                data = table.get(self.path.partition('?')[0])
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
