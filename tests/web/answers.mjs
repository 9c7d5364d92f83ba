// The page answers what the native program answers, and holds the very same codes in every layer.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { chromium, open, predicts, until } from './browser.mjs';
import { NUMBER_OF, answersOf, decodePng, frames, layerCrcs, video } from './native.mjs';
import { beside, shot, tell } from './setting.mjs';

const VIDEO = { seed: 77, frames: 160, rate: 8 };
const LEAST_FRAMES = 100;
const LEAST_AGREEMENT = 0.97;
const PICTURES = { seed: 7, count: 20 };
const COLLECT_MS = 240_000;

test('a camera\u2019s frames flow, and get the native program\u2019s answers', { timeout: 400_000 }, async () => {
  const file = await video(frames(VIDEO.seed, VIDEO.frames), VIDEO.rate);
  const native = await answersOf(file, VIDEO.frames);
  assert.equal(native.size, VIDEO.frames, 'an answer for every frame');
  await beside(chromium({ camera: file }), async (browser, server) => {
    const { page, seen } = await open(browser, `${server.origin}/#source=camera:0`);
    await predicts(page);
    // Collected in the page, where the frames are: for each number the answers it got.
    await page.evaluate(`{
      const number = ${NUMBER_OF}, answers = (globalThis.answers = new Map());
      globalThis.unread = 0;
      let last = -1;
      setInterval(() => {
        const { predictions } = JSON.parse(ernscope.status());
        if (predictions === last) return;
        last = predictions;
        const frame = ernscope.last_frame(), seen = number(frame);
        if (seen === undefined) globalThis.unread++;
        else answers.set(seen, [...(answers.get(seen) ?? []), frame.label]);
      }, 20);
    }`);
    const begun = Date.now();
    while ((await page.evaluate(() => answers.size)) < LEAST_FRAMES && Date.now() - begun < COLLECT_MS) await new Promise(done => setTimeout(done, 500));
    const { collected, unread } = await page.evaluate(() => ({ collected: [...answers], unread }));
    const all = collected.flatMap(([number, labels]) => labels.map(label => [number, label]));
    const equal = all.filter(([number, label]) => label === native.get(number));
    const differing = all.filter(([number, label]) => label !== native.get(number)).map(([number, label]) => `${number}: ${label}, natively ${native.get(number)}`);
    tell(`camera: ${equal.length} of ${all.length} predictions as the native program (${collected.length} different frames, ${unread} unreadable) ${differing.join('; ')}`);
    assert.ok(collected.length >= LEAST_FRAMES, `${collected.length} different frames`);
    assert.ok(unread <= all.length / 20, `${unread} frames without a number`);
    assert.ok(equal.length >= LEAST_AGREEMENT * all.length, `${equal.length} of ${all.length} alike: ${differing.join('; ')}`);
    assert.deepEqual(seen.complaints, []);
    await shot(page, 'camera');
  });
});

for (const model of ['cards', 'cifar100', 'objects']) {
  test(`every layer of ${model} holds the native reference\u2019s codes`, { timeout: 300_000 }, async () => {
    const pictures = frames(PICTURES.seed, PICTURES.count);
    assert.equal(pictures.length, PICTURES.count);
    await beside(chromium(), async (browser, server) => {
      const { page } = await open(browser, `${server.origin}/#source=demo:7`);
      await until(page, model => globalThis.ernscope?.status && JSON.parse(ernscope.status()).networks[model], model);
      let layers = 0;
      // The reference takes its time: two pictures at once.
      const check = async (file, index) => {
        const { width, height, rgb } = decodePng(readFileSync(file));
        server.extra.set(`picture-${index}.rgb`, rgb);
        const native = layerCrcs(model, file);
        const inPage = await page.evaluate(async (model, index, width, height) => {
          const rgb = new Uint8Array(await (await fetch(`picture-${index}.rgb`)).arrayBuffer());
          return JSON.parse(ernscope.answer(model, width, height, rgb)).crcs;
        }, model, index, width, height);
        const sorted = list => Object.fromEntries([...list].sort());
        assert.deepEqual(sorted(inPage), sorted(await native), file);
        layers += inPage.length;
      };
      for (let index = 0; index < pictures.length; index += 2) {
        await Promise.all(pictures.slice(index, index + 2).map((file, beside) => check(file, index + beside)));
      }
      tell(`${model}: the CRCs of ${layers} layers of ${pictures.length} pictures are the reference's`);
    });
  });
}
