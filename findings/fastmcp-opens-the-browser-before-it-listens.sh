#!/usr/bin/env bash
# fastmcp==4.2.3 (Python) as a client that logs in (`auth="oauth"`), with a browser that runs in the foreground, as Python's
# `webbrowser` runs a text browser and each program that BROWSER names.
#
# One would guess: the client listens at its callback before it opens the browser, so that the redirect finds it, however fast the
# user is, and even if no page needs a click.
#
# Seen on 2026-11-28, Python 3.11: it begins to listen when `webbrowser.open` has returned. A browser in the foreground that
# follows the redirect is refused each time; when the user has quit it, the client begins to listen, and waits five minutes for
# somebody who has been there. The code at that address is good still: the same address once more, and the login
# succeeds. With a browser on a desktop the two race, which tests on a quick machine win and a user whose single sign-on needs no
# click may lose.
#
# Needs Python 3.10 or newer with venv, and PyPI. Fails if any of this has changed.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
python3 -m venv "$temp/venv"
"$temp/venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$here/fastmcp-4.2.3.txt"
cp "$here/fastmcp_login.py" "$temp/"
cd "$temp"

cat >finding.py <<'PYTHON'
import anyio
from fastmcp_login import Browser, expect, later, tools, visit, visit_until_answered

callbacks = []


def in_the_foreground(url):
    callbacks.extend(visit(url) for _ in range(3))
    # The user quits the browser, and opens the address in another one.
    later(visit_until_answered)(url)


Browser.then = in_the_foreground
expect("the client gets", anyio.run(tools), ["hello"])
expect("the callback, while the first browser runs", callbacks, ["refused"] * 3)
PYTHON
HOME="$temp" PYTHONDONTWRITEBYTECODE=1 venv/bin/python -W ignore finding.py 2>log || { cat log; exit 1; }
echo "as seen on 2026-11-28"
