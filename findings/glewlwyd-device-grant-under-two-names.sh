#!/usr/bin/env bash
# glewlwyd 2.7.5-3+deb12u1 (Debian 12, an OpenID Connect server in C), its OIDC plugin with registration and device codes on.
#
# One would guess: the grant of device codes has the name that RFC 8628 gives to it wherever a grant is named, so a client
# registers for what `grant_types_supported` lists; and `access_denied` for a poll means that the user said no.
#
# Seen on 2026-11-28:
# - the metadata lists `urn:ietf:params:oauth:grant-type:device_code`, and registration with it is refused as
#   invalid_client_metadata. It wants `device_authorization`; the polls of that client want the URN again;
# - leaving out the name that it does not know does not help: that client is `unauthorized_client` at the device endpoint. So
#   is one that registered with `none`, which the registration echoes with 200; a client with a secret gets its code;
# - a poll with a code that never was is `access_denied`, though nobody was asked.
#
# Needs Debian 12 on x86-64 with apt-get, and Python 3.10 or newer. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
mkdir -p "$temp/packages/partial"
cd "$temp/packages"
apt-get download --quiet --quiet glewlwyd=2.7.5-3+deb12u1 2>/dev/null
# What it needs and this machine lacks.
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --option Dir::Cache::archives="$temp/packages" \
    glewlwyd=2.7.5-3+deb12u1 >"$temp/said" 2>&1 || { cat "$temp/said" >&2; exit 1; }
for package in *.deb; do dpkg-deb --extract "$package" "$temp/root"; done

cat >"$temp/finding.py" <<'PYTHON'
import gzip, json, pathlib, socket, sqlite3, subprocess, sys, time, urllib.error, urllib.parse, urllib.request

temp, root = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[1]) / "root/usr"
with socket.create_server(("127.0.0.1", 0)) as free:
    base = f"http://127.0.0.1:{free.getsockname()[1]}"
schema = root / "share/doc/glewlwyd/database/init.sqlite3.sql.gz"
sqlite3.connect(temp / "db").executescript(gzip.decompress(schema.read_bytes()).decode())
paths = {"user_module": "user", "client_module": "client", "user_auth_scheme_module": "scheme", "plugin_module": "plugin"}
(temp / "conf").write_text(f"""
port={base.rpartition(":")[2]} bind_address="127.0.0.1" external_url="{base}" login_url="login.html" api_prefix="api"
log_mode="console" log_level="NONE" cookie_domain="127.0.0.1" cookie_secure=0 session_key="SESSION" hash_algorithm="SHA512"
admin_scope="g_admin" profile_scope="g_profile" login_api_enabled=true database={{ type="sqlite3" path="{temp}/db" }};
""" + "".join(f'{name}_path="{root}/lib/glewlwyd/{value}"\n' for name, value in paths.items()))
server = subprocess.Popen([root / "bin/glewlwyd", f"--config-file={temp}/conf"])
OPENER, jar = urllib.request.build_opener(urllib.request.ProxyHandler({})), {}


def ask(path, body=None, kind="application/json"):
    data = body and (json.dumps(body) if "json" in kind else urllib.parse.urlencode(body)).encode()
    try:
        answer = OPENER.open(urllib.request.Request(base + path, data, {"Content-Type": kind, **jar}), timeout=20)
    except urllib.error.HTTPError as error:
        answer = error
    if "set-cookie" in answer.headers:
        jar["Cookie"] = answer.headers["set-cookie"].partition(";")[0]
    text = answer.read()
    return answer.status, json.loads(text) if text.strip() else {}


def form(path, **body):
    status, answer = ask(f"/api/oidc/{path}", body, "application/x-www-form-urlencoded")
    return (status, answer.get("error")) if "error" in answer else answer


def expect(what, found, wanted):
    print(f"{what}: {found}")
    if found != wanted:
        sys.exit(f"this has changed: expected {wanted}")


try:
    while True:
        try:
            ask("/config")
            break
        except OSError:
            time.sleep(0.1)
    ask("/api/auth/", {"username": "admin", "password": "password"})
    settings = {
        "iss": f"{base}/api/oidc", "jwt-type": "sha", "jwt-key-size": "256", "key": "a key for this run only", "allow-non-oidc": True,
        "access-token-duration": 3600, "refresh-token-duration": 86400, "code-duration": 600, "auth-type-code-enabled": True,
        "auth-type-refresh-enabled": True, "auth-type-device-enabled": True, "device-authorization-expiration": 600,
        "device-authorization-interval": 1, "register-client-allowed": True,
    }
    plugin = {"module": "oidc", "name": "oidc", "display_name": "OIDC", "enabled": True, "parameters": settings}
    expect("the plugin", ask("/api/mod/plugin/", plugin)[0], 200)
    urn = "urn:ietf:params:oauth:grant-type:device_code"
    listed = ask("/api/oidc/.well-known/openid-configuration")[1]["grant_types_supported"]
    expect("grant_types_supported lists the URN", urn in listed, True)
    expect("it lists device_authorization", "device_authorization" in listed, False)

    def register(*grants, method="client_secret_post"):
        wanted = {"client_name": "tool", "redirect_uris": ["http://127.0.0.1/callback"], "token_endpoint_auth_method": method}
        status, answer = ask("/api/oidc/register", {**wanted, "response_types": ["code"], "grant_types": grants})
        return status, answer, {name: answer[name] for name in ("client_id", "client_secret") if name in answer}

    def device_code(client):
        return form("device_authorization", scope="openid", **client)

    expect("registration for the URN", register("authorization_code", urn)[1].get("error"), "invalid_client_metadata")
    expect("a device code without the grant", device_code(register("authorization_code")[2]), (403, "unauthorized_client"))
    name = "device_authorization"
    status, answer, public = register(name, method="none")
    expect("a public client", (status, answer["token_endpoint_auth_method"], answer["grant_types"]), (200, "none", [name]))
    expect("its device code", device_code(public), (403, "unauthorized_client"))
    status, answer, client = register(name)
    expect("a client with a secret", (status, answer["grant_types"]), (200, [name]))
    code = device_code(client)["device_code"]
    poll = lambda code: form("token", grant_type=urn, device_code=code, **client)
    expect("a poll with the URN", poll(code), (400, "authorization_pending"))
    expect("a poll with a code that never was", poll("never-given"), (400, "access_denied"))
finally:
    server.kill()
PYTHON
LD_LIBRARY_PATH=$temp/root/usr/lib/x86_64-linux-gnu python3 "$temp/finding.py" "$temp"
