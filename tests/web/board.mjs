// A board in the browser: the driver over Web Serial, as it runs over a serial line.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SMALL, chromium, open, predicts, status, uncovered, until } from './browser.mjs';
import { beside, shot, tell } from './setting.mjs';
import { SimulatedBoard } from './simulated_board.mjs';

const boardSays = (page, words) => until(page, words => JSON.parse(ernscope.status()).board?.includes(words), words);

// So many more predictions.
async function more(page, count) {
  const { predictions } = await status(page);
  await until(page, least => JSON.parse(ernscope.status()).predictions >= least, predictions + count);
}

async function besideBoard(allowed, address, work, viewport = SMALL) {
  const board = await SimulatedBoard.start();
  try {
    await beside(chromium(), async (browser, server) => {
      const before = page => board.plugInto(page, allowed);
      const { page, seen } = await open(browser, `${server.origin}/${address}`, { viewport, before });
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

test('a board that was not allowed yet is asked for by a button', { timeout: 300_000 }, async () => {
  const viewport = { width: 960, height: 620 };
  await besideBoard(false, '#source=demo:7&model=cards', async (page, board, seen) => {
    await uncovered(page);
    // Where the list of engines is, and its last line.
    await page.mouse.click(318, 16);
    await new Promise(done => setTimeout(done, 2000));
    await shot(page, 'board-menu');
    assert.equal(await page.evaluate(() => asked_for_port), 0);
    await page.mouse.click(308, 156);
    await until(page, () => asked_for_port === 1);
    await boardSays(page, 'fpga:serial0');
    assert.deepEqual(seen.complaints, []);
  }, viewport);
});
