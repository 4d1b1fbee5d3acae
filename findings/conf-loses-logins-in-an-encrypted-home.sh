#!/usr/bin/env bash
# conf=16.0.0 (npm), in which many programs of a command line keep settings and tokens, with its file in a directory of
# gocryptfs=2.3-1+b4 or bindfs=1.14.7-1 (Debian 12), as an encrypted home directory or one with mapped owners is. Two processes write a
# key of their own each, while a third key, a login, is in the file.
#
# One would guess: conf writes another file and renames it over the old one, which is one step (POSIX), so whoever reads finds the old file
# or the new one. Two processes may undo each other's last change, but nothing that neither of them touches.
#
# Seen on 2026-11-29: so it is on a disk. A file system of FUSE finds a file and asks its server to open it in two steps, and a file that is
# replaced in between is not there for the second: ENOENT. conf takes that for an empty store, and the next change writes a file that
# holds nothing but that change: the login is gone within a few seconds, and nobody is told.
#
# Needs Debian 12 on x86-64 with apt-get, Node.js 20 with npm, root and /dev/fuse. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
cleanup() {
    for mount in encrypted mapped; do
        fusermount3 -u -z "$temp/$mount" 2>/dev/null || true
    done
    rm -rf "$temp"
}
trap cleanup EXIT
cd "$temp"
mkdir -p packages/partial root disk cipher plain encrypted mapped
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" gocryptfs=2.3-1+b4 bindfs=1.14.7-1 fuse3=3.14.0-4 libfuse3-3=3.14.0-4 \
    >said 2>&1 || { cat said >&2; exit 1; }
for package in gocryptfs_ bindfs_ fuse3_ libfuse3-3_; do
    dpkg-deb --extract packages/"$package"*.deb root
done
PATH=$temp/root/usr/bin:$temp/root/bin:$PATH
export LD_LIBRARY_PATH=$temp/root/usr/lib/x86_64-linux-gnu:$temp/root/lib/x86_64-linux-gnu
npm install --silent --no-audit --no-fund conf@16.0.0 >said 2>&1 || { cat said >&2; exit 1; }

echo password >password
gocryptfs -quiet -init -nosyslog -passfile password cipher >said 2>&1
gocryptfs -quiet -nosyslog -passfile password cipher encrypted >said 2>&1
bindfs plain mapped

cat >program.mjs <<'JAVASCRIPT'
// A program that keeps a setting of its own for some seconds.
import Conf from "conf";

const [directory, key, seconds] = process.argv.slice(2);
const store = new Conf({cwd: directory, configName: "logins", projectName: "finding"});
const end = Date.now() + 1000 * seconds;
for (let count = 1; Date.now() < end; count++) {
  try {
    store.set(key, count);
  } catch (error) {
    if (!/not valid JSON/.test(error.message)) throw error; // It is told, and nothing is written.
  }
}
JAVASCRIPT

failed=0
for directory in disk encrypted mapped; do
    printf '{"login": "a-token"}\n' >$directory/logins.json
    for _ in 1 2 3; do
        node program.mjs "$temp/$directory" first 4 &
        node program.mjs "$temp/$directory" second 4 &
        wait
        grep -q a-token $directory/logins.json || break
    done
    if grep -q a-token $directory/logins.json; then kept=yes; else kept=no; fi
    echo "$directory: the login is there: $kept; the file: $(tr -d '\n\t' <$directory/logins.json)"
    case "$directory $kept" in
    "disk yes" | "encrypted no" | "mapped no") ;;
    *) failed=1 ;;
    esac
done
[ $failed = 0 ] || { echo "this has changed"; exit 1; }
