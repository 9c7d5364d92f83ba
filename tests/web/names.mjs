// Names in scripts that our typeface lacks: the browser draws them, and where it is not let, boxes stand for them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { chromium, open, predicts, uncovered, until } from './browser.mjs';
import { ROOT } from './native.mjs';
import { PAGE, beside, shot } from './setting.mjs';

// Where the likeliest class's name stands, and those of the next: nothing there changes while the picture stands still.
const NAMES = { x: 380, y: 58, width: 75, height: 165 };
const VIEWPORT = { width: 960, height: 620 };
// Two each of Japanese, Korean, Hebrew and Thai, whose boxes would be as many.
const WORDS = ['猫', '犬', '고', '양', 'כלב', 'דוב', 'ที่', 'นั่'];
const PAINTED_MS = 1500;
const seconds = ms => new Promise(done => setTimeout(done, ms));

// The network of the cards with every class called `word` and its number.
function called(word, name) {
  const bytes = readFileSync(path.join(ROOT, 'models/cards.safetensors'));
  const length = Number(bytes.readBigUInt64LE(0)), header = JSON.parse(bytes.toString('utf8', 8, 8 + length));
  const network = JSON.parse(header.__metadata__.ernscope);
  network.name = name;
  network.labels = network.labels.map((_, index) => `${word} ${index}`);
  header.__metadata__.ernscope = JSON.stringify(network);
  const text = Buffer.from(JSON.stringify(header)), start = Buffer.alloc(8);
  start.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([start, text, bytes.subarray(8 + length)]);
}

async function drop(page, server, name, bytes) {
  server.extra.set(name, bytes);
  await page.evaluate(async name => {
    const carried = new DataTransfer();
    carried.items.add(new File([await (await fetch(name)).arrayBuffer()], name));
    document.getElementById('ernscope').dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: carried }));
  }, name);
}

// The names as they are painted, once they stay so.
async function painted(page) {
  for (let last = '', tries = 0; tries < 20; tries++) {
    await seconds(PAINTED_MS);
    const now = await page.screenshot({ clip: NAMES, encoding: 'base64' });
    if (now === last) return now;
    last = now;
  }
  throw new Error('the names do not stay as they are');
}

// What stands there for each of the words, before a picture that stands still.
async function pictures(words, browser, server, options = {}) {
  const { page, seen } = await open(browser, `${server.origin}/#source=demo:7`, { viewport: VIEWPORT, ...options });
  await predicts(page);
  await uncovered(page);
  await drop(page, server, 'still.png', readFileSync(path.join(PAGE, 'icon-512.png')));
  await until(page, () => !JSON.parse(ernscope.status()).source.startsWith('demo'));
  const all = [];
  for (const [index, word] of words.entries()) {
    await drop(page, server, `words-${index}.safetensors`, called(word, `words-${index}`));
    await until(page, name => JSON.parse(ernscope.status()).model === name, `words-${index}`);
    all.push(await painted(page));
  }
  return { page, seen, all };
}

test('names in scripts that our typeface lacks are drawn, each as another', { timeout: 240_000 }, async () => {
  await beside(chromium(), async (browser, server) => {
    const { page, seen, all } = await pictures(WORDS, browser, server);
    await shot(page, 'names');
    for (const [index, word] of WORDS.entries()) {
      assert.equal(WORDS[all.indexOf(all[index])], word, 'another name looks the same');
    }
    assert.deepEqual(seen.complaints, []);
  });
});

// This also holds the test above to its word: boxes look the same there.
test('a browser that lets nobody read a canvas: boxes stand for such names, and it runs all the same', { timeout: 240_000 }, async () => {
  await beside(chromium(), async (browser, server) => {
    const { page, seen, all } = await pictures(['猫', '犬'], browser, server, {
      before: page => page.evaluateOnNewDocument(() => {
        CanvasRenderingContext2D.prototype.getImageData = () => {
          throw new DOMException('', 'SecurityError');
        };
      }),
    });
    await shot(page, 'names-boxes');
    assert.equal(all[0], all[1]);
    assert.deepEqual(seen.complaints, []);
  });
});
