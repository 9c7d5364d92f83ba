// Firefox, where packaging/test-web was asked for it (--firefox): it loads, predicts, and its made-up camera delivers.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firefox, open, predicts, status, uncovered, until } from './browser.mjs';
import { beside, shot, tell } from './setting.mjs';

const options = { skip: process.env.ERNSCOPE_FIREFOX ? false : 'packaging/test-web --firefox runs it', timeout: 300_000 };

test('Firefox loads it and predicts', options, async () => {
  await beside(firefox(), async (browser, server) => {
    const { page, seen } = await open(browser, `${server.origin}/#source=demo:7`);
    await predicts(page);
    await until(page, () => performance.getEntriesByName('predicted').length);
    await uncovered(page);
    const [transferred, predicted] = await page.evaluate(() => ['transferred', 'predicted'].map(name => performance.getEntriesByName(name)[0].startTime));
    tell(`Firefox: first prediction ${predicted.toFixed(0)} ms from navigation, ${(predicted - transferred).toFixed(0)} ms from the end of the transfer`);
    await shot(page, 'firefox');
    assert.deepEqual(seen.complaints, []);
    assert.deepEqual([...seen.hosts], [`127.0.0.1:${server.port}`]);
  });
});

test('Firefox\u2019s camera delivers', options, async () => {
  await beside(firefox({ camera: true }), async (browser, server) => {
    const { page, seen } = await open(browser, `${server.origin}/#source=camera:0`);
    await predicts(page);
    const { predictions } = await status(page);
    await until(page, before => JSON.parse(ernscope.status()).predictions >= before + 10, predictions);
    await shot(page, 'firefox-camera');
    assert.deepEqual(seen.complaints, []);
  });
});
