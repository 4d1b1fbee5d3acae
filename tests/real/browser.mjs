// A user with a real browser: opens the URL in headless Chromium, signs in, consents (or cancels), waits for the page of
// the program's own listener and keeps what was seen.
//
// Usage: node browser.mjs URL     As the BROWSER of a login. In the environment:
//   MCP_LOGIN_TEST_SEEN    the directory for page.png and seen.json {url, title, text, html, status, headers} or {error, url, text}
//   MCP_LOGIN_TEST_CLICK   `consent` (the default) or `cancel`, which is clicked on the first page that offers it
// Runs at most 162 seconds. Chromium hangs on a pipe of this process and dies with it.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { load } from './bounds.mjs';

const { chromium } = await load('playwright-core/index.mjs');
const seen = process.env.MCP_LOGIN_TEST_SEEN;
const cancel = process.env.MCP_LOGIN_TEST_CLICK === 'cancel';
const start = process.argv[2];
const redirect = new URL(new URL(start).searchParams.get('redirect_uri'));
const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'mcp-login-browser-'));
process.on('exit', () => fs.rmSync(profile, { recursive: true, force: true, maxRetries: 5 }));

/** Keeps the result; written last and by rename, so that a test may wait for the file. */
function keep(result) {
  fs.writeFileSync(path.join(seen, 'seen.part'), JSON.stringify(result));
  fs.renameSync(path.join(seen, 'seen.part'), path.join(seen, 'seen.json'));
}

let page;

/** Keeps why the user did not get to the end, and where that was. */
async function fail(error) {
  keep({ error: String(error), url: page?.url(), text: await page?.innerText('body', { timeout: 2_000 }).catch(String) });
}

setTimeout(async () => {
  await fail('the browser was at it for 160 seconds');
  process.exit(1);
}, 160_000).unref();

/** Returns whether the address is that of the program's listener: the redirect URI, but for its query. */
const isOurs = (url) => url.origin === redirect.origin && url.pathname === redirect.pathname;

/** What the user types where a page asks for it. */
const typed = { login: 'somebody', password: 'anything' };

/** Does on this page what the user would do: sign in and consent, or cancel. */
async function act() {
  const refusal = page.locator('a:has-text("Cancel"), button[value=deny]');
  if (cancel && await refusal.count()) return refusal.click();
  for (const [name, text] of Object.entries(typed)) {
    const field = page.locator(`input[name=${name}]`);
    if (await field.count()) await field.fill(text);
  }
  const consent = page.locator('button[value=accept]');
  return (await consent.count() ? consent : page.locator('button[type=submit]').first()).click();
}

async function walk() {
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: '/usr/bin/chromium',
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost'],
  });
  page = context.pages()[0] ?? await context.newPage();
  page.setDefaultTimeout(60_000);
  let last = null;
  page.on('response', (response) => {
    if (response.request().isNavigationRequest()) last = response;
  });
  await page.goto(start);
  for (let pages = 0; !isOurs(new URL(page.url())) && pages < 10; pages += 1) {
    const before = page.url();
    await act();
    await page.waitForURL((url) => url.href !== before);
  }
  await page.waitForLoadState('load');
  await page.screenshot({ path: path.join(seen, 'page.png') });
  const found = {
    url: page.url(),
    title: await page.title(),
    text: await page.innerText('body'),
    html: await page.content(),
    status: last?.status(),
    headers: last?.headers(),
  };
  await context.close();
  return found;
}

await walk().then(keep, fail);
process.exit(0);
