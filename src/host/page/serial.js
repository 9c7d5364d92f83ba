// Serial lines, where the browser has Web Serial: the ports that the person allowed, and what goes over them.

import { give } from './browser.js';
import { let_wait, wake } from './steps.js';

// Ports that may be used, in the order in which the browser lists them.
let ports = [];
// By the port: that it is closed, soon.
const closing = new WeakMap();
// More than that is not on its way at a time.
const MOST_UNSENT = 1 << 16;

async function list() {
  ports = await navigator.serial.getPorts();
  let_wait(ports.length > 0);
}

/** Learns which ports may be used, now and whenever that changes. */
export async function know_ports() {
  if (!navigator.serial) return;
  for (const change of ['connect', 'disconnect']) navigator.serial.addEventListener(change, () => list().catch(() => {}));
  await Promise.race([list().catch(() => {}), new Promise((done) => setTimeout(done, 1000))]);
}

/** Whether the browser has serial ports at all. */
export function has_serial() {
  return Boolean(navigator.serial);
}

/** What the ports are called: the numbers of their makers and products among USB devices, all that the browser tells. */
export function port_names() {
  const hex = (number) => number.toString(16).padStart(4, '0');
  return ports.map((port) => {
    const { usbVendorId, usbProductId } = port.getInfo();
    return usbVendorId === undefined ? 'a serial port' : `USB ${hex(usbVendorId)}:${hex(usbProductId)}`;
  });
}

/** Asks the person for a port, and gives it to the program. */
export async function choose_port() {
  try {
    const port = await navigator.serial.requestPort();
    await list();
    give({ port: ports.indexOf(port) });
  } catch (error) {
    // Nothing was chosen.
    if (error.name !== 'NotFoundError') give({ fault: `The browser gives the page no port (${error.name}): ${error.message}` });
  }
}

/** A port that is open, or will be. */
export class Line {
  /** Opens port number `index` at so many bits a second. */
  static open(index, rate) {
    const line = new Line();
    line.port = ports[index];
    line.came = [];
    line.unsent = 0;
    line.run(rate).catch((error) => line.fail(error));
    return line;
  }

  async run(rate) {
    if (!this.port) throw new DOMException('', 'NotFoundError');
    await closing.get(this.port);
    // Ample for what a board says while nobody can read.
    await this.port.open({ baudRate: rate, bufferSize: 1 << 16 });
    this.is_open = true;
    this.writer = this.port.writable.getWriter();
    wake();
    // An error of the line (a break, noise, too much at once) ends a stream, and the port has another one; without the device it has none.
    while (this.port.readable && !this.is_closed) {
      this.reader = this.port.readable.getReader();
      try {
        for (let part = await this.reader.read(); !part.done; part = await this.reader.read()) {
          this.came.push(part.value);
          wake();
        }
      } catch (error) {
        if (!this.port.readable) throw error;
      } finally {
        this.reader.releaseLock();
      }
    }
    throw new DOMException('the port has ended', 'NetworkError');
  }

  fail(error) {
    this.fault ??= [error.name, error.message];
    wake();
  }

  /** What went wrong: the error's name and words; undefined where nothing did. */
  trouble() {
    return this.fault;
  }

  /** Whether it is open by now. */
  ready() {
    return Boolean(this.is_open);
  }

  /** Bytes that came, at most so many; undefined where there are none. */
  read(most) {
    const [first] = this.came;
    if (first?.length > most) {
      this.came[0] = first.subarray(most);
      return first.subarray(0, most);
    }
    return this.came.shift();
  }

  /** Sends bytes; how many of them it takes. */
  write(bytes) {
    const part = bytes.slice(0, Math.max(MOST_UNSENT - this.unsent, 0));
    if (part.length === 0) return 0;
    this.unsent += part.length;
    this.writer.write(part).then(
      () => {
        this.unsent -= part.length;
        wake();
      },
      (error) => this.fail(error),
    );
    return part.length;
  }

  /** Gives the port back, as soon as the browser has let go of it. */
  close() {
    this.is_closed = true;
    if (!this.port) return;
    const ended = async () => {
      await this.reader?.cancel();
      await this.writer?.abort();
      this.writer?.releaseLock();
      await this.port.close();
    };
    // A device that is gone is closed already.
    closing.set(this.port, ended().catch(() => {}));
  }
}
