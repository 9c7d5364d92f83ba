// The native program, and what it makes: pictures, a video of them for a camera, answers, and checksums of layers.
import { execFile, execFileSync } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import zlib from 'node:zlib';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const PROGRAM = process.env.ERNSCOPE ?? path.join(ROOT, 'target/release/ernscope');
const MADE = path.join(ROOT, 'target/web-tests');

const run = (...parameters) => promisify(execFile)(PROGRAM, parameters, { maxBuffer: 1 << 28 });

// ---- Pictures ----

// An 8-bit RGB PNG without interlacing, as the program writes it.
export function decodePng(bytes) {
  let width, height;
  const data = [];
  for (let at = 8; at < bytes.length;) {
    const length = bytes.readUInt32BE(at), kind = bytes.toString('latin1', at + 4, at + 8), body = bytes.subarray(at + 8, at + 8 + length);
    if (kind === 'IHDR') {
      [width, height] = [body.readUInt32BE(0), body.readUInt32BE(4)];
      if (body[8] !== 8 || body[9] !== 2 || body[12] !== 0) throw new Error('not 8-bit RGB');
    }
    if (kind === 'IDAT') data.push(body);
    at += 12 + length;
  }
  const raw = zlib.inflateSync(Buffer.concat(data)), row = width * 3, rgb = Buffer.alloc(row * height);
  // Plain numbers, no arrays: this runs for each of a hundred million bytes.
  for (let y = 0, to = 0; y < height; y++) {
    const filter = raw[y * (row + 1)];
    for (let x = 0, from = y * (row + 1) + 1; x < row; x++, to++, from++) {
      const left = x < 3 ? 0 : rgb[to - 3], up = y ? rgb[to - row] : 0, corner = y && x >= 3 ? rgb[to - row - 3] : 0;
      let guess = 0;
      if (filter === 1) guess = left;
      else if (filter === 2) guess = up;
      else if (filter === 3) guess = (left + up) >> 1;
      else if (filter === 4) {
        const a = Math.abs(up - corner), b = Math.abs(left - corner), c = Math.abs(left + up - 2 * corner);
        guess = a <= b && a <= c ? left : b <= c ? up : corner;
      }
      rgb[to] = raw[from] + guess;
    }
  }
  return { width, height, rgb };
}

// Files of frames of the demo, far from each other.
export function frames(seed, count) {
  const folder = path.join(MADE, `demo-${seed}-${count}`);
  if (!existsSync(path.join(folder, 'truth.csv'))) {
    mkdirSync(folder, { recursive: true });
    execFileSync(PROGRAM, ['render', '--seed', seed, '--frames', count, '--png', folder]);
  }
  return readdirSync(folder).filter(name => name.endsWith('.png')).sort().map(name => path.join(folder, name));
}

// ---- A video whose frames say their numbers ----

// A number as blocks, black and white, in a column left of the square that the network sees; at the right the same turned round.
const BITS = 10;
const BLOCK = { width: 48, height: 40 };
const PLACES = [16, 576];
const FIRST_ROW = 40;

const clamp = value => Math.max(0, Math.min(255, Math.round(value)));

// Y, U and V as television has them (BT.601, 16 to 235), U and V of four pixels together.
function planes({ width, height, rgb }, number) {
  const y = Buffer.alloc(width * height), u = Buffer.alloc((width * height) / 4), v = Buffer.alloc((width * height) / 4);
  for (let at = 0; at < y.length; at++) {
    y[at] = clamp(16 + 0.256788 * rgb[3 * at] + 0.504129 * rgb[3 * at + 1] + 0.097906 * rgb[3 * at + 2]);
  }
  for (let row = 0, to = 0; row < height / 2; row++) {
    for (let column = 0; column < width / 2; column++, to++) {
      const first = 3 * (2 * row * width + 2 * column), below = first + 3 * width;
      const r = rgb[first] + rgb[first + 3] + rgb[below] + rgb[below + 3];
      const g = rgb[first + 1] + rgb[first + 4] + rgb[below + 1] + rgb[below + 4];
      const b = rgb[first + 2] + rgb[first + 5] + rgb[below + 2] + rgb[below + 5];
      u[to] = clamp(128 + (-0.148223 * r - 0.290993 * g + 0.439216 * b) / 4);
      v[to] = clamp(128 + (0.439216 * r - 0.367788 * g - 0.071427 * b) / 4);
    }
  }
  PLACES.forEach((left, turned) => {
    for (let row = FIRST_ROW; row < FIRST_ROW + BITS * BLOCK.height; row++) {
      const bit = ((number >> Math.floor((row - FIRST_ROW) / BLOCK.height)) & 1) ^ turned;
      y.fill(bit ? 235 : 16, row * width + left, row * width + left + BLOCK.width);
      u.fill(128, ((row >> 1) * width + left) / 2, ((row >> 1) * width + left + BLOCK.width) / 2);
      v.fill(128, ((row >> 1) * width + left) / 2, ((row >> 1) * width + left + BLOCK.width) / 2);
    }
  });
  return [y, u, v];
}

