// The page comes, predicts, asks nobody else, and is not too large.
import assert from 'node:assert/strict';
import { statSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { DESKTOP, PHONE, chromium, open, predicts, status, uncovered, until } from './browser.mjs';
import { PAGE, beside, shot, tell } from './setting.mjs';

const MEGA = 1e6;
const FIRST_PREDICTION_LIMIT_MS = 3000;
const BROTLI_LIMIT = 5 * MEGA;
const PLAIN_LIMIT = 15 * MEGA;

test('the page loads, predicts, and complains about nothing', async () => {
  await beside(chromium(), async (browser, server) => {
    const times = [];
    let stands;
    // On a busy machine one start in three counts.
    for (let start = 0; start < 3; start++) {
      const context = await browser.createBrowserContext();
      const { page, seen } = await open(context, `${server.origin}/#source=demo:7`);
      await predicts(page);
      await until(page, () => performance.getEntriesByName('predicted').length);
      times.push(await page.evaluate(() => ['transferred', 'predicted'].map(name => performance.getEntriesByName(name)[0].startTime)));
      await uncovered(page);
      await until(page, () => Object.values(JSON.parse(ernscope.status()).networks).every(Boolean));
      assert.deepEqual(seen.complaints, []);
      assert.deepEqual([...seen.hosts], [`127.0.0.1:${server.port}`]);
      stands = await status(page);
      await context.close();
    }
    const [transferred, predicted] = times.reduce((best, time) => (time[1] - time[0] < best[1] - best[0] ? time : best));
    tell(`first prediction: ${predicted.toFixed(0)} ms from navigation, ${(predicted - transferred).toFixed(0)} ms from the end of the transfer`);
    assert.ok(predicted - transferred <= FIRST_PREDICTION_LIMIT_MS, `${predicted - transferred} ms`);
    const { drawing, engine, model } = stands;
    assert.deepEqual({ drawing, engine, model }, { drawing: 'WebGL2', engine: 'cpu:simd128', model: 'cards' });
  });
});

// The networks but the first stand still until the first prediction is there.
test('what is transferred before the first prediction is within its limits', async () => {
  await beside(chromium(), async (browser, server) => {
    const later = readdirSync(path.join(PAGE, 'networks')).filter(name => name.endsWith('.safetensors') && name !== 'cards.safetensors');
    for (const name of later) server.faults.set(`networks/${name}`, { stallAfter: 0 });
    const { page } = await open(browser, `${server.origin}/#source=demo:7`);
    await predicts(page);
    const files = [...new Set(server.log.map(entry => entry.name))].filter(name => !later.includes(path.basename(name)));
    const brotli = server.transferred();
    const plain = files.reduce((sum, name) => sum + statSync(path.join(PAGE, name)).size, 0);
    tell(`before the first prediction: ${(brotli / MEGA).toFixed(2)} MB with brotli, ${(plain / MEGA).toFixed(2)} MB plain, ${files.length} files`);
    assert.ok(brotli <= BROTLI_LIMIT, `${brotli} bytes with brotli`);
    assert.ok(plain <= PLAIN_LIMIT, `${plain} bytes`);
  });
});

test('while it loads, the page says what it is and how far it is', async () => {
  await beside(chromium(), async (browser, server) => {
    const half = Math.round(statSync(path.join(PAGE, 'ernscope_bg.wasm.br')).size / 2);
    server.faults.set('ernscope_bg.wasm', { stallAfter: half });
    for (const [name, viewport, scheme] of [['loading-desktop', DESKTOP, 'dark'], ['loading-phone', PHONE, 'light']]) {
      const { page } = await open(browser, `${server.origin}/`, {
        viewport,
        before: page => page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]),
      });
      await until(page, () => Number(document.getElementById('bar').getAttribute('aria-valuenow')) > 20);
      const text = await page.evaluate(() => document.getElementById('card').innerText);
      assert.match(text, /Ernscope/);
      assert.match(text, /binary network/);
      assert.match(text, /\d+\.\d of \d+\.\d MB/);
      assert.match(text, /Pictures stay on this computer/);
      await page.click('summary');
      assert.match(await page.evaluate(() => document.getElementById('clock').innerText), /Cross-Origin-Opener-Policy/);
      await shot(page, `${name}-about`);
      await page.click('summary');
      await shot(page, name);
      await page.close();
    }
  });
});

test('with the headers it asks for, the page says that the clock is sharp', async () => {
  await beside(chromium(), async (browser, server) => {
    server.headers = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };
    const { page, seen } = await open(browser, `${server.origin}/#source=demo:7`);
    await predicts(page);
    assert.equal(await page.evaluate(() => crossOriginIsolated), true);
    assert.match(await page.evaluate(() => document.getElementById('clock').textContent), /sharp clock/);
    assert.deepEqual(seen.complaints, []);
  });
});

test('it can be installed: the manifest names what is there', async () => {
  await beside(chromium(), async (browser, server) => {
    const { page } = await open(browser, `${server.origin}/#source=demo:7`);
    const client = await page.createCDPSession();
    const { errors, manifest } = await client.send('Page.getAppManifest');
    assert.deepEqual(errors, []);
    assert.equal(manifest?.name ?? JSON.parse((await client.send('Page.getAppManifest')).data).name, 'Ernscope');
    await predicts(page);
    await page.evaluate(() => navigator.serviceWorker.ready);
    const { installabilityErrors } = await client.send('Page.getInstallabilityErrors');
    assert.deepEqual(installabilityErrors.filter(({ errorId }) => errorId !== 'in-incognito'), []);
  });
});
