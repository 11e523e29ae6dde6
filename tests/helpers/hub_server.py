"""A server on this machine that answers as the Hugging Face hub does when a checkpoint is downloaded."""

import hashlib
import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class HubServer:
    """Serves folders as checkpoints, each with one commit that `main` and `v1` name.

    Attributes:
        url: for HF_ENDPOINT
        asked: paths of the files that were downloaded
    """

    def __init__(self, checkpoints: Mapping[str, Path], gated: str = "") -> None:
        self.checkpoints = dict(checkpoints)
        self.gated = gated
        self.asked: list[str] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.answer(self, body=True)

            def do_HEAD(self) -> None:
                hub.answer(self, body=False)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stops the server."""
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request: BaseHTTPRequestHandler, *, body: bool) -> None:
        """Answers one request for the description of a checkpoint, or for a file of it."""
        parts = request.path.partition("?")[0].strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            named = parts[5] if len(parts) > 5 else "main"
            self._describe(request, "/".join(parts[2:4]), named, tree=parts[4:5] == ["tree"])
        elif len(parts) > 4 and parts[2] == "resolve":
            self._file(request, self.checkpoints["/".join(parts[:2])] / "/".join(parts[4:]), body=body)
        else:
            self._send(request, 404, b"", {})

    def _describe(self, request: BaseHTTPRequestHandler, name: str, revision: str, *, tree: bool) -> None:
        if name == self.gated:
            self._send(request, 403, b"", {"X-Error-Code": "GatedRepo", "X-Error-Message": "gated"})
        elif name not in self.checkpoints:
            self._send(request, 404, b"", {"X-Error-Code": "RepoNotFound"})
        elif revision not in {"main", "v1", COMMIT}:
            self._send(request, 404, b"", {"X-Error-Code": "RevisionNotFound"})
        else:
            folder = self.checkpoints[name]
            files = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
            siblings = [{"rfilename": file} for file in sorted(files)]
            described = {"id": name, "modelId": name, "sha": COMMIT, "private": False, "siblings": siblings}
            if tree:
                described = [
                    {"type": "file", "path": file, "size": (folder / file).stat().st_size, "oid": COMMIT}
                    for file in sorted(files)
                ]
            self._send(request, 200, json.dumps(described).encode(), {"Content-Type": "application/json"})

    def _file(self, request: BaseHTTPRequestHandler, path: Path, *, body: bool) -> None:
        if not path.is_file():
            self._send(request, 404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        content = path.read_bytes()
        if body:
            self.asked.append(path.name)
        tag = hashlib.sha1(content, usedforsecurity=False).hexdigest()
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{tag}"', "Accept-Ranges": "bytes"}
        self._send(request, 200, content, headers, body=body)

    def _send(
        self,
        request: BaseHTTPRequestHandler,
        status: int,
        content: bytes,
        headers: Mapping[str, str],
        *,
        body: bool = True,
    ) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        if body:
            request.wfile.write(content)
