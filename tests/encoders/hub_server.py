"""A model hub on the loopback interface: the few requests that a download makes, and a count of them."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MAIN = "1" * 40


@dataclass
class Hub:
    """Repositories by name, each with the files of its commits; `requests` grows with each answer."""

    url: str = ""
    commits: dict[str, dict[str, dict[str, bytes]]] = field(default_factory=dict)
    heads: dict[str, str] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    requests: list[str] = field(default_factory=list)

    def push(self, repo: str, commit: str, files: dict[str, bytes]) -> None:
        self.commits.setdefault(repo, {})[commit] = files
        self.heads[repo] = commit


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(body=True)

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def log_message(self, *args: object) -> None:
            pass

        def _answer(self, *, body: bool) -> None:
            hub.requests.append(self.path)
            status, headers, content = _respond(hub, self.path.partition("?")[0].strip("/").split("/"))
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            if body:
                self.wfile.write(content)

    return Handler


def _respond(hub: Hub, parts: list[str]) -> tuple[int, dict[str, str], bytes]:
    api = parts[:2] == ["api", "models"]
    org, name, kind, revision, *path = (parts[2:] if api else parts) + [""] * 2
    repo = f"{org}/{name}"
    if repo not in hub.commits:
        return 404, {"X-Error-Code": "RepoNotFound"}, b""
    if repo in hub.gated:
        return 403, {"X-Error-Code": "GatedRepo"}, b""
    commit = hub.heads[repo] if revision == "main" else revision
    files = hub.commits[repo].get(commit)
    if files is None:
        return 404, {"X-Error-Code": "RevisionNotFound"}, b""
    if kind == "resolve":
        content = files.get("/".join(path).strip("/"))
        if content is None:
            return 404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit}, b""
        return 200, {"ETag": f'"{hashlib.sha1(content).hexdigest()}"', "X-Repo-Commit": commit}, content
    listed = [
        {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
        for name, content in files.items()
    ]
    answer: object = listed if kind == "tree" else {"id": repo, "sha": commit, "siblings": []}
    return 200, {"Content-Type": "application/json"}, json.dumps(answer).encode()
