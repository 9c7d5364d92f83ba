// Figures of the page, not tests: its speed beside the native program's, its own work a frame, its memory over minutes. It fails where
// a limit is missed. packaging/test-web --measure [MINUTES] runs it.
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { chromium, open, predicts, status, uncovered } from './browser.mjs';
import { frames, timed, video } from './native.mjs';
import { beside } from './setting.mjs';

const WORK_LIMIT_MS = 12;
const SLOPE_LIMIT = 0.5;
const TURNS = 5;
// V8 compiles well only what has run for a while.
const WARM_MS = 10_000;
// The page's figure is a median of its last two seconds: those from before a rest are forgotten by then.
const TURN_MS = 5000;
const WORK_MS = 20_000;
const SAMPLE_MS = 10_000;
const MEGA = 1e6;
const VIEWPORT = { width: 960, height: 620 };
const VIDEO = { seed: 77, frames: 160, rate: 30 };
// With the page put together by the processor too, pictures of the camera are in its memory: else each is fetched from the process that
// paints, and waits for it.
const IN_MEMORY = ['--disable-gpu-compositing'];
// Without these headers a browser's clock steps by 0.1 ms.
const ISOLATED = { 'cross-origin-opener-policy': 'same-origin', 'cross-origin-embedder-policy': 'require-corp' };

const minutes = Number(process.argv[2] ?? 10);
if (!(minutes >= 2)) throw new Error('MINUTES must be 2 or more: the first one does not count');

const rest = ms => new Promise(done => setTimeout(done, ms));
const median = list => [...list].sort((a, b) => a - b)[list.length >> 1];
const row = (title, ...figures) => console.log(title.padEnd(50) + figures.map(figure => String(figure).padStart(11)).join(''));
const head = (title, ...columns) => {
  console.log();
  row(`${title} (load ${loadavg()[0].toFixed(1)})`, ...columns);
};
const missed = [];

async function page(browser, server, options, before) {
  server.headers = ISOLATED;
  const { page } = await open(browser, `${server.origin}/#${options}`, { viewport: VIEWPORT, before: page => before && page.evaluateOnNewDocument(...before) });
  await predicts(page);
  await uncovered(page);
  if (!await page.evaluate(() => crossOriginIsolated)) throw new Error('the page has no sharp clock');
  await rest(WARM_MS);
  return page;
}

// ---- Speed ----

// Painting by the processor takes from the network what a graphics card would not: two repaints a second will do here.
function paintRarely() {
  const next = requestAnimationFrame;
  window.requestAnimationFrame = work => setTimeout(() => next(work), 500);
}

async function speed(model) {
  const times = { bench: [], demo: [], page: [] };
  await beside(chromium(), async (browser, server) => {
    const shown = await page(browser, server, `source=demo:7&model=${model}`, [paintRarely]);
    // In front of the page, so that it stands still while the native program has its turn.
    const other = await browser.newPage();
    for (let turn = 0; turn < TURNS; turn++) {
      await other.bringToFront();
      const { bench, demo } = await timed(model, 'cpu:avx2');
      await shown.bringToFront();
      await rest(TURN_MS);
      times.bench.push(bench);
      times.demo.push(demo);
      times.page.push((await status(shown)).infer_ms);
    }
  });
  const [bench, demo, inPage] = [times.bench, times.demo, times.page].map(median);
  row(model, ...[bench, demo, inPage].map(ms => ms.toFixed(3)), ...[inPage / bench, inPage / demo].map(ratio => ratio.toFixed(2)));
}

// ---- Work ----

