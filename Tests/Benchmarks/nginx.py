"""nginx in two roles: the peer that Baleen is measured against, and the backend that serves fixed answers fast."""
import pathlib
import subprocess
import time

PEER = """
worker_processes 1; daemon off; pid {dir}/nginx.pid; error_log {dir}/error.log warn;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/f;
  uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s; client_max_body_size 0; keepalive_requests 100000000;
  upstream fast {{ server 127.0.0.1:{fast}; keepalive 128; keepalive_requests 100000000; }}
  upstream sink {{ server 127.0.0.1:{sink}; keepalive 128; }}
  server {{
    listen 127.0.0.1:{port};
    proxy_http_version 1.1; proxy_set_header Connection ""; proxy_request_buffering off; proxy_max_temp_file_size 0;
    location / {{ proxy_pass http://fast; }}
    location /sink/ {{ proxy_pass http://sink/; }}
  }}
}}
"""

BACKEND = """
worker_processes 1; daemon off; pid {dir}/nginx.pid; error_log {dir}/error.log warn;
events {{ worker_connections 1024; }}
http {{
  access_log off; client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/f;
  uwsgi_temp_path {dir}/u; scgi_temp_path {dir}/s; keepalive_requests 100000000; sendfile on;
  open_file_cache max=10;
  server {{
    listen 127.0.0.1:{port}; root {root};
    location = /v2/images/{id} {{ default_type application/json; try_files /image.json =404; }}
    location = /v2/images/{id}/file {{ types {{ }} default_type application/octet-stream; try_files /data =404; }}
  }}
}}
"""


class Nginx:
    """One nginx with one worker, started from a template and stopped with the block."""

    def __init__(self, directory, template, **values):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        configuration = self.directory / "nginx.conf"
        configuration.write_text(template.format(dir=self.directory, **values))
        self.process = subprocess.Popen(["nginx", "-p", str(self.directory), "-c", str(configuration)])
        time.sleep(0.5)
        if self.process.poll() is not None:
            raise RuntimeError(f"nginx did not start: {(self.directory / 'error.log').read_text()}")

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
