// Takes the program's steps, and lets one of them wait for a promise where the browser can suspend a module (JavaScript Promise
// Integration): the driver of a board waits for its line in the middle of a frame.

const can_suspend = Boolean(WebAssembly.Suspending && WebAssembly.promising);

// 'none': no step could wait now. 'runs': one may. 'waits': one does, and what else is called may not.
let fiber = 'none';
let go_on;

/** Whether a step can wait in this browser at all. */
export function can_wait() {
  return can_suspend;
}

/** Whether what runs now may wait. */
export function may_wait() {
  return fiber === 'runs';
}

/**
 * Waits until `wake` is called, at most so many milliseconds. Only where `may_wait`. The module imports it as it is, because it takes
 * and gives nothing but numbers; else wasm-bindgen would put a function around it, which nothing can be suspended across.
 */
export const wait = can_suspend
  ? new WebAssembly.Suspending((milliseconds) => new Promise((done) => {
    fiber = 'waits';
    go_on = () => {
      clearTimeout(late);
      go_on = undefined;
      fiber = 'runs';
      done();
    };
    const late = setTimeout(go_on, milliseconds);
  }))
  : () => {};

/** Lets go on what waits. */
export function wake() {
  go_on?.();
}

// Whether there is anything to wait for: a step that may wait costs a stack of its own.
let has_lines = false;

/** Lets steps wait from now on, or no longer. */
export function let_wait(yes) {
  has_lines = yes;
}

/**
 * Takes a step of everything (`tick` of the module's `exports`) so often, in milliseconds, while the page is seen. One that waits is
 * passed over until it goes on.
 */
export function every(milliseconds, exports) {
  const tick = can_suspend ? WebAssembly.promising(exports.tick) : undefined;
  setInterval(() => {
    if (document.hidden) return;
    if (!can_suspend || fiber !== 'none' || !has_lines) {
      exports.tick();
      return;
    }
    fiber = 'runs';
    // Where it stops, that is told as of any other call.
    tick().finally(() => {
      fiber = 'none';
    });
  }, milliseconds);
}
