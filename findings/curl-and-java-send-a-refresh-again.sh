#!/usr/bin/env bash
# curl 7.88.1, whose library is also under git, PHP and R, and `HttpURLConnection` of OpenJDK 17.0.21.1 (Debian 12), as they
# refresh at a server that rotates refresh tokens. The answer to the refresh is lost: the connection ends before it.
#
# One would guess: a POST is never sent a second time unless somebody asks for it, as with curl's `--retry`, so the program
# hears of the failure, and what it does next is its own decision.
#
# Seen on 2026-11-28: curl does so on a new connection (status 52). On one that is used again, as after the metadata or the
# refresh before, it sends the POST again by itself, without a word: the server gets a refresh token that is used up, and
# one that takes it for a stolen one ends the login (RFC 9700 section 4.14.2). Java does so on new connections too, unless
# `-Dsun.net.http.retryPost=false` is set, while `java.net.http.HttpClient` of the same release sends it once and throws.
# The program sees `invalid_grant` alone, and no trace of the lost answer.
#
# Needs Debian 12 on x86-64 with apt-get, and Python 3.10 or newer. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
mkdir -p "$temp/packages/partial" "$temp/root"
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" curl=7.88.1-10+deb12u15 libcurl4=7.88.1-10+deb12u15 \
    openjdk-17-jdk-headless=17.0.21.1+2-1~deb12u1 openjdk-17-jre-headless=17.0.21.1+2-1~deb12u1 \
    >"$temp/said" 2>&1 || { cat "$temp/said" >&2; exit 1; }
for package in curl_ libcurl4_ openjdk-17-jdk-headless_ openjdk-17-jre-headless_; do
    dpkg-deb --fsys-tarfile "$temp/packages/$package"*.deb | tar --extract --directory="$temp/root" --exclude='*/jmods'
done
# The package's links to its configuration are absolute.
java="$temp/root/usr/lib/jvm/java-17-openjdk-amd64"
find "$java" -lname '/etc/*' -printf '%p %l\n' | while read -r link target; do
    ln --symbolic --force --no-dereference "$temp/root$target" "$link"
done

cat >"$temp/Refresh.java" <<'JAVA'
import java.io.IOException;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

class Refresh {
    public static void main(String[] arguments) throws Exception {
        var uri = URI.create(arguments[0]);
        var form = "grant_type=refresh_token&refresh_token=one";
        try {
            if (arguments[1].equals("HttpClient")) {
                var request = HttpRequest.newBuilder(uri).POST(HttpRequest.BodyPublishers.ofString(form)).build();
                System.out.println(HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body());
            } else {
                var connection = (HttpURLConnection) uri.toURL().openConnection();
                connection.setDoOutput(true);
                connection.getOutputStream().write(form.getBytes());
                var isGood = connection.getResponseCode() == 200;
                var stream = isGood ? connection.getInputStream() : connection.getErrorStream();
                System.out.println(new String(stream.readAllBytes()));
            }
        } catch (IOException lost) {
            System.out.println("an exception");
        }
    }
}
JAVA

"$java/bin/javac" -d "$temp" "$temp/Refresh.java"

cat >"$temp/finding.py" <<'PYTHON'
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

root, java, classes = sys.argv[1:]
java = [java, "-cp", classes, "Refresh"]
refreshes = []


class Server(BaseHTTPRequestHandler):
    """Has metadata, and a token endpoint that uses the refresh token up and then loses its first answer."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.answer(200, "{}")

    def do_POST(self):
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        assert form == "grant_type=refresh_token&refresh_token=one", form
        refreshes.append(form)
        if len(refreshes) == 1:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_WR)
        else:
            self.answer(400, '{"error":"invalid_grant"}')

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/"
curl = [f"{root}/usr/bin/curl", "--silent"]
refresh = ["--data", "grant_type=refresh_token&refresh_token=one", url]
reused = [*curl, "--output", "/dev/null", url, "--next", "--silent", *refresh]
refused = '{"error":"invalid_grant"}'


def check(name, command, *wanted):
    refreshes.clear()
    env = {"PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": f"{root}/usr/lib/x86_64-linux-gnu"}
    ended = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, timeout=60)
    seen = (len(refreshes), ended.returncode, ended.stdout.strip())
    print(f"{name}: sent {seen[0]} times, status {seen[1]}, {seen[2] or 'no answer'}")
    assert seen == wanted, f"expected {wanted}"


check("curl on a new connection", [*curl, *refresh], 1, 52, "")
check("curl on a connection used again", reused, 2, 0, refused)
check("HttpURLConnection", [*java, url, "HttpURLConnection"], 2, 0, refused)
check("the same without retryPost", [java[0], "-Dsun.net.http.retryPost=false", *java[1:], url, "HttpURLConnection"], 1, 0, "an exception")
check("HttpClient", [*java, url, "HttpClient"], 1, 0, "an exception")
PYTHON
python3 "$temp/finding.py" "$temp/root" "$java/bin/java" "$temp"
echo "as seen on 2026-11-28"
