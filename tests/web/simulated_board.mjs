// The simulated board behind a `navigator.serial` of our own: what the page sends goes over the board's terminal.
import { spawn } from 'node:child_process';
import { existsSync, openSync, write } from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { ReadStream } from 'node:tty';
import { ROOT } from './native.mjs';

const PROGRAM = path.join(ROOT, 'target/board-sim/ernscope-board-sim');

export class SimulatedBoard {
  static async start() {
    if (!existsSync(PROGRAM)) throw new Error('no simulated board: packaging/build-board-sim builds it');
    const board = new SimulatedBoard();
    board.process = spawn(PROGRAM, { stdio: ['pipe', 'pipe', 'inherit'] });
    const terminal = await new Promise(done => readline.createInterface(board.process.stdout).once('line', done));
    board.terminal = openSync(terminal, 'r+');
    board.says = new ReadStream(board.terminal);
    // The board's end.
    board.says.on('error', () => {});
    return board;
  }

  // Its reset button.
  reset() {
    this.process.stdin.write('reset\n');
  }

  stop() {
    this.says.destroy();
    this.process.kill('SIGKILL');
  }

  // Gives a page `navigator.serial` with this board as the one port there is; `allowed`, whether it may be used already.
  async plugInto(page, allowed) {
    await page.exposeFunction('to_board', text => new Promise(done => write(this.terminal, Buffer.from(text, 'base64'), done)));
    await page.evaluateOnNewDocument(serial, allowed);
    this.says.on('data', bytes => page.evaluate(text => board_says(text), bytes.toString('base64')).catch(() => {}));
  }
}

// In the page. As the standard says, where the program relies on it: streams that end with the device, errors by their names, and a
// port that must be closed before it is opened again.
function serial(allowed) {
  const listeners = { connect: [], disconnect: [] };
  let is_there = true, says, fails;
  globalThis.asked_for_port = 0;
  const port = {
    readable: null,
    writable: null,
    getInfo: () => ({ usbVendorId: 0x0403, usbProductId: 0x6015 }),
    async open({ baudRate }) {
      if (port.readable) throw new DOMException('The port is already open.', 'InvalidStateError');
      if (!is_there) throw new DOMException('Failed to open serial port.', 'NetworkError');
      globalThis.baud_rate = baudRate;
      port.readable = new ReadableStream({
        start(stream) {
          says = bytes => stream.enqueue(bytes);
          fails = error => stream.error(error);
        },
      });
      port.writable = new WritableStream({
        write: bytes => is_there && to_board(btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(''))),
      });
    },
    async close() {
      if (port.readable?.locked || port.writable?.locked) throw new TypeError('Cannot close a locked stream');
      port.readable = port.writable = says = null;
    },
  };
  globalThis.board_says = text => says?.(Uint8Array.from(atob(text), letter => letter.charCodeAt(0)));
  globalThis.unplug = () => {
    is_there = false;
    port.readable = null;
    fails?.(new DOMException('The device has been lost.', 'NetworkError'));
    for (const listener of listeners.disconnect) listener();
  };
  globalThis.plug_in = () => {
    is_there = true;
    for (const listener of listeners.connect) listener();
  };
  Object.defineProperty(navigator, 'serial', {
    value: {
      getPorts: async () => (is_there && allowed ? [port] : []),
      async requestPort() {
        globalThis.asked_for_port++;
        allowed = true;
        return port;
      },
      addEventListener: (kind, listener) => listeners[kind].push(listener),
    },
  });
}
