"""A fake Elasticsearch, for the answers that a real one gives only when it is in trouble: it takes bulk requests and answers as it is told, with the
replies that the bulk API's documentation gives; and it keeps templates and lifecycle policies, which the real one of tests/servers does not know."""
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FakeElasticsearch:
    def __init__(self):
        self.lock = threading.Lock()
        self.documents = []
        self.actions = []  # of these documents
        self.troubles = []  # functions of (actions, body): None, or (status, reply) for the whole request, or a list of statuses for items
        self.requests = 0
        self.calls = []  # (method, path) of all others
        self.kept = {}  # what was put, by its path
        self.lacks = {}  # by the beginning of a path: (status, reply)
        self.version = "8.19.5"
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self, status, reply):
                text = json.dumps(reply).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(text)

            def do_GET(self):
                with fake.lock:
                    fake.calls.append((self.command, self.path))
                    self.answer(*fake.tell(self.path))

            do_HEAD = do_GET

            def do_PUT(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with fake.lock:
                    fake.calls.append((self.command, self.path))
                    refusal = fake.refusal(self.path)
                    if not refusal:
                        fake.kept[self.path] = body
                    self.answer(*(refusal or (200, {"acknowledged": True})))

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.answer(*fake.bulk(body))

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = "127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def refusal(self, path):
        return next((reply for beginning, reply in self.lacks.items() if path.startswith(beginning)), None)

    def tell(self, path):
        if path == "/":
            return 200, {"version": {"number": self.version}}
        if path in self.kept:
            return 200, {path.rsplit("/", 1)[1]: self.kept[path]}
        return self.refusal(path) or (404, {"error": {"type": "resource_not_found_exception", "reason": "not there"}})

    def bulk(self, body):
        lines = [json.loads(line) for line in body.splitlines()]
        documents = lines[1::2]
        with self.lock:
            self.requests += 1
            trouble = self.troubles.pop(0) if self.troubles else None
            said = trouble(documents, body) if trouble else None
            if isinstance(said, tuple):
                return said
            statuses = said or [201] * len(documents)
            self.documents += [document for document, status in zip(documents, statuses) if status == 201]
            self.actions += [action for action, status in zip(lines[::2], statuses) if status == 201]
        items = [{"create": {"status": status} if status < 300 else
                  {"status": status, "error": {"type": "trouble", "reason": "as the test wants it"}}} for status in statuses]
        return 200, {"took": 1, "errors": any(s >= 300 for s in statuses), "items": items}

    def close(self):
        self.server.shutdown()
        self.server.server_close()
