"""Registries of npm and of PyPI on this machine, which hold the packages of a directory and nothing else."""
import base64
import contextlib
import hashlib
import http.server
import json
import tarfile
import threading
import urllib.parse


def npm_manifest(path):
    """The package.json of an npm package."""
    with tarfile.open(path) as packed:
        return json.load(packed.extractfile("package/package.json"))


def npm_integrity(path):
    """How npm writes the hash of a package."""
    return "sha512-" + base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()


def npm_document(name, manifest, path, tarball):
    """What the registry of npm tells of a package that has one version."""
    version = manifest["version"]
    about = {**manifest, "name": name, "dist": {"tarball": tarball, "integrity": npm_integrity(path)}}
    return {"name": name, "dist-tags": {"latest": version}, "versions": {version: about}}


@contextlib.contextmanager
def serve(directory, others):
    """Serves until it is left, and returns the URL, and what it was asked for. `others` are further packages of npm, name -> (os, cpu),
    which have the contents of the one for this platform. What is published goes to the directory."""
    asked = []

    class Server(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def reply(self, status, kind, body):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def do_GET(self):
            here = "http://" + self.headers["Host"]
            path = urllib.parse.unquote(urllib.parse.urlsplit(self.path).path)
            name = path.strip("/")
            asked.append(name)
            packages = {npm_manifest(file)["name"]: file for file in directory.glob("*.tgz")}
            if path.startswith("/files/") and (directory / path.rsplit("/", 1)[1]).is_file():
                return self.reply(200, "application/octet-stream", (directory / path.rsplit("/", 1)[1]).read_bytes())
            if path == "/simple/mcp-login/":
                links = (f'<a href="/files/{file.name}">{file.name}</a>' for file in directory.glob("*.whl"))
                return self.reply(200, "text/html", "\n".join(links).encode())
            own = packages.get(name) or next((packages[each] for each in packages if "/" in each and name in others), None)
            if not own:
                return self.reply(404, "application/json", b"{}")
            manifest = npm_manifest(own)
            if name in others:
                manifest["os"], manifest["cpu"] = ([each] for each in others[name])
            document = npm_document(name, manifest, own, f"{here}/files/{own.name}")
            return self.reply(200, "application/json", json.dumps(document).encode())

        do_HEAD = do_GET  # uv asks for the length of a wheel first

        def do_PUT(self):
            document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            ((name, attached),) = document["_attachments"].items()
            (directory / name.replace("/", "-")).write_bytes(base64.b64decode(attached["data"]))
            asked.append(f"PUT {document['name']}")
            self.reply(201, "application/json", b"{}")

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
