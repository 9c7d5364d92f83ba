// Keeps what the page loaded, so that it works without a network. All files of a version stand in one cache, each checked by its
// SHA-256: old and new never mix. A newer version is taken in whole beside the old one, and used from the next visit on.
// packaging/web writes the two names in capitals.

const VERSION = '__VERSION__';
const FILES = __FILES__;

const OURS = 'ernscope ';
const CACHE = OURS + VERSION;
// Where a kept answer says what it holds.
const SUM = 'x-ernscope-sha256';
// Networks are kept once the page has loaded them.
const AT_ONCE = Object.keys(FILES).filter(name => !name.startsWith('networks/'));

// The page names these with their version: only under that very address the browser still has them.
const VERSIONED = ['page.js', 'ernscope.js', 'ernscope_bg.wasm'];

const TYPES = { html: 'text/html; charset=utf-8', js: 'text/javascript; charset=utf-8', wasm: 'application/wasm', svg: 'image/svg+xml', png: 'image/png', webmanifest: 'application/manifest+json' };

// The name of one of our files, or nothing. What names another version is none of this one's.
function nameOf(address) {
  const url = new URL(address), scope = new URL(self.registration.scope);
  if (url.origin !== scope.origin || !url.pathname.startsWith(scope.pathname)) return undefined;
  const name = url.pathname.slice(scope.pathname.length) || 'index.html';
  const version = url.searchParams.get('v') ?? VERSION;
  return Object.hasOwn(FILES, name) && version === VERSION ? name : undefined;
}

async function sumOf(bytes) {
  const sum = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(sum, byte => byte.toString(16).padStart(2, '0')).join('');
}

// The bytes of a file from the server, or from what the browser has just loaded of it.
async function fetched(name) {
  const address = VERSIONED.includes(name) ? `${name}?v=${VERSION}` : name;
  for (const cache of ['force-cache', 'reload']) {
    const response = await fetch(address, { cache, credentials: 'same-origin' });
    if (!response.ok) throw new Error(`${response.status} for ${name}`);
    const bytes = await response.arrayBuffer();
    if (await sumOf(bytes) === FILES[name][1]) return bytes;
  }
  throw new Error(`${name} on the server belongs to another version`);
}

// The same file in an older version's cache.
async function inherited(name) {
  for (const other of await caches.keys()) {
    if (!other.startsWith(OURS) || other === CACHE) continue;
    const kept = await (await caches.open(other)).match(name);
    if (kept?.headers.get(SUM) === FILES[name][1]) return kept.arrayBuffer();
  }
  return undefined;
}

// Headers of ours: with the last two the clock is sharp, whatever the server sends.
function answerOf(name, bytes) {
  return new Response(bytes, {
    headers: {
      'content-type': TYPES[name.split('.').pop()] ?? 'application/octet-stream',
      'content-length': bytes.byteLength,
      [SUM]: FILES[name][1],
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-embedder-policy': 'require-corp',
    },
  });
}

// Takes a file into this version's cache, unless it is there.
async function take(name) {
  const cache = await caches.open(CACHE);
  if (!await cache.match(name)) await cache.put(name, answerOf(name, await inherited(name) ?? await fetched(name)));
}

async function install() {
  for (const name of AT_ONCE) await take(name);
}

async function activate() {
  for (const name of await caches.keys()) {
    if (name.startsWith(OURS) && name !== CACHE) await caches.delete(name);
  }
  await self.clients.claim();
}

async function answer(name) {
  const kept = await (await caches.open(CACHE)).match(name);
  if (kept) return kept;
  let bytes;
  try {
    bytes = await inherited(name) ?? await fetched(name);
  } catch {
    // No network, or a newer version there: as a server that is gone, never a file of another version.
    return Response.error();
  }
  try {
    await (await caches.open(CACHE)).put(name, answerOf(name, bytes));
  } catch {
    // The storage is full: it works all the same, while there is a network.
  }
  return answerOf(name, bytes);
}

async function obey({ over, loaded }) {
  const pages = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  if (over && pages.length <= 1) await self.skipWaiting();
  for (const name of (loaded ?? []).map(nameOf)) {
    if (name) await take(name).catch(() => {});
  }
}

self.addEventListener('install', event => event.waitUntil(install()));
self.addEventListener('activate', event => event.waitUntil(activate()));
self.addEventListener('message', event => event.waitUntil(obey(event.data ?? {})));
self.addEventListener('fetch', event => {
  const name = event.request.method === 'GET' ? nameOf(event.request.url) : undefined;
  if (name) event.respondWith(answer(name));
});
