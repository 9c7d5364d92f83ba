// What every test needs: the page that was built, its server, and an end to what a test began.
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './native.mjs';
import { Server } from './server.mjs';

export const PAGE = path.join(ROOT, 'target/web');
export const SHOTS = path.join(ROOT, 'target/web-shots');

if (!existsSync(path.join(PAGE, 'index.html'))) throw new Error('no page in target/web: packaging/web makes it');
mkdirSync(SHOTS, { recursive: true });

// Runs `work` with a server of the page and a browser, both ended afterwards.
export async function beside(browser, work, root = PAGE) {
  const server = await Server.start(root);
  try {
    const opened = await browser;
    try {
      return await work(opened, server);
    } finally {
      await opened.close();
    }
  } finally {
    await server.stop().catch(() => {});
  }
}

// A figure, or what the page says, among what the runner prints.
export const tell = line => console.log(`  ${line}`);

export const shot = (page, name) => page.screenshot({ path: path.join(SHOTS, `${name}.png`) });
