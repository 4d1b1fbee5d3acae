#!/usr/bin/env bash
# KWallet 5.103.0 (Debian 12) as the Secret Service, with the wallet that the desktop's PAM module opened at login.
#
# One would guess: `Locked` of the default collection tells whether the user has to be asked, so that a program which must open
# no window gives up where it is true; and the prompt that `Unlock` returns is the window (Secret Service API, "Unlocking").
#
# Seen on 2026-11-28: `Locked` is true although the wallet is open, until one program of the session has unlocked it here.
# `Unlock` returns a prompt even so; it completes at once and opens nothing. Whether a prompt will open a window is told
# by KWallet's own interface alone (`isOpen`). And of two programs that unlock at the same time, the one whose
# prompt is second finds its prompt gone (`UnknownObject`), with the collection unlocked.
#
# Needs Debian 12 on x86-64 with apt-get and dbus-daemon, Python 3.10 or newer with venv, and PyPI. Fails if any of this has
# changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
packages=(libkf5wallet-bin=5.103.0-1 libqca-qt5-2-plugins=2.3.5-2)
. "$(dirname "${BASH_SOURCE[0]}")/secret_service_session.bash"

cat >"$temp/program.py" <<'PYTHON'
from jeepney import DBusAddress, DBusErrorResponse, MatchRule, Properties, message_bus, new_method_call
from jeepney.io.blocking import Proxy, open_dbus_connection

SECRETS = "org.freedesktop.secrets"
WALLET = "/org/freedesktop/secrets/collection/kdewallet"


class Program:
    """One program's connection to the session."""

    def __init__(self):
        self.connection = open_dbus_connection()

    def call(self, address, method, signature=None, body=()):
        reply = self.connection.send_and_get_reply(new_method_call(address, method, signature, body), timeout=5)
        if reply.header.message_type.name == "error":
            raise DBusErrorResponse(reply)
        return reply.body

    def locked(self):
        wallet = DBusAddress(WALLET, SECRETS, "org.freedesktop.Secret.Collection")
        return self.connection.send_and_get_reply(Properties(wallet).get("Locked")).body[0][1]

    def is_open(self):
        wallets = DBusAddress("/modules/kwalletd5", "org.kde.kwalletd5", "org.kde.KWallet")
        return self.call(wallets, "isOpen", "s", ("kdewallet",))[0]

    def unlock(self):
        service = DBusAddress("/org/freedesktop/secrets", SECRETS, "org.freedesktop.Secret.Service")
        return self.call(service, "Unlock", "ao", ([WALLET],))

    def prompt(self, path):
        rule = MatchRule(type="signal", interface="org.freedesktop.Secret.Prompt", member="Completed", path=path)
        Proxy(message_bus, self.connection).AddMatch(rule)
        with self.connection.filter(rule) as completed:
            self.call(DBusAddress(path, SECRETS, "org.freedesktop.Secret.Prompt"), "Prompt", "s", ("",))
            dismissed, _ = self.connection.recv_until_filtered(completed, timeout=5).body
        return "dismissed" if dismissed else "completed"


def expect(what, seen, wanted):
    print(f"{what}: {seen}")
    assert seen == wanted, f"expected {wanted}"


first, second = Program(), Program()
expect("the wallet is open", bool(first.is_open()), True)
expect("its collection is locked", first.locked(), True)
(unlocked, prompt), (_, other) = first.unlock(), second.unlock()
expect("unlocked without a prompt", unlocked, [])
expect("the prompt of the first program, without a window", first.prompt(prompt), "completed")
expect("the collection is locked", first.locked(), False)
try:
    said = second.prompt(other)
except DBusErrorResponse as error:
    said = error.name
expect("the prompt of the second program", said, "org.freedesktop.DBus.Error.UnknownObject")
PYTHON
in_session kwallet "$temp/program.py"
echo "as seen on 2026-11-28"
