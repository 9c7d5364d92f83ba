// Browsers of Debian, without a screen, each with a profile of its own.
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import puppeteer from 'puppeteer-core';

// Small, since the processor paints; a desktop; a telephone, whose pixels are the browser's (`scale`): where the tools for developers
// pretend them, a canvas is not told of them.
export const SMALL = { width: 480, height: 310 };
export const DESKTOP = { width: 1440, height: 900 };
export const PHONE = { width: 390, height: 844, hasTouch: true, isMobile: true, deviceScaleFactor: 0 };

// No traffic but the page's; WebGL2 computed by the processor.
const CHROMIUM = [
  ...(process.getuid() === 0 ? ['--no-sandbox'] : []),
  '--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run',
  '--use-gl=angle', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist',
];

// Options: `camera` is a y4m that the fake camera shows, or true for its own picture; `prompts` 'allow' or 'deny'; `forbidStorage`;
// `scale`, pixels of the screen for one of the page; `args`, further ones; `without`, some of the above left out.
export async function chromium({ camera, prompts = 'allow', forbidStorage, scale, args = [], without = [] } = {}) {
  const profile = await mkdtemp(path.join(tmpdir(), 'ernscope-web-'));
  if (forbidStorage) {
    await mkdir(path.join(profile, 'Default'), { recursive: true });
    await writeFile(path.join(profile, 'Default', 'Preferences'), JSON.stringify({ profile: { default_content_setting_values: { cookies: 2 } } }));
  }
  const all = [...CHROMIUM.filter(flag => !without.some(start => flag.startsWith(start))), ...args];
  if (scale) all.push(`--force-device-scale-factor=${scale}`);
  if (camera) all.push('--use-fake-device-for-media-stream');
  if (camera && prompts === 'allow') all.push('--use-fake-ui-for-media-stream');
  if (prompts === 'deny') all.push('--deny-permission-prompts');
  if (typeof camera === 'string') all.push(`--use-file-for-fake-video-capture=${camera}`);
  const browser = await puppeteer.launch({ executablePath: '/usr/bin/chromium', headless: true, args: all, userDataDir: profile, protocolTimeout: 300_000 });
  browser.once('disconnected', () => rm(profile, { recursive: true, force: true, maxRetries: 3 }).catch(() => {}));
  return browser;
}

// On a display, a virtual one will do: without any, Firefox draws no WebGL.
export async function firefox({ camera } = {}) {
  return puppeteer.launch({
    browser: 'firefox',
    executablePath: '/usr/bin/firefox-esr',
    headless: false,
    protocolTimeout: 300_000,
    extraPrefsFirefox: {
      'media.navigator.streams.fake': Boolean(camera),
      'media.navigator.permission.disabled': Boolean(camera),
      'webgl.force-enabled': true,
      'webgl.disabled': false,
    },
  });
}

// A page that notes what a person would never see: complaints, and hosts that were asked.
export async function open(browser, address, { viewport = SMALL, before } = {}) {
  const page = await browser.newPage();
  const seen = { complaints: [], hosts: new Set(), failed: [] };
  page.on('console', message => {
    if (message.type() === 'error') seen.complaints.push(message.text());
  });
  page.on('pageerror', error => seen.complaints.push(String(error?.stack ?? error)));
  page.on('request', request => {
    const { protocol, host } = new URL(request.url());
    if (/^(http|ws)/.test(protocol)) seen.hosts.add(host);
  });
  await page.setViewport(viewport);
  if (before) await before(page);
  await page.goto(address, { waitUntil: 'domcontentloaded' });
  return { page, seen };
}

// Asked from outside now and then: the page's policy lets nobody compile a text in it, as puppeteer's own way would.
export async function until(page, what, ...parameters) {
  const end = Date.now() + 60_000;
  for (;;) {
    // A page that is loaded anew meanwhile is asked again.
    const answer = await page.evaluate(what, ...parameters).catch(error => {
      if (!/context|navigat/i.test(error.message)) throw error;
    });
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`not within a minute: ${what}`);
    await new Promise(done => setTimeout(done, 100));
  }
}

export const predicts = page => until(page, () => globalThis.ernscope?.status && JSON.parse(ernscope.status()).predictions > 0);

export const status = page => page.evaluate(() => JSON.parse(ernscope.status()));

// What the page says went wrong: cause and remedy, once it says so.
export async function fault(page) {
  await until(page, () => document.querySelector('#cover:not([hidden]) #fault:not([hidden])'));
  return page.evaluate(() => ['cause', 'remedy', 'words'].map(id => document.getElementById(id)).filter(part => !part.hidden).map(part => part.textContent).join(' '));
}

// The cover is gone, and the canvas has the page alone.
export const uncovered = page => until(page, () => document.getElementById('cover').hidden);
