// After a first visit the page needs no network, and a newer version comes as a whole.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { chromium, open, predicts, uncovered, until } from './browser.mjs';
import { PAGE, beside, shot, tell } from './setting.mjs';

// Names of what the service worker keeps.
const kept = page => page.evaluate(async () => {
  const names = [];
  for (const cache of await caches.keys()) names.push(...(await (await caches.open(cache)).keys()).map(request => new URL(request.url).pathname.slice(1)));
  return names;
});

const allNetworks = page => until(page, () => globalThis.ernscope?.status && Object.values(JSON.parse(ernscope.status()).networks).every(Boolean));

test('with the server gone after the first visit, everything works', async () => {
  await beside(chromium(), async (browser, server) => {
    const first = await open(browser, `${server.origin}/#source=demo:7`);
    await predicts(first.page);
    await allNetworks(first.page);
    // Some are inside the module.
    const names = [...new Set(server.log.map(entry => entry.name))].filter(name => name.startsWith('networks/'));
    assert.ok(names.length > 0, 'networks were loaded');
    let missing = names;
    for (let left = 100; left > 0 && missing.length; left--) {
      await new Promise(done => setTimeout(done, 200));
      const there = await kept(first.page);
      missing = names.filter(name => !there.includes(name));
    }
    assert.deepEqual(missing, [], 'all networks that were loaded are kept');
    // Once for the page, and not again for what is kept of it.
    const large = server.log.filter(entry => entry.name === 'ernscope_bg.wasm' && entry.bytes > 0);
    assert.equal(large.length, 1, 'the module is transferred once');
    await first.page.close();

    await server.stop();
    const { page, seen } = await open(browser, `${server.origin}/#source=demo:7`);
    await predicts(page);
    await uncovered(page);
    await allNetworks(page);
    assert.equal(await page.evaluate(() => crossOriginIsolated), true, 'kept pages have a sharp clock');
    assert.deepEqual(seen.complaints.filter(text => !/sw\.js|ERR_CONNECTION_REFUSED/.test(text)), []);
    await until(page, () => performance.getEntriesByName('predicted').length);
    const ms = await page.evaluate(() => performance.getEntriesByName('predicted')[0].startTime);
    tell(`without a network: first prediction ${ms.toFixed(0)} ms from navigation`);
    await shot(page, 'offline');
    await server.again();
  });
});

// The page as it would be after a change: another title, and so another version of all.
function changed() {
  const folder = mkdtempSync(path.join(tmpdir(), 'ernscope-page-'));
  cpSync(PAGE, folder, { recursive: true, filter: file => !file.endsWith('.br') });
  const version = /const VERSION = '([0-9a-f]{16})'/.exec(readFileSync(path.join(folder, 'sw.js'), 'utf8'))[1];
  const edit = (name, how) => writeFileSync(path.join(folder, name), how(readFileSync(path.join(folder, name), 'utf8').replaceAll(version, 'b'.repeat(16))));
  edit('index.html', text => text.replace('<title>Ernscope</title>', '<title>Ernscope, changed</title>'));
  edit('page.js', text => text);
  edit('sw.js', text => ['index.html', 'page.js'].reduce((text, name) => {
    const bytes = readFileSync(path.join(folder, name));
    return text.replace(new RegExp(`"${name}":\\[\\d+,"[0-9a-f]+"\\]`), `"${name}":[${bytes.length},"${createHash('sha256').update(bytes).digest('hex')}"]`);
  }, text));
  return folder;
}

test('a newer version is there at the next visit, whole', async () => {
  const newer = changed();
  try {
    await beside(chromium(), async (browser, server) => {
      const visit = async () => {
        const { page } = await open(browser, `${server.origin}/#source=demo:7`);
        await predicts(page);
        await page.evaluate(() => navigator.serviceWorker.ready.then(() => true));
        return page;
      };
      const first = await visit();
      await until(first, () => navigator.serviceWorker.controller !== null);
      await first.close();

      server.root = newer;
      const old = await visit();
      assert.equal(await old.title(), 'Ernscope', 'this visit still has the old one, all of it');
      await until(old, async () => Boolean((await navigator.serviceWorker.getRegistration()).waiting));
      // Two pages of the old version: none of them is taken over.
      const second = await visit();
      assert.equal(await second.title(), 'Ernscope');
      await second.close();
      await old.close();

      const before = server.transferred('ernscope_bg.wasm');
      const next = await visit();
      assert.equal(await next.title(), 'Ernscope, changed');
      assert.equal(await next.evaluate(() => document.querySelector('script[src]').src.includes('b'.repeat(16))), true);
      assert.deepEqual(await next.evaluate(async () => (await caches.keys()).filter(name => name.startsWith('ernscope'))), [`ernscope ${'b'.repeat(16)}`]);
      assert.equal(server.transferred('ernscope_bg.wasm'), before, 'what stayed the same is not transferred again');
    });
  } finally {
    rmSync(newer, { recursive: true });
  }
});
