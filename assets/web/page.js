// Loads the program and starts it. Whatever goes wrong is a sentence on the page, with what can be done; then the canvas has it alone.
// packaging/web writes the two names in capitals: of all that is loaded together, and every file's length and SHA-256.

const VERSION = '__VERSION__';
const FILES = __FILES__;

const MODULE = 'ernscope_bg.wasm';
// Without a byte for so long, a load counts as cut.
const SILENCE_MS = 20_000;
// A start that takes longer than this is said to.
const LONG_MS = 15_000;

const reload = () => location.reload();
// Without what the address asked for.
const plainly = () => {
  history.replaceState(null, '', location.pathname);
  location.reload();
};
const part = id => document.getElementById(id);
const seconds = ms => new Promise(done => setTimeout(done, ms));

// 'loading', 'starting', 'running', 'failed'
let state = 'loading';

// `again` is what its button does: to load once more, or to reload.
function fail(cause, remedy, { again, words } = {}) {
  state = 'failed';
  part('cause').textContent = cause;
  part('remedy').textContent = remedy;
  part('words').textContent = words ?? '';
  part('words').hidden = !words;
  part('again').hidden = !again;
  part('again').textContent = new Map([[reload, 'Reload'], [plainly, 'Start with the demo']]).get(again) ?? 'Try again';
  part('again').onclick = again ?? null;
  for (const id of ['loading', 'show']) part(id).hidden = true;
  part('fault').hidden = part('cover').hidden = false;
  if (again) part('again').focus();
}

function progress(doing, done, all) {
  const share = all ? Math.min(done / all, 1) : 0;
  const mega = bytes => (bytes / 1e6).toFixed(1);
  part('doing').textContent = doing;
  part('amount').textContent = all ? `${mega(done)} of ${mega(all)} MB` : '';
  part('bar').firstElementChild.style.transform = `scaleX(${share})`;
  part('bar').setAttribute('aria-valuenow', Math.round(share * 100));
}

// ---- What the browser must have ----

// A module of one function that makes a vector.
const SIMD = [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11];
const NEWER = 'Update it, or open this page in Chromium or Chrome, Edge, Firefox, or Safari 16.4 or newer.';

async function canDraw() {
  const context = document.createElement('canvas').getContext('webgl2');
  if (context) {
    context.getExtension('WEBGL_lose_context')?.loseContext();
    return true;
  }
  try {
    return Boolean(await navigator.gpu?.requestAdapter());
  } catch {
    return false;
  }
}

// True where the program can run; else it is said why not.
async function isEnough() {
  if (typeof WebAssembly !== 'object') {
    fail(
      'This browser runs no WebAssembly, or it is switched off.',
      `The program is such a module. ${NEWER} Some protective modes switch it off: allow it for this address.`,
    );
  } else if (!WebAssembly.validate(new Uint8Array(SIMD))) {
    fail(
      'This browser, or this processor, lacks the vectors of WebAssembly (SIMD).',
      `Without them the network would be many times slower. ${NEWER}`,
    );
  } else if (!await canDraw()) {
    fail(
      'This browser gives the page neither WebGL2 nor WebGPU to draw with.',
      `Switch on hardware acceleration in its settings, or update the graphics driver; then reload. ${NEWER}`,
    );
  } else {
    return true;
  }
  return false;
}

// ---- Loading ----

// Why the last load was cut, if it was.
let cut = null;

// The module as it comes in, with its progress shown. What cuts it is noted in `cut`.
async function arriving() {
  const [length] = FILES[MODULE];
  const abort = new AbortController();
  let silence, seen = 0;
  // Only while something is awaited from the network.
  const heard = async awaited => {
    silence = setTimeout(() => abort.abort(new Error(`no byte came for ${SILENCE_MS / 1000} s`)), SILENCE_MS);
    try {
      return await awaited;
    } catch (error) {
      return giveUp(error);
    } finally {
      clearTimeout(silence);
    }
  };
  const giveUp = error => {
    cut = abort.signal.aborted ? abort.signal.reason : error;
    throw cut;
  };
  progress('Loading', 0, length);
  const response = await heard(fetch(`./${MODULE}?v=${VERSION}`, { signal: abort.signal }));
  if (!response.ok) giveUp(new Error(`the server answered ${response.status} for ${MODULE}`));
  const reader = response.body.getReader();
  const stream = new ReadableStream({
    async pull(to) {
      const { done, value } = await heard(reader.read());
      if (!done) {
        seen += value.length;
        progress('Loading', seen, length);
        return to.enqueue(value);
      }
      if (seen !== length) giveUp(new Error(`${seen} bytes of ${length} came of ${MODULE}`));
      performance.mark('transferred');
      progress('Starting', length, length);
      to.close();
    },
  });
  return new Response(stream, { headers: { 'content-type': 'application/wasm' } });
}

let program = null;
let tries = 0;