// Marks, for the browser's trace, where the camera's bytes are read and where painting begins: at a repaint's first call of WebGL. What
// draws does nothing, so that no painting by the processor competes with what is measured. `card`: the program hears of a graphics card,
// and repaints as often as it does with one.
function mark(card) {
  const note = name => {
    performance.mark(name);
    performance.clearMarks(name);
  };
  const next = requestAnimationFrame;
  let paints = true;
  window.requestAnimationFrame = work => next(time => {
    paints = false;
    work(time);
  });
  const gl = WebGL2RenderingContext.prototype;
  for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(gl))) {
    if (typeof value !== 'function' || name === 'constructor') continue;
    const draws = /^(draw(Arrays|Elements|Range)|clear($|Buffer)|blit)/.test(name);
    gl[name] = function (...given) {
      if (!paints) note('paints');
      paints = true;
      const answer = draws ? undefined : value.apply(this, given);
      return card && /swiftshader/i.test(answer) ? 'a graphics card' : answer;
    };
  }
  const brush = CanvasRenderingContext2D.prototype;
  for (const name of ['drawImage', 'getImageData']) {
    const own = brush[name];
    brush[name] = function (...given) {
      note(name);
      const answer = own.apply(this, given);
      note('has read');
      return answer;
    };
  }
}

// Milliseconds by the clock and of the thread's own processor time, which other work on the machine does not lengthen.
const nothing = () => ({ clock: 0, own: 0 });
const from = event => ({ clock: event.ts / 1000, own: event.tts / 1000 });
const end = event => ({ clock: (event.ts + event.dur) / 1000, own: (event.tts + event.tdur) / 1000 });
const add = (sum, begun, ended, sign = 1) => {
  for (const kind of ['clock', 'own']) sum[kind] += sign * (ended[kind] - begun[kind]);
};

// What the trace's callbacks took, between two marks that say how many frames were predicted.
function workOf(trace) {
  const told = trace.filter(({ name }) => name.startsWith('predicted ')).sort((a, b) => a.ts - b.ts);
  const [first, last] = [told.at(0), told.at(-1)];
  const count = ({ name }) => Number(name.split(' ')[1]);
  const sums = { drawImage: nothing(), getImageData: nothing(), steps: nothing(), idle: nothing(), layout: nothing(), painting: nothing() };
  let callback, reads, repaints = 0;
  for (const event of trace.filter(({ tid, ts }) => tid === first.tid && ts >= first.ts && ts <= last.ts).sort((a, b) => a.ts - b.ts)) {
    switch (event.name) {
      // Idle until a picture is read in it.
      case 'TimerFire':
        callback = event;
        add(sums.idle, from(event), end(event));
        break;
      case 'FireAnimationFrame':
        callback = event;
        add(sums.layout, from(event), end(event));
        break;
      case 'paints':
        if (callback?.name !== 'FireAnimationFrame' || event.ts > callback.ts + callback.dur) break;
        repaints++;
        add(sums.painting, from(event), end(callback));
        add(sums.layout, from(event), end(callback), -1);
        break;
      case 'drawImage':
        if (callback?.name !== 'TimerFire') break;
        add(sums.steps, from(callback), end(callback));
        add(sums.idle, from(callback), end(callback), -1);
        reads = event;
        break;
      case 'getImageData':
        if (reads) reads = event;
        break;
      case 'has read':
        if (!reads) break;
        add(sums[reads.name], from(reads), from(event));
        add(sums.steps, from(reads), from(event), -1);
        break;
    }
  }
  const predicted = count(last) - count(first);
  for (const sum of Object.values(sums)) for (const kind of ['clock', 'own']) sum[kind] /= predicted;
  return { ...sums, predicted, repaints: repaints / predicted, seconds: (last.ts - first.ts) / MEGA };
}

async function work(camera, card) {
  await beside(chromium({ camera, args: IN_MEMORY }), async (browser, server) => {
    const shown = await page(browser, server, 'source=camera:0&model=cards', [mark, card]);
    const tell = () => shown.evaluate(() => performance.mark(`predicted ${JSON.parse(ernscope.status()).predictions}`) && undefined);
    await shown.tracing.start({ categories: ['devtools.timeline', 'blink.user_timing'] });
    await tell();
    await rest(WORK_MS);
    await tell();
    const { traceEvents } = JSON.parse(Buffer.from(await shown.tracing.stop()).toString());
    const { drawImage, getImageData, steps, idle, layout, painting, predicted, repaints, seconds } = workOf(traceEvents);
    const both = ({ own, clock }) => [own.toFixed(2), clock.toFixed(2)];
    const all = nothing();
    for (const part of [drawImage, getImageData, steps, idle, layout]) add(all, nothing(), part);
    head(`ms a frame, ${card ? 'as with a graphics card' : 'as drawn by the processor'}`, 'processor', 'clock');
    row('the camera\u2019s picture: drawImage', ...both(drawImage));
    row('its bytes: getImageData', ...both(getImageData));
    row('steps: copied, prepared, predicted, sampled', ...both(steps));
    row('  of which prediction, as the page tells it', '', (await status(shown)).infer_ms.toFixed(2));
    row('steps without a picture', ...both(idle));
    row(`layout, ${repaints.toFixed(2)} repaints a frame`, ...both(layout));
    row(`together (at most ${WORK_LIMIT_MS})`, ...both(all));
    row('not counted: what is left of repaints', ...both(painting));
    row(`${predicted} frames, ${(predicted / seconds).toFixed(1)} a second`);
    if (!(all.own <= WORK_LIMIT_MS)) missed.push(`${all.own.toFixed(2)} ms of work a frame`);
  });
}

