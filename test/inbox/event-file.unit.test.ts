import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readEventFile } from "../../src/inbox/event-file.js";

const event = (id: string) =>
  JSON.stringify({
    merchant_id: "M",
    type: "payment.updated",
    event_id: id,
    data: { type: "payment", id: "P" },
  });

async function read(name: string, content?: string | Buffer): Promise<string[]> {
  const folder = await mkdtemp(path.join(tmpdir(), "regulars-events-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  if (content !== undefined) await writeFile(path.join(folder, name), content);
  const found: string[] = [];
  for await (const item of readEventFile(path.join(folder, name))) {
    found.push("event" in item ? item.event.event_id : item.problem.replace(`${folder}/`, ""));
  }
  return found;
}

test("a line that cannot be read is named, never quoted, and those around it are read", async () => {
  const content = `${event("1")}\n{"secret\n\n${event("2")}\n{"event_id":"secret"}\n`;
  const [first, broken, second, incomplete, ...rest] = await read("a.ndjson", content);
  expect([first, second, rest]).toEqual(["1", "2", []]);
  expect(broken).toMatch(/^a\.ndjson, line 2: ./);
  expect(incomplete).toMatch(/^a\.ndjson, line 5: ./);
  expect(`${broken}${incomplete}`).not.toContain("secret");
});

test("a line that is not UTF-8 is a problem of that line, and a line ends at a newline and nowhere else", async () => {
  const separated = event("1\u2028\u2029\u0085\r");
  const latin1 = Buffer.from(event("caf\u00e9"), "latin1");
  const content = Buffer.concat([Buffer.from(`${separated}\r\n`), latin1, Buffer.from(`\n${event("2")}`)]);
  const large = Buffer.concat([Buffer.from(`${event("x".repeat(200))}\n`.repeat(500)), content]);
  for (const [before, bytes] of [
    [0, content],
    [500, large],
  ] as const) {
    const [first, broken, second, ...rest] = (await read("a.ndjson", bytes)).slice(before);
    expect([first, second, rest]).toEqual(["1\u2028\u2029\u0085\r", "2", []]);
    expect(broken).toBe(`a.ndjson, line ${before + 2}: The body is not valid UTF-8.`);
  }
});

test("of a file that export wrote the stored events are read, and nothing else", async () => {
  const stored = (payload: string) => `{"type":"webhook_event","event_id":"kept as","payload":${payload}}`;
  const lines = [
    '{"type":"export"}',
    '{"type":"booking","booking_id":"B"}',
    stored(event("1")),
    stored("7"),
    "{",
  ];
  const [first, ...problems] = await read("a.ndjson", lines.join("\n"));
  expect(first).toBe("1");
  expect(problems).toEqual([expect.stringMatching(/line 4: event: /), expect.stringMatching(/line 5: /)]);
});

test("so is an event of an array", async () => {
  const [first, wrong, second] = await read("a.json", `[${event("1")}, 7, ${event("2")}]`);
  expect([first, second]).toEqual(["1", "2"]);
  expect(wrong).toMatch(/^a\.json, event 2: ./);
});

test("a file that is missing, a folder or no JSON is one problem", async () => {
  for (const name of ["missing.ndjson", "missing.json"]) {
    expect(await read(name)).toEqual([expect.stringMatching(/^missing\.\w+: ENOENT/)]);
  }
  expect(await read("a.json", "[")).toEqual([expect.stringMatching(/^a\.json: ./)]);
  for await (const item of readEventFile(tmpdir())) {
    expect(item).toEqual({ problem: expect.stringContaining("EISDIR") });
  }
});
