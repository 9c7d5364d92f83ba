// The canvas fills whatever it is shown in: a desktop, a telephone either way, a zoomed page.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DESKTOP, PHONE, chromium, open, predicts, uncovered, until } from './browser.mjs';
import { beside, shot } from './setting.mjs';

const seconds = ms => new Promise(done => setTimeout(done, ms));
// Painting by the processor takes a second at most sizes: figures fill their panels after some of them.
const PAINTED_MS = 6000;

// The canvas as wide and high as the page, with a pixel for each of the screen's, and nothing to scroll.
const fills = (page, ratio) => until(page, ratio => {
  const canvas = document.getElementById('ernscope'), box = canvas.getBoundingClientRect(), near = (a, b, by) => Math.abs(a - b) <= by;
  return box.x === 0 && box.y === 0 && near(box.width, innerWidth, 1) && near(box.height, innerHeight, 1)
    && near(canvas.width, innerWidth * ratio, 2 * ratio) && near(canvas.height, innerHeight * ratio, 2 * ratio)
    && document.documentElement.scrollWidth <= innerWidth && document.documentElement.scrollHeight <= innerHeight;
}, ratio);

for (const scheme of ['dark', 'light']) {
  for (const [name, viewport, scale] of [['desktop', DESKTOP, 1], ['phone', PHONE, 2]]) {
    test(`a ${name}, ${scheme}`, { timeout: 180_000 }, async () => {
      await beside(chromium({ scale }), async (browser, server) => {
        const { page, seen } = await open(browser, `${server.origin}/#source=demo:7`, {
          viewport,
          before: page => page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]),
        });
        await predicts(page);
        await uncovered(page);
        await fills(page, scale);
        await seconds(PAINTED_MS);
        await shot(page, `${name}-${scheme}`);
        assert.deepEqual(seen.complaints, []);
      });
    });
  }
}

test('a phone is turned, and back', { timeout: 180_000 }, async () => {
  await beside(chromium({ scale: 2 }), async (browser, server) => {
    const { page, seen } = await open(browser, `${server.origin}/#source=demo:7`, { viewport: PHONE });
    await predicts(page);
    await page.setViewport({ ...PHONE, width: PHONE.height, height: PHONE.width, isLandscape: true });
    await fills(page, 2);
    await seconds(PAINTED_MS);
    await shot(page, 'phone-turned');
    await page.setViewport(PHONE);
    await fills(page, 2);
    assert.deepEqual(seen.complaints, []);
  });
});

for (const zoom of [0.5, 1, 1.5, 3]) {
  test(`zoomed to ${zoom * 100} %`, { timeout: 180_000 }, async () => {
    await beside(chromium({ scale: zoom }), async (browser, server) => {
      const viewport = { width: Math.round(960 / zoom), height: Math.round(620 / zoom), deviceScaleFactor: 0 };
      const { page, seen } = await open(browser, `${server.origin}/#source=demo:7`, { viewport });
      await predicts(page);
      await uncovered(page);
      await fills(page, zoom);
      await seconds(PAINTED_MS / 2);
      await shot(page, `zoom-${zoom * 100}`);
      assert.deepEqual(seen.complaints, []);
    });
  });
}
