"""The smallest program with a readiness address: `python -m pulse PORT`. `/die` ends it, `/environment` shows what it was given."""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Pulse(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/die":
            os._exit(7)
        body = json.dumps(dict(os.environ) if self.path == "/environment" else "ready").encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Pulse).serve_forever()
