// Runs a WebAssembly program for WASI under Node, with this process's arguments and environment and the working directory, by
// relative and absolute paths:
// node packaging/web-tools/wasi.mjs PROGRAM.wasm [ARGUMENT…]
//
// The program runs in a process of its own, which tells how it ended and waits to be killed: Node 20 sometimes crashes while it
// ends itself.
import { fork } from "node:child_process";
import { readFile } from "node:fs/promises";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { WASI } from "node:wasi";

const [program, ...rest] = process.argv.slice(2);
if (process.send) {
  // Listening keeps the process.
  process.on("message", () => {});
  const here = process.cwd();
  const wasi = new WASI({ version: "preview1", args: [program, ...rest], env: process.env, preopens: { ".": here, [here]: here } });
  const module = await WebAssembly.compile(await readFile(program));
  process.send(wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject())));
} else {
  const child = fork(fileURLToPath(import.meta.url), [program, ...rest]);
  let code;
  child.on("message", (told) => {
    code = told;
    child.kill("SIGKILL");
  });
  // Not "exit", which may come ahead of a message that was sent before.
  child.on("close", (own, signal) => {
    if (code === undefined) console.error(`${program} did not end by itself: ${signal ?? `exit status ${own}`}`);
    process.exit(code ?? (own || 1));
  });
}
