import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { openLog } from "../src/log.js";

/** An output whose reader stands still until the test lets it go on. */
function openStalled() {
  const lines: string[] = [];
  const reader = { goOn: () => {} };
  let stalled = true;
  const out = new Writable({
    decodeStrings: false,
    write(text: string, _encoding, done) {
      const read = () => {
        stalled = false;
        lines.push(...text.split("\n").filter((line) => line !== ""));
        done();
      };
      if (stalled) reader.goOn = read;
      else read();
    },
  });
  return { out, lines, reader };
}

test("a reader that stops costs lines and no more than a megabyte, and is told how many once it reads again", async () => {
  const { out, lines, reader } = openStalled();
  const log = openLog("info", out);
  const count = 50_000;
  for (let n = 0; n < count; n++) log.info({ n }, "a line of the log that nobody reads just now");
  expect(out.writableLength).toBeLessThan(1.1 * 2 ** 20);
  reader.goOn();
  await expect.poll(() => out.writableLength).toBe(0);
  log.info("after");
  const told = lines.map((line) => JSON.parse(line));
  const lost = told.filter(({ msg }) => msg === "log lines were lost");
  expect(lost).toEqual([expect.objectContaining({ level: 50, lost: count - (told.length - 2) })]);
  expect(told.at(-1)).toMatchObject({ msg: "after" });
});
