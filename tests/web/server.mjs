// A static server that can be told to be a bad one: cut, slow, gone. It notes what it was asked for and how many bytes it gave.
import http from 'node:http';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webmanifest': 'application/manifest+json',
};

const pause = ms => new Promise(done => setTimeout(done, ms));

export class Server {
  // name → what goes wrong: `status`, `cutAfter` bytes, `stallAfter` bytes, `bytes` instead of the file's. For all further answers.
  faults = new Map();
  // name → bytes that are no file.
  extra = new Map();
  log = [];
  headers = {};
  // Bytes a second and answer, where it is slow.
  rate = Infinity;

  constructor(root) {
    this.root = root;
  }

  static async start(root) {
    const server = new Server(root);
    await server.listen(0);
    return server;
  }

  async listen(port) {
    this.server = http.createServer((request, response) => this.answer(request, response).catch(() => response.destroy()));
    await new Promise(done => this.server.listen(port, '127.0.0.1', done));
    this.port = this.server.address().port;
    this.origin = `http://127.0.0.1:${this.port}`;
  }

  // Gone, with every connection.
  async stop() {
    this.server.closeAllConnections();
    await new Promise(done => this.server.close(done));
  }

  async again() {
    await this.listen(this.port);
  }

  // What was transferred in bodies, of all or of one name.
  transferred(name) {
    return this.log.filter(entry => name === undefined || entry.name === name).reduce((sum, entry) => sum + entry.bytes, 0);
  }

  async body(name, request) {
    if (this.extra.has(name)) return [this.extra.get(name)];
    const file = path.join(this.root, name);
    if (!file.startsWith(this.root) || !existsSync(file)) return [];
    const accepts = String(request.headers['accept-encoding'] ?? '').includes('br');
    return accepts && existsSync(`${file}.br`) ? [await readFile(`${file}.br`), 'br'] : [await readFile(file)];
  }

  async answer(request, response) {
    const name = decodeURIComponent(new URL(request.url, this.origin).pathname).slice(1) || 'index.html';
    const entry = { name, bytes: 0 };
    this.log.push(entry);
    const fault = this.faults.get(name) ?? {};
    let [body, encoding] = await this.body(name, request);
    if (fault.bytes) [body, encoding] = [fault.bytes, undefined];
    if (fault.status || !body) {
      response.writeHead(fault.status ?? 404).end();
      return;
    }
    response.writeHead(200, {
      'content-type': TYPES[path.extname(name)] ?? 'application/octet-stream',
      'content-length': body.length,
      'cache-control': 'no-cache',
      ...(encoding && { 'content-encoding': encoding, vary: 'accept-encoding' }),
      ...this.headers,
    });
    const end = Math.min(fault.cutAfter ?? Infinity, fault.stallAfter ?? Infinity, body.length);
    const piece = 64 << 10;
    for (let at = 0; at < end && !response.destroyed; at += piece) {
      const part = body.subarray(at, Math.min(at + piece, end));
      await new Promise(done => response.write(part, done));
      entry.bytes += part.length;
      if (this.rate < Infinity) await pause((part.length * 1000) / this.rate);
    }
    if (fault.cutAfter !== undefined) response.destroy();
    else if (fault.stallAfter === undefined) response.end();
  }
}
