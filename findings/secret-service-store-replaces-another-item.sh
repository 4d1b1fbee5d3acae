#!/usr/bin/env bash
# gnome-keyring 42.1, KWallet 5.103.0 and KeePassXC 2.7.4 (Debian 12), through SecretStorage 3.5.0: `CreateItem` with `replace`,
# which is how every library and command stores a secret.
#
# One would guess: it replaces the item "with the same attributes" (Secret Service API, Collection.CreateItem), so that two
# programs whose attributes differ cannot touch each other's secrets.
#
# Seen on 2026-11-28: each of the three replaces an item that has *at least* these attributes. Who stores with fewer attributes
# than another program did overwrites that program's secret; of several such items one is taken. No error, no prompt. What
# is left of the other's item differs: gnome-keyring gives it the new label and attributes, so that its owner does not find
# it any more; KWallet keeps its label, and KeePassXC its attributes, so that its owner finds the other's secret as its own.
#
# Needs Debian 12 on x86-64 with apt-get and dbus-daemon, Python 3.10 or newer with venv, and PyPI. Fails if any of this has
# changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
packages=(gnome-keyring=42.1-1+b2 libkf5wallet-bin=5.103.0-1 libqca-qt5-2-plugins=2.3.5-2 keepassxc=2.7.4+dfsg.1-2)
. "$(dirname "${BASH_SOURCE[0]}")/secret_service_session.bash"

cat >"$temp/program.py" <<'PYTHON'
import sys

import secretstorage

service = sys.argv[1]
collection = secretstorage.get_default_collection(secretstorage.dbus_init())
if collection.is_locked():
    collection.unlock()


def store(label, **attributes):
    collection.create_item(label, attributes, label.encode(), replace=True)


ours = {"service": "mcp", "username": "alice", "client": "one"}
store("one program", **ours)
store("another", service="mcp", username="alice")
items = [
    (item.get_label(), item.get_secret().decode(), {name: item.get_attributes().get(name) for name in ours})
    for item in collection.get_all_items()
]
found = [item.get_secret().decode() for item in collection.search_items(ours)]
print(f"{service}: all items {items}, found by the first program {found}")
theirs = ours | {"client": None}
expected = {
    "gnome-keyring": ([("another", "another", theirs)], []),
    "kwallet": ([("one program", "another", theirs)], []),
    "keepassxc": ([("another", "another", ours)], ["another"]),
}
assert (items, found) == expected[service]
PYTHON
for service in gnome-keyring kwallet keepassxc; do
    in_session "$service" "$temp/program.py"
done
echo "as seen on 2026-11-28"
