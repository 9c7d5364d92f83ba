// What the page asks of the browser. Whatever may be forbidden or missing says so instead of throwing.

/** Hands a file to the person, as a download. */
export function download(name, bytes) {
  const url = URL.createObjectURL(new Blob([bytes]));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** A text that was kept; undefined where there is none, or none may be kept. */
export function kept(key) {
  try {
    return localStorage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Keeps a text; why not, where that is refused. */
export function keep(key, text) {
  try {
    localStorage.setItem(key, text);
    return undefined;
  } catch (error) {
    return `this browser keeps nothing for the page (${error.name})`;
  }
}

// What the person gave: files, chosen in a dialog or dropped, and ports.
const given = [];
const MOST_BYTES = 64 << 20;

async function take(file) {
  if (file.type.startsWith('video/') && !/\.(y4m|mjpe?g)$/i.test(file.name)) {
    given.push({ name: file.name, url: URL.createObjectURL(file) });
  } else if (file.size > MOST_BYTES) {
    const size = (file.size / 1e6).toFixed(0);
    given.push({ name: file.name, fault: `${file.name} has ${size} MB, where the page takes files of at most ${MOST_BYTES >> 20} MiB` });
  } else {
    try {
      given.push({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) });
    } catch (error) {
      given.push({ name: file.name, fault: `${file.name} cannot be read (${error.name}): choose it again` });
    }
  }
}

/** Takes what is dropped on the page from now on. */
export function take_drops() {
  const over = (event) => event.preventDefault();
  const drop = (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
    const { target, dataTransfer: { files: [file] } } = event;
    // The canvas heard of what hovers over it, and never hears that it was dropped: for it, it is gone, which also repaints it.
    const gone = () => target.dispatchEvent(new DragEvent('dragleave'));
    if (file) take(file).then(gone);
    else gone();
  };
  // Before the canvas hears of it, which would read a file of any size.
  addEventListener('dragover', over, { capture: true });
  addEventListener('drop', drop, { capture: true });
}

/** Shows the browser's dialog for files. */
export function choose_file() {
  const input = document.createElement('input');
  input.type = 'file';
  input.onchange = () => input.files[0] && take(input.files[0]);
  input.click();
}

/** Gives what is no file: a port (`port`, its index), or why there is none (`fault`). */
export function give(other) {
  given.push(other);
}

/** What was given next, once: a file with its name, and bytes, or the address of a video, or what is wrong with it; or a port. */
export function next_given() {
  return given.shift();
}

// Cameras.
let devices = [];
const list = async () => {
  devices = (await navigator.mediaDevices.enumerateDevices()).filter((device) => device.kind === 'videoinput');
};

/** Learns which cameras there are, now and whenever that changes. */
export async function know_cameras() {
  if (!navigator.mediaDevices) return;
  navigator.mediaDevices.addEventListener('devicechange', () => list().catch(() => {}));
  await Promise.race([list().catch(() => {}), new Promise((done) => setTimeout(done, 1000))]);
}

/** What the cameras are called; the browser tells it only once one may be used. */
export function camera_names() {
  // Where a page may not ask for any, that is told when one is opened.
  if (!navigator.mediaDevices) return [''];
  return devices.map((device) => device.label);
}

/** A video, of a camera or a file, whose pictures are read when they are wanted. */
export class Film {
  constructor() {
    this.video = document.createElement('video');
    this.video.muted = true;
    this.video.playsInline = true;
    this.canvas = document.createElement('canvas');
    this.brush = this.canvas.getContext('2d', { willReadFrequently: true, alpha: false });
    this.came = 0;
    this.stopped = false;
  }

  /** Camera number `index`. */
  static camera(index) {
    const film = new Film();
    film.start_camera(index).catch((error) => film.fail(error));
    return film;
  }

  /** The file at this address, again and again. */
  static file(url) {
    const film = new Film();
    film.video.loop = true;
    film.video.onerror = () => film.fail({ name: 'NotSupportedError', message: film.video.error?.message ?? '' });
    film.video.src = url;
    film.play().catch((error) => film.fail(error));
    return film;
  }

  async start_camera(index) {
    if (!navigator.mediaDevices) throw new DOMException('', isSecureContext ? 'NotFoundError' : 'InsecureError');
    const id = devices[index]?.deviceId;
    const facing = id ? { deviceId: { exact: id } } : { facingMode: { ideal: 'environment' } };
    const size = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };
    const stream = await navigator.mediaDevices.getUserMedia({ audio: false, video: { ...size, ...facing } });
    this.tracks = stream.getVideoTracks();
    if (this.stopped) return this.stop();
    for (const track of this.tracks) track.onended = () => this.fail({ name: 'Ended', message: '' });
    list().catch(() => {});
    this.video.srcObject = stream;
    await this.play();
    await stay_awake();
  }

  async play() {
    await this.video.play();
    const count = () => {
      if (this.stopped) return;
      this.came += 1;
      this.video.requestVideoFrameCallback(count);
    };
    this.video.requestVideoFrameCallback(count);
  }

  fail(error) {
    this.fault ??= { name: error.name, message: error.message };
  }

  /** What went wrong: the error's name and words; undefined where nothing did. */
  trouble() {
    return this.fault && [this.fault.name, this.fault.message];
  }

  /** The newest picture, RGBA, if there is one that was not read yet; how many came before it unread. */
  picture() {
    if (this.came === 0) return undefined;
    const [width, height] = [this.video.videoWidth, this.video.videoHeight];
    if (!width || !height || width * height > 1 << 24) return undefined;
    const skipped = this.came - 1;
    this.came = 0;
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    this.brush.drawImage(this.video, 0, 0);
    return { width, height, skipped, rgba: this.brush.getImageData(0, 0, width, height).data };
  }

  stop() {
    this.stopped = true;
    for (const track of this.tracks ?? []) track.stop();
    this.video.srcObject = null;
    this.video.removeAttribute('src');
    if (this.tracks) sleep_again();
  }
}

// The screen stays awake while a camera runs, where the browser can do that.
let lock;
async function stay_awake() {
  lock ??= await navigator.wakeLock?.request('screen').catch(() => undefined);
}
function sleep_again() {
  lock?.release();
  lock = undefined;
}

/** Loads a file of the page's own; undefined where that fails. */
export async function load(path) {
  try {
    const response = await fetch(path);
    return response.ok ? new Uint8Array(await response.arrayBuffer()) : undefined;
  } catch {
    return undefined;
  }
}

/** The part of the address behind the #. */
export function options() {
  return location.hash.slice(1);
}

/** Says on the page that nothing goes on, and why. */
export function fail(why) {
  console.error(why);
  dispatchEvent(new CustomEvent('ernscope-failed', { detail: why }));
}

// For how long the page was not seen.
let hidden_at;
let rested = 0;
document.addEventListener('visibilitychange', () => {
  if (document.hidden) hidden_at = performance.now();
  else if (hidden_at !== undefined) rested = (performance.now() - hidden_at) / 1000;
});

/** For how many seconds the page was not seen and nothing ran, once. */
export function rest() {
  const seconds = rested;
  rested = 0;
  return seconds;
}
