// A board in the browser: the driver over Web Serial, as it runs over a serial line.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SMALL, chromium, open, predicts, status, until } from './browser.mjs';
import { beside, shot, tell } from './setting.mjs';
import { SimulatedBoard } from './simulated_board.mjs';

const boardSays = (page, words) => until(page, words => JSON.parse(ernscope.status()).board?.includes(words), words);

// So many more predictions.
async function more(page, count) {
  const { predictions } = await status(page);
  await until(page, least => JSON.parse(ernscope.status()).predictions >= least, predictions + count);
}

async function besideBoard(allowed, address, work) {
  const board = await SimulatedBoard.start();
  try {
    await beside(chromium(), async (browser, server) => {
      const before = page => board.plugInto(page, allowed);
      const { page, seen } = await open(browser, `${server.origin}/${address}`, { viewport: SMALL, before });
      await predicts(page);
      await work(page, board, seen);
    });
  } finally {
    board.stop();
  }
}

test('a board that was allowed runs the network, is lost, comes back, and is reset', { timeout: 300_000 }, async () => {
  await besideBoard(true, '#source=demo:7&model=cards&engine=fpga', async (page, board, seen) => {
    await boardSays(page, 'runs the network');
    assert.equal(await page.evaluate(() => baud_rate), 3_000_000);
    await more(page, 5);
    const { engine } = await status(page);
    assert.match(engine, /^fpga/);
    // The very frames that the board saw, on the CPU.
    const equal = await page.evaluate(async () => {
      const answers = [];
      for (let last = -1; answers.length < 8;) {
        const frame = ernscope.last_frame();
        if (frame.index !== last) answers.push([frame.class, JSON.parse(ernscope.answer('cards', frame.width, frame.height, frame.rgb)).class]);
        last = frame.index;
        await new Promise(done => setTimeout(done, 20));
      }
      return answers.filter(([board, cpu]) => board === cpu).length;
    });
    tell(`board: ${engine}; ${equal} of 8 answers as on the CPU`);
    assert.equal(equal, 8);
    await shot(page, 'board');
    await page.evaluate(() => unplug());
    await boardSays(page, 'Board lost');
    await more(page, 5);
    await shot(page, 'board-lost');
    tell(`unplugged: ${(await status(page)).board}`);
    await page.evaluate(() => plug_in());
    await boardSays(page, 'runs the network');
    await more(page, 5);
    board.reset();
    await more(page, 10);
    await boardSays(page, 'runs the network');
    assert.deepEqual(seen.complaints, []);
  });
});
