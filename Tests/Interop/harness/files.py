"""A web server with a few files, which images have as location or are imported from."""
from harness.loopback import LoopbackServer, QuietHandler


class Files(LoopbackServer):
    """Serves what the table has, path -> bytes; a query is ignored."""

    def __init__(self, table):
        class Handler(QuietHandler):

            def do_GET(self, with_body=True):
                data = table.get(self.path.partition('?')[0])
                self.send_response(404 if data is None else 200)
                self.send_header('Content-Length', str(len(data or b'')))
                self.end_headers()
                if with_body:
                    self.wfile.write(data or b'')

            def do_HEAD(self):
                self.do_GET(with_body=False)

        super().__init__(Handler)