async function load() {
  state = 'loading';
  cut = null;
  part('fault').hidden = true;
  part('loading').hidden = false;
  // A script that did not arrive is not asked for again under its old name.
  const name = `./ernscope.js?v=${VERSION}${tries++ ? `&try=${tries}` : ''}`;
  try {
    const module = arriving();
    // Where the script fails first, nobody waits for the module.
    module.catch(() => {});
    const late = seconds(SILENCE_MS).then(() => Promise.reject(new Error(`ernscope.js did not come within ${SILENCE_MS / 1000} s`)));
    program ??= await Promise.race([import(name), late]).catch(error => {
      // Browsers name the address here, and no cause.
      if (!(error instanceof SyntaxError)) cut ??= new Error('ernscope.js did not arrive');
      throw error;
    });
    const response = await module;
    await program.default({ module_or_path: response });
    globalThis.ernscope = program;
    state = 'starting';
  } catch (error) {
    if (state === 'failed') return;
    // What was under way may tell its own cause a moment later.
    if (!cut) await seconds(0);
    if (cut) {
      return fail(`The load was cut: ${cut.message}.`, 'The network or the server may be gone. Try again when it is back.', { again: load });
    }
    if (error instanceof WebAssembly.CompileError || error instanceof SyntaxError) {
      const remedy = `Reload the page. If that does not help: ${NEWER[0].toLowerCase()}${NEWER.slice(1)}`;
      return fail('This browser does not understand the program, or it came damaged.', remedy, { again: reload, words: String(error) });
    }
    return stopped(error);
  }
  await running();
}

// ---- Running ----

// The program ended by itself: a panic, or a trap.
function stopped(error) {
  // The first words are a panic's own, and tell more than the trap after it.
  if (state === 'failed') return;
  const cause = state === 'running' ? 'The program stopped: it has a fault.' : 'The program did not start.';
  const words = String(error?.message ?? error);
  fail(cause, 'Reload the page. If it happens again, please report these words:', { again: reload, words });
}

// The last complaint, of whatever kind.
let complaint = '';

const complain = console.error.bind(console);
console.error = (...words) => {
  complain(...words);
  const text = words.map(String).join(' ');
  if (/panicked at/.test(text)) stopped(text);
  else complaint = text;
};

// What the program says of itself, where it cannot go on.
addEventListener('ernscope-failed', ({ detail }) => {
  if (state !== 'failed') fail('The program did not start.', `${detail[0].toUpperCase()}${detail.slice(1)}.`, { again: plainly });
});

const isTrap = error => typeof WebAssembly === 'object' && error instanceof WebAssembly.RuntimeError;
const wrong = error => {
  if (isTrap(error)) stopped(error);
  else if (error) complaint = String(error.message ?? error);
};
addEventListener('error', event => wrong(event.error));
addEventListener('unhandledrejection', event => wrong(event.reason));

part('ernscope').addEventListener('webglcontextlost', () => {
  if (state === 'failed') return;
  const why = 'Too many pages draw at once, or the graphics driver started anew. Reload to go on.';
  fail('The browser took the graphics away from this page.', why, { again: reload });
});

function status() {
  try {
    return JSON.parse(program.status());
  } catch {
    return {};
  }
}

// Until it draws, the cover stays; for somebody who reads there, until they say so.
async function running() {
  const begun = performance.now();
  while (state === 'starting' && !status().drawing) {
    await seconds(50);
    if (performance.now() - begun < LONG_MS) continue;
    // What was complained of is the likeliest cause.
    if (complaint && !document.hidden) return stopped(complaint);
    progress('Starting takes long here: the graphics may be computed by the processor', 1, 0);
  }
  if (state !== 'starting') return;
  state = 'running';
  for (let frame = 0; frame < 2; frame++) await Promise.race([new Promise(requestAnimationFrame), seconds(500)]);
  if (state !== 'running') return;
  if (part('about').open) {
    part('loading').hidden = true;
    part('show').hidden = false;
    part('show').onclick = uncover;
  } else {
    uncover();
  }
  while (state === 'running' && !(status().predictions > 0)) await seconds(50);
  performance.mark('predicted');
  keep();
}

function uncover() {
  part('cover').hidden = true;
  part('ernscope').focus();
}

// ---- Without a network, and newer versions ----

// What a service worker is asked through; none over plain http, or where the browser forbids to store.
function worker() {
  try {
    return navigator.serviceWorker;
  } catch {
    return undefined;
  }
}

// A newer version that waits takes over now, where no other page runs the old one: then this page starts anew.
async function newest() {
  try {
    const waiting = worker()?.controller && (await worker().getRegistration())?.waiting;
    if (!waiting) return;
    const changed = new Promise(done => worker().addEventListener('controllerchange', () => done(true), { once: true }));
    waiting.postMessage({ over: true });
    if (await Promise.race([changed, seconds(1500)])) {
      location.reload();
      await new Promise(() => {});
    }
  } catch (error) {
    console.warn(`No newer version is looked for: ${error.message}.`);
  }
}

// Has the service worker keep what was loaded, the networks that come later too.
async function keep() {
  try {
    if (!worker()) return;
    const registration = await worker().register('sw.js', { updateViaCache: 'none' });
    // Without a network there is nothing newer.
    registration.update().catch(() => {});
    const { active } = await worker().ready;
    for (let told = 0; ; await seconds(3000)) {
      const loaded = performance.getEntriesByType('resource').map(entry => entry.name);
      if (loaded.length > told) active.postMessage({ loaded });
      told = loaded.length;
      const { networks } = status();
      if (state !== 'running' || !networks || Object.values(networks).every(Boolean)) return;
    }
  } catch (error) {
    console.warn(`Nothing is kept for when the network is gone: ${error.message}.`);
  }
}

part('late').hidden = true;
part('insecure').hidden = isSecureContext;
part('clock').textContent = globalThis.crossOriginIsolated
  ? 'Times are measured by the browser\u2019s sharp clock, which steps by a few microseconds.'
  : 'The browser\u2019s clock steps by 0.1 ms or more here, so short times are told roughly. It steps by a few microseconds where the '
    + 'server sends the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp, or from the '
    + 'second visit on, when the copy that the browser keeps brings them.';
progress('Loading', 0, FILES[MODULE][0]);
if (await isEnough()) {
  await newest();
  await load();
}
