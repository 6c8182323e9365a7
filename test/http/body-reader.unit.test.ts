import { PassThrough } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { BodyReader, MAX_BODY_BYTES } from "../../src/http/body-reader.js";

const SMALL = Buffer.alloc(64 * 1024, "s");
const LARGE = Buffer.alloc(64 * 1024 + 1, "l");

function begin(reader: BodyReader, bytes: Buffer) {
  const payload = new PassThrough();
  const body = reader.read(payload);
  body.catch(() => {});
  payload.write(bytes);
  return { payload, body };
}

test("of bodies over 64 KiB sixteen are held at once, arriving or waiting, and smaller ones always pass", async () => {
  const reader = new BodyReader();
  const arriving = Array.from({ length: 10 }, () => begin(reader, LARGE));
  const waiting = await Promise.all(
    Array.from({ length: 6 }, () => {
      const { payload, body } = begin(reader, LARGE);
      payload.end();
      return body;
    }),
  );
  const refused = { status: 503, code: "queue_full", retryAfterSeconds: expect.any(Number) };
  await expect(begin(reader, LARGE).body).rejects.toMatchObject(refused);
  for (let count = 0; count < 100; count++) {
    const { payload, body } = begin(reader, SMALL);
    payload.end();
    expect((await body).bytes.equals(SMALL)).toBe(true);
  }
  waiting[0]?.release();
  waiting[0]?.release();
  const [next, another] = [begin(reader, LARGE), begin(reader, LARGE)];
  await expect(another.body).rejects.toMatchObject(refused);
  next.payload.end();
  expect((await next.body).bytes.equals(LARGE)).toBe(true);

  arriving[0]?.payload.destroy(new Error("reset"));
  await expect(arriving[0]?.body).rejects.toMatchObject({ status: 400, code: "request_aborted" });
  const { payload, body } = begin(reader, LARGE);
  payload.end();
  await expect(body, "who is gone makes room").resolves.toBeDefined();
});

test("a body over 1 MiB that did not say so is refused at the byte that is too many, and makes room", async () => {
  const reader = new BodyReader();
  for (let count = 0; count < 20; count++) {
    const { payload, body } = begin(reader, Buffer.alloc(MAX_BODY_BYTES));
    payload.write("x");
    await expect(body).rejects.toMatchObject({ status: 413, code: "body_too_large" });
  }
});

test("a body that arrives byte by byte takes no more memory than its bytes", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const inUse = () => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    return (heapUsed + external) / 2 ** 20;
  };
  const reader = new BodyReader();
  const payloads = Array.from({ length: 20 }, () => new PassThrough());
  for (const payload of payloads) reader.read(payload).catch(() => {});
  const before = inUse();
  for (const payload of payloads) {
    for (let byte = 0; byte < 60_000; byte++) payload.emit("data", Buffer.from("x"));
  }
  expect(inUse() - before).toBeLessThan(15);
  for (const payload of payloads) payload.destroy(new Error("over"));
});
