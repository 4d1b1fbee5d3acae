#!/usr/bin/env bash
# docker-credential-pass 0.6.4 and pass 1.7.4 (Debian 12): the helper protocol that Docker, Podman, oras and others keep their
# logins with, `store`, `get` and `erase` with JSON on stdin.
#
# One would guess: `get` gives what was stored last for the server, or says that there is nothing, which the protocol has an
# error for ("credentials not found in native keychain").
#
# Seen on 2026-11-28:
# - A login under another user name does not replace the first; `get`, which is asked by the server alone, gives that whose
#   name sorts first. Who logs in again with another account goes on with the old one, however often, and `list` shows
#   only that one.
# - `erase` takes out the logins of all user names, those too that nobody ever saw again.
# - After that, as for every server that never had a login, `get` succeeds with an empty user name and an empty
#   secret. A program that goes by the exit status sends `Authorization: Bearer` with nothing behind it.
#
# Needs Debian 12 on x86-64 with apt-get, and GnuPG. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'GNUPGHOME=$temp/gnupg gpgconf --kill all; rm -rf "$temp"' EXIT
mkdir -p "$temp/packages/partial" "$temp/root"
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" golang-docker-credential-helpers=0.6.4+ds1-1+b6 pass=1.7.4-6 \
    >"$temp/said" 2>&1 || { cat "$temp/said" >&2; exit 1; }
for package in "$temp"/packages/*.deb; do
    dpkg-deb --extract "$package" "$temp/root"
done
export PATH="$temp/root/usr/bin:$PATH" PASSWORD_STORE_DIR="$temp/store" GNUPGHOME="$temp/gnupg"
mkdir -m 700 "$GNUPGHOME"
gpg --batch --quiet --passphrase '' --quick-generate-key ann@example.com default default never 2>/dev/null
pass init ann@example.com >/dev/null

server=https://mcp.example.com/mcp
store() { # USER SECRET
    printf '{"ServerURL":"%s","Username":"%s","Secret":"%s"}' "$server" "$1" "$2" | docker-credential-pass store
    echo "stored: $1, $2"
}
expect() { # WHAT SEEN WANTED
    echo "$1: $2"
    [[ $2 == "$3" ]] || { echo "expected $3" >&2; exit 1; }
}
get() {
    local said status=0
    said=$(docker-credential-pass get <<<"$server" 2>&1) || status=$?
    printf '%s' "${said#*,}, exit status $status"
}
nothing='"Username":"","Secret":""}, exit status 0'

expect 'a server without a login' "$(get)" "$nothing"
store ben token-1
store ben token-2
expect 'the same user again' "$(get)" '"Username":"ben","Secret":"token-2"}, exit status 0'
store carl token-3
expect 'a login of another user' "$(get)" '"Username":"ben","Secret":"token-2"}, exit status 0'
expect 'the list' "$(docker-credential-pass list)" "{\"$server\":\"ben\"}"
store adam token-4
expect 'one of a third user' "$(get)" '"Username":"adam","Secret":"token-4"}, exit status 0'
docker-credential-pass erase <<<"$server"
expect 'after one erase' "$(get)" "$nothing"
echo "as seen on 2026-11-28"
