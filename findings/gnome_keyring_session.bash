# Sourced by the findings about the Secret Service: `in_keyring PROGRAM` runs a Python program in a session of its own with
# gnome-keyring 42.1 (Debian 12) and an unlocked default collection, in a temporary home. Sets `temp` to a directory that
# is removed at the end. Needs Debian 12 on x86-64 with the libraries of gnome-keyring's other dependencies, dbus-daemon,
# Python 3.10 or newer with venv, and PyPI.
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT

(
    mkdir "$temp/packages"
    cd "$temp/packages" || exit
    apt-get download -qq gnome-keyring=42.1-1+b2 libgcr-base-3-1=3.41.1-1+b1 libgck-1-0=3.41.1-1+b1 2>"$temp/said" ||
        { cat "$temp/said" >&2; exit 1; }
    for package in *.deb; do dpkg-deb --extract "$package" "$temp/root"; done
)
python3 -m venv "$temp/venv"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement \
    "$(dirname "${BASH_SOURCE[0]}")/keyring-25.7.0.txt"

in_keyring() { # PROGRAM
    mkdir -p "$temp/home" "$temp/run"
    chmod 700 "$temp/home" "$temp/run"
    # The daemon unlocks the collection with the line on its stdin: an empty password.
    # shellcheck disable=SC2016
    env -i PATH="$PATH" HOME="$temp/home" XDG_RUNTIME_DIR="$temp/run" PYTHONDONTWRITEBYTECODE=1 TEMP_ROOT="$temp" \
        dbus-run-session -- bash -euc '
            LD_LIBRARY_PATH=$(echo "$TEMP_ROOT"/root/usr/lib/*-linux-gnu) \
                "$TEMP_ROOT/root/usr/bin/gnome-keyring-daemon" --unlock --components=secrets <<<"" >/dev/null 2>&1
            "$TEMP_ROOT/venv/bin/python" "$1"' - "$1"
}
