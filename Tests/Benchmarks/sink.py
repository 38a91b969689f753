"""A v2 registry that takes one upload after another, counts and digests it, and forgets the data."""
import hashlib
import json
import socket
import threading

ID = "71c675ab-d94f-49cd-a114-e12490b328d9"
PIECE = 1 << 20


def image(status, size=None, checksum=None):
    """The image document at one stage of its upload."""
    return {
        "id": ID, "name": "bench", "status": status, "visibility": "shared", "owner": "acme", "disk_format": "raw",
        "container_format": "bare", "size": size, "virtual_size": None, "checksum": checksum, "os_hash_algo": None,
        "os_hash_value": None, "min_ram": 0, "min_disk": 0, "protected": False, "os_hidden": False, "tags": [],
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z", "self": f"/v2/images/{ID}",
        "file": f"/v2/images/{ID}/file", "schema": "/v2/schemas/image",
    }


class Sink:
    """Speaks just enough HTTP/1.1 for the calls of one upload; one thread a connection."""

    def __init__(self):
        self.state = image("queued")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        stream = connection.makefile("rb", PIECE)
        while line := stream.readline():
            method, target, _ = line.decode().split(" ", 2)
            headers = {}
            while (field := stream.readline().strip()) != b"":
                name, _, value = field.decode("latin-1").partition(":")
                headers[name.lower()] = value.strip()
            if headers.get("expect"):
                connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            size, digest = self.drain(stream, headers)
            self.answer(connection, method, target, size, digest)

    @staticmethod
    def drain(stream, headers):
        """Reads one body: its size and MD5."""
        digest, size = hashlib.md5(), 0

        def take(count):
            nonlocal size
            while count > 0 and (piece := stream.read(min(count, PIECE))):
                digest.update(piece)
                size += len(piece)
                count -= len(piece)

        if headers.get("transfer-encoding") == "chunked":
            while chunk := int(stream.readline().split(b";")[0], 16):
                take(chunk)
                stream.readline()
            stream.readline()
        else:
            take(int(headers.get("content-length", 0)))
        return size, digest.hexdigest()

    def answer(self, connection, method, target, size, digest):
        status, body = "200 OK", b""
        if method == "POST":
            self.state, status = image("queued"), "201 Created"
        elif method == "PUT":
            self.state, status = image("active", size, digest), "204 No Content"
        if method == "DELETE":
            status = "204 No Content"
        elif method != "PUT":
            body = json.dumps(self.state).encode()
        length = "" if status.startswith("204") else f"Content-Length: {len(body)}\r\n"
        head = f"HTTP/1.1 {status}\r\n{length}Content-Type: application/json\r\n\r\n"
        connection.sendall(head.encode() + body)


if __name__ == "__main__":
    sink = Sink()
    print(sink.port, flush=True)
    threading.Event().wait()
