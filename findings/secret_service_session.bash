# Sourced by the findings about the Secret Service. `in_session SERVICE PROGRAM` runs a Python program in a session of its own
# with an unlocked collection of one of its services: gnome-keyring, kwallet or keepassxc. The home of the session, and what
# the machine lacks of the Debian packages in `packages` and of what they need, are below the directory `temp`; both are
# set by who sources this. Needs Debian 12 on x86-64 with apt-get and dbus-daemon, Python 3.10 or newer with venv, and PyPI.
# shellcheck shell=bash disable=SC2154

mkdir -p "$temp/packages/partial" "$temp/root"
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --option Dir::Cache::archives="$temp/packages" \
    "${packages[@]}" >"$temp/said" 2>&1 || { cat "$temp/said" >&2; exit 1; }
for package in "$temp"/packages/*.deb; do
    [[ ! -e $package ]] || dpkg-deb --extract "$package" "$temp/root"
done

python3 -m venv "$temp/venv"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement \
    "$(dirname "${BASH_SOURCE[0]}")/keyring-25.7.0.txt"

cat >"$temp/start" <<'SESSION'
# Starts the service $1 for the program $2.
set -euo pipefail
libraries=$TEMP_ROOT/usr/lib/x86_64-linux-gnu
export QT_QPA_PLATFORM=offscreen
plugins=$libraries/qt5/plugins:$libraries/qca-qt5

await() { # WHAT PATTERN COMMAND…: asks until the answer matches
    for _ in $(seq 100); do
        "${@:3}" 2>/dev/null | grep -q "$2" && return
        sleep 0.1
    done
    echo "no $1" >&2
    exit 1
}

service() { # COMMAND…: runs it with the unpacked libraries, until the session ends
    LD_LIBRARY_PATH=$libraries QT_PLUGIN_PATH=$plugins "$@" <&0 >/dev/null 2>&1 &
    started=$!
    await service 'boolean true' dbus-send --session --print-reply --dest=org.freedesktop.DBus / \
        org.freedesktop.DBus.NameHasOwner string:org.freedesktop.secrets
}

case $1 in
    gnome-keyring) service gnome-keyring-daemon --foreground --unlock --components=secrets <<<'' ;;
    kwallet)
        mkdir -p "$HOME/.config"
        printf '%s\n' '[Wallet]' 'First Use=false' 'Default Wallet=kdewallet' 'Leave Open=true' >"$HOME/.config/kwalletrc"
        key=$(printf '%d,' {1..56})
        # The first daemon creates the wallet, as the PAM module does at the first login to the desktop; the second opens it.
        for _ in create open; do
            [[ ! -v started ]] || { kill "$started"; wait "$started" || true; }
            service kwalletd5
            dbus-send --session --print-reply --dest=org.kde.kwalletd5 /modules/kwalletd5 org.kde.KWallet.pamOpen \
                string:kdewallet "array:byte:${key%,}" int32:0 >/dev/null
        done
        ;;
    keepassxc)
        mkdir -p "$HOME/.config/keepassxc"
        printf '%s\n' '[General]' 'ConfigVersion=2' '[GUI]' 'CheckForUpdates=false' '[FdoSecrets]' 'Enabled=true' \
            'ConfirmAccessItem=false' 'ShowNotification=false' >"$HOME/.config/keepassxc/keepassxc.ini"
        # A database all of which is offered to other programs.
        cat >"$HOME/passwords.xml" <<'XML'
<?xml version="1.0" encoding="UTF-8"?>
<KeePassFile>
  <Meta><CustomData><Item>
    <Key>FDO_SECRETS_EXPOSED_GROUP</Key><Value>{00000000-0000-4000-8000-000000000001}</Value>
  </Item></CustomData></Meta>
  <Root><Group><UUID>AAAAAAAAQACAAAAAAAAAAQ==</UUID><Name>Root</Name></Group></Root>
</KeePassFile>
XML
        LD_LIBRARY_PATH=$libraries QT_PLUGIN_PATH=$plugins keepassxc-cli import --set-password "$HOME/passwords.xml" \
            "$HOME/passwords.kdbx" <<<$'password\npassword' >/dev/null 2>&1
        service keepassxc --pw-stdin "$HOME/passwords.kdbx" <<<password
        await 'open database' 'boolean false' dbus-send --session --print-reply --dest=org.freedesktop.secrets \
            /org/freedesktop/secrets/collection/passwords org.freedesktop.DBus.Properties.Get \
            string:org.freedesktop.Secret.Collection string:Locked
        ;;
esac
await 'default collection' /collection/ dbus-send --session --print-reply --dest=org.freedesktop.secrets \
    /org/freedesktop/secrets org.freedesktop.Secret.Service.ReadAlias string:default
status=0
"$TEMP_VENV/bin/python" "$2" "$1" || status=$?
kill "$started"
exit "$status"
SESSION

in_session() { # SERVICE PROGRAM
    rm -rf "${temp:?}/home" "$temp/run"
    mkdir "$temp/home" "$temp/run"
    chmod 700 "$temp/home" "$temp/run"
    env -i PATH="$temp/root/usr/bin:$PATH" HOME="$temp/home" XDG_RUNTIME_DIR="$temp/run" PYTHONDONTWRITEBYTECODE=1 \
        TEMP_ROOT="$temp/root" TEMP_VENV="$temp/venv" dbus-run-session -- bash "$temp/start" "$1" "$2"
}