// The number that a frame says, or undefined where it says none. It runs in the browser, so it is a text that names what it needs.
export const NUMBER_OF = `(frame => {
  const light = (left, bit) => {
    let sum = 0;
    for (let y = 8; y < ${BLOCK.height} - 8; y += 4) for (let x = 8; x < ${BLOCK.width} - 8; x += 4) {
      sum += frame.rgb[3 * ((${FIRST_ROW} + bit * ${BLOCK.height} + y) * frame.width + left + x) + 1];
    }
    return sum / ${Math.ceil((BLOCK.height - 16) / 4) * Math.ceil((BLOCK.width - 16) / 4)} > 128;
  };
  if (frame.width !== 640 || frame.height !== 480) return undefined;
  let number = 0;
  for (let bit = 0; bit < ${BITS}; bit++) {
    const [one, other] = ${JSON.stringify(PLACES)}.map(left => light(left, bit));
    if (one === other) return undefined;
    number |= one << bit;
  }
  return number;
})`;

// A y4m of the frames, at so many a second.
export async function video(files, rate) {
  const file = path.join(MADE, `${path.basename(path.dirname(files[0]))}-${rate}.y4m`);
  if (existsSync(file)) return file;
  const out = createWriteStream(`${file}.part`);
  out.write(`YUV4MPEG2 W640 H480 F${rate}:1 Ip A1:1 C420mpeg2\n`);
  for (const [number, png] of files.entries()) {
    const parts = [Buffer.from('FRAME\n'), ...planes(decodePng(readFileSync(png)), number)];
    if (!out.write(Buffer.concat(parts))) await once(out, 'drain');
  }
  out.end();
  await once(out, 'finish');
  renameSync(`${file}.part`, file);
  return file;
}

// ---- What it answers ----

// The likeliest class of every frame of a video.
export async function answersOf(file, frames) {
  const { stdout } = await run('run', '--headless', '--json', '--model', 'cards', '--source', file, '--frames', frames);
  const answers = new Map();
  for (const line of stdout.trim().split('\n').map(line => JSON.parse(line))) {
    if (line.top) answers.set(line.frame, line.top[0].label);
  }
  return answers;
}

// Milliseconds of the network alone, in one thread: nothing else between two runs, as `ernscope bench` has it, and with the demo's next
// frame drawn between them, as it is in the page.
export async function timed(model, engine) {
  const given = ['--json', '--threads', 1, '--model', model, '--engine', engine];
  const bench = JSON.parse((await run('bench', ...given)).stdout).models[0].median_ms;
  const lines = (await run('run', '--headless', '--source', 'demo:7', '--frames', 200, ...given)).stdout.trim().split('\n');
  return { bench, demo: JSON.parse(lines.at(-1)).summary.infer_ms.p50 };
}

// CRC-32 of every layer's codes for a picture, as the reference engine has them: [name, CRC] of those that have codes.
export async function layerCrcs(model, picture, engine = 'reference') {
  const folder = mkdtempSync(path.join(tmpdir(), 'ernscope-dump-'));
  try {
    const dump = path.join(folder, 'dump.safetensors');
    await run('inspect', '--model', model, '--engine', engine, '--dump', dump, picture);
    const bytes = readFileSync(dump), header = Number(bytes.readBigUInt64LE(0));
    const tensors = Object.entries(JSON.parse(bytes.toString('utf8', 8, 8 + header)));
    return tensors
      .filter(([name]) => name.startsWith('activation.'))
      .map(([name, { data_offsets: [from, to] }]) => [name.slice('activation.'.length), crc32(bytes.subarray(8 + header + from, 8 + header + to))]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = (byte >>> 1) ^ (0xedb88320 & -(byte & 1));
  return byte;
});

function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}
