#!/usr/bin/env bash
# gnome-keyring 42.1 (Debian 12), through SecretStorage 3.5.0: `CreateItem` with `replace`, which is how every library and
# command stores a secret.
#
# One would guess: it replaces the item "with the same attributes" (Secret Service API, Collection.CreateItem), so that two
# programs whose attributes differ cannot touch each other's secrets.
#
# Seen on 2026-11-28: it replaces one item that has *at least* these attributes. Who stores with fewer attributes than
# another program did overwrites that program's secret, and its label and attributes too, so that its owner does not even
# find the item any more; and of several such items one is taken. No error, no prompt. The other way round, with more
# attributes than the stored item has, a second item is made beside it, and a search by the first one's attributes finds both.
#
# Needs Debian 12 on x86-64, dbus-daemon, Python 3.10 or newer with venv, and PyPI. Fails if any of this has changed.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/gnome_keyring_session.bash"

cat >"$temp/program.py" <<'PYTHON'
import secretstorage

collection = secretstorage.get_default_collection(secretstorage.dbus_init())


def store(label, **attributes):
    collection.create_item(label, attributes, label.encode(), replace=True)


def items():
    return sorted((item.get_label(), sorted(item.get_attributes().items())) for item in collection.get_all_items())


def found(**attributes):
    return sorted(item.get_secret().decode() for item in collection.search_items(attributes))


def show(what):
    print(what)
    for label, attributes in items():
        print("   ", label, dict(attributes))


store("of one program", service="mcp", username="alice", client="one")
show("one program has stored:")
store("of another", service="mcp", username="alice")
show("another has stored, without `client`:")
assert items() == [("of another", [("service", "mcp"), ("username", "alice")])], items()
assert found(service="mcp", username="alice", client="one") == []

store("of one program", service="mcp", username="alice", client="one")
show("the first has stored again:")
assert found(service="mcp", username="alice") == ["of another", "of one program"]

store("of a third", service="mcp")
show("a third has stored, with `service` alone:")
assert len(items()) == 2, items()
assert "of a third" in found(service="mcp")
PYTHON
in_keyring "$temp/program.py"
echo "as seen on 2026-11-28"
