"""A fake Kibana: the calls that `setup` and `export dashboard` make, with the replies that Kibana documents for them. It keeps what is imported."""
import email.parser
import email.policy
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class FakeKibana:
    def __init__(self, authorization=None):
        self.lock = threading.Lock()
        self.authorization = authorization  # what the header has to be
        self.version = "8.1.0"
        self.not_ready = 0  # so many answers are the 503 of a Kibana that starts
        self.troubles = {}  # by path: (status, reply)
        self.requests = []  # (method, target, headers)
        self.files = []  # names of what was imported, in order
        self.objects = {}  # by (space, type, id)
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self, status, reply):
                text = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/ndjson" if isinstance(reply, bytes) else "application/json; charset=utf-8")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def serve(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with fake.lock:
                    fake.requests.append((self.command, self.path, dict(self.headers.items())))
                    self.answer(*fake.reply(self.command, self.path, self.headers, body))

            do_GET = do_POST = serve

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = "127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def of_type(self, kind, space="default"):
        return {name: one for (where, what, name), one in self.objects.items() if (where, what) == (space, kind)}

    def reply(self, method, target, headers, body):
        if self.not_ready > 0:
            self.not_ready -= 1
            return 503, b"Kibana server is not ready yet"
        if self.authorization and headers.get("Authorization") != self.authorization:
            return 401, {"statusCode": 401, "error": "Unauthorized", "message": "[security_exception]: unable to authenticate user"}
        path, space = urlsplit(target).path, "default"
        if path.startswith("/s/"):
            _, _, space, path = path.split("/", 3)
            path = "/" + path
        if path in self.troubles:
            return self.troubles[path]
        if (method, path) == ("GET", "/api/status"):
            return 200, {"name": "fake", "version": {"number": self.version, "build_snapshot": False}, "status": {"overall": {"level": "available"}}}
        if method == "POST" and not headers.get("kbn-xsrf"):
            return 400, {"statusCode": 400, "error": "Bad Request", "message": "Request must contain a kbn-xsrf header."}
        if (method, path) == ("POST", "/api/saved_objects/_import"):
            return self.take(space, urlsplit(target).query, headers, body)
        if (method, path) == ("POST", "/api/saved_objects/_export"):
            return self.give(space, json.loads(body))
        return 404, {"statusCode": 404, "error": "Not Found", "message": "Not Found"}

    def take(self, space, query, headers, body):
        message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(
            b"Content-Type: " + headers["Content-Type"].encode() + b"\r\n\r\n" + body)
        parts = list(message.iter_parts())
        if len(parts) != 1 or parts[0].get_param("name", header="content-disposition") != "file":
            return 400, {"statusCode": 400, "error": "Bad Request", "message": "[request body.file]: expected value of type [Stream]"}
        name = parts[0].get_filename()
        if not name.endswith(".ndjson"):
            return 400, {"statusCode": 400, "error": "Bad Request", "message": "Invalid file extension ."}
        objects = [json.loads(line) for line in parts[0].get_content().splitlines() if line.strip()]
        given = {(space, o["type"], o["id"]) for o in objects}
        errors = []
        for one in objects:
            what = {"id": one["id"], "type": one["type"], "title": one["attributes"].get("title"), "meta": {}}
            missing = [r for r in one.get("references", []) if (space, r["type"], r["id"]) not in given | set(self.objects)]
            if one["type"] not in ("dashboard", "index-pattern", "lens", "search", "visualization"):
                errors.append(dict(what, error={"type": "unsupported_type"}))
            elif missing:
                errors.append(dict(what, error={"type": "missing_references", "references": [{"type": r["type"], "id": r["id"]} for r in missing]}))
            elif "overwrite=true" not in query and (space, one["type"], one["id"]) in self.objects:
                errors.append(dict(what, error={"type": "conflict"}))
        self.files.append(name)
        if errors:
            return 200, {"success": False, "successCount": len(objects) - len(errors), "errors": errors}
        self.objects.update({(space, o["type"], o["id"]): o for o in objects})
        return 200, {"success": True, "successCount": len(objects), "successResults": [{"id": o["id"], "type": o["type"]} for o in objects]}

    def give(self, space, wanted):
        found, seen = [], set()

        def add(kind, name):
            if (kind, name) in seen:
                return
            seen.add((kind, name))
            one = self.objects[(space, kind, name)]
            if wanted.get("includeReferencesDeep"):
                for reference in one.get("references", []):
                    add(reference["type"], reference["id"])
            found.append(one)

        for one in wanted["objects"]:
            if (space, one["type"], one["id"]) not in self.objects:
                return 400, {"statusCode": 400, "error": "Bad Request", "message": "Error fetching objects to export"}
            add(one["type"], one["id"])
        return 200, "\n".join(json.dumps(o) for o in found).encode()
