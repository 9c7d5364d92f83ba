// What can be wrong with a browser, a network, a camera, a file: each time a sentence, never a blank page.
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { chromium, fault, open, predicts, status, uncovered, until } from './browser.mjs';
import { PAGE, beside, shot, tell } from './setting.mjs';

const DEMO = '#source=demo:7';
const CAMERA = '#source=camera:0';
const MODULE = 'ernscope_bg.wasm';
const seconds = ms => new Promise(done => setTimeout(done, ms));

// A page that must say what is wrong, in words that match.
function refuses(title, words, { browser = {}, before, faults = {} }) {
  test(`${title}: it says so`, async () => {
    await beside(chromium(browser), async (opened, server) => {
      for (const [name, what] of Object.entries(faults)) server.faults.set(name, what);
      const { page } = await open(opened, `${server.origin}/${DEMO}`, { before });
      const text = await fault(page);
      tell(`${title}: ${JSON.stringify(text)}`);
      assert.match(text, words);
      await shot(page, `bad-${title.replace(/\W+/g, '-')}`);
    });
  });
}

refuses('no WebAssembly', /no WebAssembly.*Update it/, {
  before: page => page.evaluateOnNewDocument(() => {
    delete globalThis.WebAssembly;
  }),
});
refuses('no SIMD', /SIMD.*Update it/, {
  before: page => page.evaluateOnNewDocument(() => {
    WebAssembly.validate = () => false;
  }),
});
refuses('no WebGL2', /neither WebGL2 nor WebGPU.*hardware acceleration/, {
  browser: { args: ['--disable-gpu', '--disable-software-rasterizer', '--disable-3d-apis'], without: ['--use-', '--enable-unsafe', '--ignore-gpu'] },
});
refuses('no module on the server', /answered 404 for ernscope_bg.wasm.*Try again/, { faults: { [MODULE]: { status: 404 } } });
refuses('no script on the server', /load was cut.*ernscope\.js.*Try again/, { faults: { 'ernscope.js': { status: 404 } } });
refuses('another module on the server', /bytes of \d+ came/, { faults: { [MODULE]: { bytes: Buffer.from('not a module') } } });
const spoilt = readFileSync(path.join(PAGE, MODULE)).fill(0, 20_000, 60_000);
refuses('a spoilt module', /does not understand the program.*Reload.*CompileError/, { faults: { [MODULE]: { bytes: spoilt } } });

test('the network gone in the middle of a load: it says so, and goes on when asked', async () => {
  await beside(chromium(), async (browser, server) => {
    const half = Math.round(statSync(path.join(PAGE, `${MODULE}.br`)).size / 2);
    server.faults.set(MODULE, { cutAfter: half });
    const { page } = await open(browser, `${server.origin}/${DEMO}`);
    const text = await fault(page);
    tell(`cut in the middle: ${JSON.stringify(text)}`);
    assert.match(text, /load was cut.*network or the server may be gone/);
    await shot(page, 'bad-network-gone');
    // Still gone: it says so again.
    await server.stop();
    await page.click('#again');
    await fault(page);
    await server.again();
    server.faults.clear();
    await page.click('#again');
    await predicts(page);
    await uncovered(page);
  });
});

test('a script that is cut off is asked for again', async () => {
  await beside(chromium(), async (browser, server) => {
    server.faults.set('ernscope.js', { cutAfter: 1000 });
    const { page } = await open(browser, `${server.origin}/${DEMO}`);
    assert.match(await fault(page), /load was cut/);
    server.faults.clear();
    await page.click('#again');
    await predicts(page);
  });
});

test('a load that stands still counts as cut', { timeout: 120_000 }, async () => {
  await beside(chromium(), async (browser, server) => {
    server.faults.set(MODULE, { stallAfter: 100_000 });
    const { page } = await open(browser, `${server.origin}/${DEMO}`);
    assert.match(await fault(page), /no byte came for 20 s/);
  });
});

test('the page\u2019s own script missing, or scripts switched off: it says so', async () => {
  await beside(chromium(), async (browser, server) => {
    server.faults.set('page.js', { status: 404 });
    const { page } = await open(browser, `${server.origin}/${DEMO}`);
    await until(page, () => getComputedStyle(document.getElementById('late')).opacity === '1');
    assert.match(await page.evaluate(() => document.getElementById('late').innerText), /Reload/);
    await shot(page, 'bad-no-script');
    await page.close();
    const off = await open(browser, `${server.origin}/${DEMO}`, { before: page => page.setJavaScriptEnabled(false) });
    await shot(off.page, 'bad-scripts-off');
    assert.match(await off.page.$eval('body', body => body.innerText), /Scripts are switched off.*Allow scripts/s);
  });
});

test('a program that stops: it says so, with its words', async () => {
  await beside(chromium(), async (browser, server) => {
    const { page } = await open(browser, `${server.origin}/${DEMO}`);
    await predicts(page);
    await uncovered(page);
    // As a panic's hook tells of it.
    await page.evaluate(() => console.error('panicked at src/somewhere.rs:1:2:\nthe reason'));
    assert.match(await fault(page), /stopped.*Reload.*the reason/s);
    await shot(page, 'bad-panic');
    await page.click('#again');
    await predicts(page);
    await uncovered(page);
    await page.evaluate(() => document.getElementById('ernscope').getContext('webgl2').getExtension('WEBGL_lose_context').loseContext());
    assert.match(await fault(page), /took the graphics away.*Reload/s);
  });
});

