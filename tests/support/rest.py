"""Questions to a server that speaks JSON over HTTP: Elasticsearch, and what is like it."""
import json
import urllib.request


def ask(url, body=None, method=None, headers=None):
    """The answer. `body` is sent as JSON; the method is POST with one and GET without, unless given. Raises urllib.error.HTTPError."""
    request = urllib.request.Request(url, method=method or ("POST" if body is not None else "GET"), data=None if body is None else json.dumps(body).encode(),
                                     headers={"Content-Type": "application/json", **(headers or {})})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)