// ---- Memory ----

// Least squares, in units a minute.
function slope(samples) {
  const mean = which => samples.reduce((sum, sample) => sum + sample[which], 0) / samples.length;
  const [x, y] = [mean(0), mean(1)];
  return samples.reduce((sum, [at, value]) => sum + (at - x) * (value - y), 0) / samples.reduce((sum, [at]) => sum + (at - x) ** 2, 0);
}

// Bytes of a process in memory: `Anon`, of its own; `Shmem`, shared.
const resident = (pid, which) => Number(new RegExp(`Rss${which}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;

// Not put together by the processor, which would have Chromium keep some hundred pictures it has drawn.
async function memory(camera) {
  await beside(chromium({ camera }), async (browser, server) => {
    const shown = await page(browser, server, 'source=camera:0&model=cards', [mark, true]);
    const { processInfo } = await (await browser.target().createCDPSession()).send('SystemInfo.getProcessInfo');
    // The page's own renderer has worked most.
    const [{ id: renderer }] = processInfo.filter(({ type }) => type === 'renderer').sort((a, b) => b.cpuTime - a.cpuTime);
    const client = await shown.createCDPSession();
    await client.send('Performance.enable');
    const sizes = { 'WebAssembly\u2019s memory': [], 'scripts\u2019 heap after a collection': [], 'the renderer\u2019s own, resident': [], 'and shared, resident': [] };
    const begun = Date.now(), before = (await status(shown)).predictions;
    for (let at = 0; at <= minutes * 60_000; at += SAMPLE_MS) {
      await rest(begun + at - Date.now());
      await client.send('HeapProfiler.collectGarbage');
      const { metrics } = await client.send('Performance.getMetrics');
      const wasm = await shown.evaluate(async () => (await ernscope.default()).memory.buffer.byteLength);
      const heap = metrics.find(({ name }) => name === 'JSHeapUsedSize').value;
      const minute = (Date.now() - begun) / 60_000;
      [wasm, heap, resident(renderer, 'Anon'), resident(renderer, 'Shmem')].forEach((bytes, which) => Object.values(sizes)[which].push([minute, bytes / MEGA]));
    }
    const predicted = (await status(shown)).predictions - before;
    head(`MB over ${minutes} minutes`, 'at first', 'after 1 min', 'at last', 'a minute');
    for (const [title, samples] of Object.entries(sizes)) {
      const later = samples.filter(([minute]) => minute >= 1), climbs = slope(later);
      row(title, ...[samples[0], later[0], later.at(-1)].map(([, size]) => size.toFixed(2)), climbs.toFixed(3));
      if (!(climbs <= SLOPE_LIMIT)) missed.push(`${title}: ${climbs.toFixed(2)} MB a minute`);
    }
    row(`at most ${SLOPE_LIMIT} a minute; ${predicted} frames`);
  });
}

head('median ms, one thread', 'bench', 'demo', 'page', '\u00f7 bench', '\u00f7 demo');
for (const model of ['cards', 'random:erns18']) await speed(model);
const camera = await video(frames(VIDEO.seed, VIDEO.frames), VIDEO.rate);
for (const card of [false, true]) await work(camera, card);
await memory(camera);
if (missed.length) {
  console.error(`\nmissed: ${missed.join('; ')}`);
  process.exitCode = 1;
}
