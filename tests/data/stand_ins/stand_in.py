"""Stands for InfluxDB or Grafana in a container: answers what is asked, if it was given what the real one needs."""

from __future__ import annotations

import base64
import json
import os
import re
import sys
import urllib.request
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, object]
Ask = Callable[[str, Mapping[str, str], bytes], Answer]
_WRITTEN = Path("/var/lib/influxdb2/written")


def secret(variable: str) -> str:
    """What the file that a variable names holds."""
    return Path(os.environ[variable]).read_text(encoding="utf-8").strip()


def influxdb() -> tuple[int, Ask]:
    """Takes lines with the token, for the bucket and the organisation that it was set up with."""
    token = secret("DOCKER_INFLUXDB_INIT_ADMIN_TOKEN_FILE")
    assert secret("DOCKER_INFLUXDB_INIT_PASSWORD_FILE")
    wanted = {"org": [os.environ["DOCKER_INFLUXDB_INIT_ORG"]], "bucket": [os.environ["DOCKER_INFLUXDB_INIT_BUCKET"]]}
    _WRITTEN.touch()

    def ask(url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        path, query = urlsplit(url).path, parse_qs(urlsplit(url).query)
        if path == "/ping" or path == "/health":
            return (204, None) if path == "/ping" else (200, {"status": "pass"})
        if headers.get("Authorization") != f"Token {token}":
            return 401, {"code": "unauthorized"}
        if path != "/api/v2/write" or not wanted.items() <= query.items():
            return 404, {"code": "not found"}
        with _WRITTEN.open("ab") as file:
            file.write(body + b"\n")
        return 204, None

    return 8086, ask


def grafana() -> tuple[int, Ask]:
    """Lists the dashboards and asks the sources that it was provisioned with, for who has the password."""
    login = base64.b64encode(f"admin:{secret('GF_SECURITY_ADMIN_PASSWORD__FILE')}".encode()).decode()
    folder = Path("/etc/grafana")
    dashboards = [
        json.loads(path.read_text(encoding="utf-8")) for path in sorted((folder / "dashboards").glob("*.json"))
    ]
    sources = "".join(path.read_text(encoding="utf-8") for path in (folder / "provisioning/datasources").iterdir())
    urls = dict(re.findall(r"^    uid: (\S+)\n(?:    .*\n)*?    url: (\S+)$", sources, re.MULTILINE))
    assert Path(os.environ["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]).exists()
    assert all(Path(name).read_text(encoding="utf-8") for name in re.findall(r"\$__file\{(.+?)\}", sources))
    healthy = {"prometheus": "/-/healthy", "influxdb": "/health"}

    def ask(url: str, headers: Mapping[str, str], _: bytes) -> Answer:
        path = urlsplit(url).path
        if path == "/api/health":
            return 200, {"database": "ok"}
        if headers.get("Authorization") != f"Basic {login}":
            return 401, {"message": "Unauthorized"}
        if path == "/api/search":
            return 200, [{"title": each["title"]} for each in dashboards]
        uid = path.removeprefix("/api/datasources/uid/").removesuffix("/health")
        with urllib.request.urlopen(urls[uid] + healthy[uid], timeout=5) as answer:
            return 200, {"status": "OK" if answer.status == 200 else "ERROR"}

    return 3000, ask


def handler(ask: Ask) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, document = ask(self.path, self.headers, body)
            text = b"" if document is None else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_POST = do_GET  # noqa: N815 - the library's name

    return Handler


if __name__ == "__main__":
    port, asked = {"influxdb": influxdb, "grafana": grafana}[sys.argv[1]]()
    ThreadingHTTPServer(("0.0.0.0", port), handler(asked)).serve_forever()