test('storage forbidden: it runs all the same', async () => {
  await beside(chromium({ forbidStorage: true }), async (browser, server) => {
    const { page, seen } = await open(browser, `${server.origin}/${DEMO}`);
    await predicts(page);
    const forbidden = await page.evaluate(() => {
      try {
        return !globalThis.localStorage;
      } catch {
        return true;
      }
    });
    assert.ok(forbidden, 'the browser forbids it');
    await seconds(2000);
    await uncovered(page);
    assert.deepEqual(seen.complaints, []);
  });
});

test('storage full: it runs all the same', async () => {
  await beside(chromium(), async (browser, server) => {
    const { page, seen } = await open(browser, `${server.origin}/${DEMO}`, {
      before: async page => (await page.createCDPSession()).send('Storage.overrideQuotaForOrigin', { origin: server.origin, quotaSize: 1000 }),
    });
    await predicts(page);
    await seconds(4000);
    await uncovered(page);
    const before = (await status(page)).predictions;
    await until(page, before => JSON.parse(ernscope.status()).predictions > before, before);
    assert.deepEqual(seen.complaints, []);
  });
});

// Said in the program's own words: in the window, or on the page where it does not even open one.
function says(title, words, { browser = {}, host }) {
  test(`${title}: the program says so`, async () => {
    const rules = host ? [`--host-resolver-rules=MAP ${host} 127.0.0.1`] : [];
    await beside(chromium({ ...browser, args: [...rules, ...(browser.args ?? [])] }), async (opened, server) => {
      const address = `http://${host ?? '127.0.0.1'}:${server.port}/${CAMERA}`;
      const { page } = await open(opened, address, { viewport: { width: 960, height: 620 } });
      const said = () => {
        const part = id => document.getElementById(id);
        if (part('cover').hidden) {
          const { state, complaint } = JSON.parse(ernscope.status());
          return `${complaint} ${state}`.trim();
        }
        return part('fault').hidden ? '' : [...document.querySelectorAll('#fault :not([hidden]), #insecure:not([hidden])')].map(part => part.textContent).join(' ');
      };
      const end = Date.now() + 60_000;
      let text = '';
      while (!words.test(text) && Date.now() < end) {
        await seconds(200);
        text = await page.evaluate(said);
      }
      tell(`${title}: ${JSON.stringify(text)}`);
      assert.match(text, words);
      if (host) assert.equal(await page.$eval('#insecure', part => part.hidden), false, 'the page says it too');
      await seconds(2000);
      await shot(page, `bad-${title.replace(/\W+/g, '-')}`);
    });
  });
}

says('no camera', /camera/i, {});
says('camera denied', /allow|permission|denied|forbid/i, { browser: { camera: true, prompts: 'deny' } });
says('plain http from another host', /https|localhost/i, { browser: { camera: true }, host: 'ernscope.test' });

test('a network that is missing on the server: it says so, or goes on without it', async () => {
  await beside(chromium(), async (browser, server) => {
    server.faults.set('networks/objects.safetensors', { status: 404 });
    const { page } = await open(browser, `${server.origin}/${DEMO}&model=objects`, { viewport: { width: 960, height: 620 } });
    await until(page, () => !document.getElementById('fault').hidden || (globalThis.ernscope?.status && JSON.parse(ernscope.status()).predictions > 0));
    if (await page.$eval('#fault', part => part.hidden)) {
      assert.equal((await status(page)).networks.objects, false);
    } else {
      const text = await fault(page);
      tell(`a network is missing: ${JSON.stringify(text)}`);
      assert.match(text, /objects/);
      // And goes on with another one.
      server.faults.clear();
      await page.click('#again');
      await predicts(page);
    }
    await shot(page, 'bad-no-network');
  });
});

test('200 MB dropped as a model: it goes on', { timeout: 180_000 }, async () => {
  await beside(chromium(), async (browser, server) => {
    const { page } = await open(browser, `${server.origin}/${DEMO}`, { viewport: { width: 960, height: 620 } });
    await predicts(page);
    await uncovered(page);
    await page.evaluate(() => {
      const carried = new DataTransfer();
      carried.items.add(new File([new Uint8Array(200 << 20)], 'large.safetensors'));
      const canvas = document.getElementById('ernscope');
      for (const kind of ['dragover', 'drop']) canvas.dispatchEvent(new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: carried }));
    });
    await seconds(5000);
    const before = (await status(page)).predictions;
    await until(page, before => JSON.parse(ernscope.status()).predictions > before, before);
    await uncovered(page);
    assert.equal((await status(page)).model, 'cards');
    await shot(page, 'bad-200-MB');
  });
});

test('a tab in the background stands still, and goes on', async () => {
  await beside(chromium({ camera: true }), async (browser, server) => {
    const { page, seen } = await open(browser, `${server.origin}/${CAMERA}`, { viewport: { width: 960, height: 620 } });
    await predicts(page);
    await uncovered(page);
    const other = await browser.newPage();
    await other.bringToFront();
    assert.equal(await page.evaluate(() => document.visibilityState), 'hidden');
    await seconds(1000);
    const { predictions } = await status(page);
    await seconds(3000);
    assert.ok((await status(page)).predictions <= predictions + 1, 'it stands still');
    await page.bringToFront();
    await seconds(1500);
    await shot(page, 'back-from-the-background');
    await until(page, before => JSON.parse(ernscope.status()).predictions > before + 2, predictions);
    assert.deepEqual(seen.complaints, []);
  });
});
