import { once } from "node:events";
import net from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import type { Random } from "../../../src/simulator/random.js";
import { bodyOf, paymentEvent } from "../../support/events.js";
import { HealthWatch } from "../networks/health-watch.js";
import type { Attack, AttackContext } from "../runner/attack.js";
import { addSalon } from "../runner/salon.js";
import { signatureOf } from "../runner/server-process.js";

const PER_ROUND = 60;
/** The attack closes a silent connection after this time. */
const SILENCE_MS = 400;

const head = (lines: string) =>
  `POST /webhooks/square HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${lines}\r\n`;

/** Bytes that are not valid HTTP, and unusual HTTP. None of them is a signed delivery. */
const nonsense: Readonly<Record<string, (random: Random) => string | Buffer>> = {
  "two lengths": () => `${head("content-length: 2\r\ncontent-length: 40\r\n")}{}`,
  "length and chunks": () =>
    `${head("content-length: 4\r\ntransfer-encoding: chunked\r\n")}0\r\n\r\nGET /admin/jobs/status HTTP/1.1\r\nhost: x\r\n\r\n`,
  "a negative length": () => `${head("content-length: -1\r\n")}{}`,
  "a length beyond numbers": () => `${head("content-length: 99999999999999999999\r\n")}{}`,
  "a length in words": () => `${head("content-length: ten\r\n")}{}`,
  "chunk sizes that are not numbers": () => `${head("transfer-encoding: chunked\r\n")}zz\r\n{}\r\n0\r\n\r\n`,
  "a chunk that is too large": () => `${head("transfer-encoding: chunked\r\n")}FFFFFFFFFFFFFFFF\r\n{}\r\n`,
  "negative chunks": () => `${head("transfer-encoding: chunked\r\n")}-1\r\n{}\r\n0\r\n\r\n`,
  "chunks in chunks": () => `${head("transfer-encoding: chunked, chunked\r\n")}1\r\nx\r\n0\r\n\r\n`,
  "an endless chunk extension": () =>
    `${head("transfer-encoding: chunked\r\n")}1;${"a=b;".repeat(30_000)}\r\nx\r\n0\r\n\r\n`,
  "endless trailers": () => `${head("transfer-encoding: chunked\r\n")}0\r\n${"a: b\r\n".repeat(20_000)}\r\n`,
  "a million tiny chunks": () =>
    `${head("transfer-encoding: chunked\r\n")}${"1\r\nx\r\n".repeat(200_000)}0\r\n\r\n`,
  "bare line feeds": () => "GET /healthz HTTP/1.1\nhost: x\n\n",
  "folded headers": () => `${head("x-a: b\r\n c: d\r\ncontent-length: 2\r\n")}{}`,
  "a space before the colon": () => `${head("content-length : 2\r\n")}{}`,
  "NUL in a header": () => `${head("x-a: b\0c\r\ncontent-length: 2\r\n")}{}`,
  "ten thousand headers": () => head("a: b\r\n".repeat(10_000)),
  "a header without end": () => `GET / HTTP/1.1\r\nhost: x\r\nx-long: ${"x".repeat(200_000)}`,
  "an address without end": () => `GET /${"x".repeat(200_000)} HTTP/1.1\r\nhost: x\r\n\r\n`,
  "no host": () => "GET /healthz HTTP/1.1\r\n\r\n",
  "HTTP/0.9": () => "GET /healthz\r\n",
  "HTTP/1.0": () => "GET /healthz HTTP/1.0\r\n\r\n",
  "HTTP/3.7": () => "GET /healthz HTTP/3.7\r\nhost: x\r\n\r\n",
  "HTTP/2": () => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u0004\0\0\0\0\0",
  "an upgrade": () =>
    "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-key: eA==\r\n\r\n",
  "a proxy's request": () => "CONNECT example.com:443 HTTP/1.1\r\nhost: example.com:443\r\n\r\n",
  "a whole address": () => "GET http://evil.example/healthz HTTP/1.1\r\nhost: evil.example\r\n\r\n",
  "a star": () => "OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n",
  "expects 100-continue": () => head("content-length: 2\r\nexpect: 100-continue\r\n"),
  "expects the impossible": () => `${head("content-length: 2\r\nexpect: the impossible\r\n")}{}`,
  TLS: () => Buffer.from("16030100a5010000a10303".padEnd(300, "7f"), "hex"),
  "Postgres' protocol": () => Buffer.from("0000000804d2162f", "hex"),
  "a thousand requests at once": () => "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n".repeat(1_000),
  "random bytes": (random) =>
    Buffer.from(Array.from({ length: random.int(1, 3_000) }, () => random.int(0, 255))),
  "a delivery with some bytes changed": (random) => {
    const body = bodyOf(paymentEvent());
    const honest = `${head(`content-length: ${Buffer.byteLength(body)}\r\nx-square-hmacsha256-signature: ${signatureOf(`${body} `)}\r\n`)}${body}`;
    const bytes = Buffer.from(honest, "latin1");
    for (let time = 0; time < random.int(1, 8); time++)
      bytes[random.int(0, bytes.length - 1)] = random.int(0, 255);
    return bytes;
  },
};

/** Sends bytes that no client sends. The server must go on and store nothing. */
export function rawBytes(): Attack {
  return {
    name: "raw-bytes",
    describe:
      "Broken chunks, smuggled requests, endless headers, other protocols and random bytes on raw connections: the answer is 4xx or the connection ends, nothing is stored, and the server goes on.",
    run,
  };
}

async function run(context: AttackContext): Promise<void> {
  const { tally, random } = context;
  const attacked = await context.openDatabase();
  await addSalon(attacked, context.seed, 1);
  const server = await context.startServer(attacked);
  const heapBefore = (await server.memory()).heapUsed;
  const health = new HealthWatch(() => server.url, tally);
  context.defer(() => health.stop());
  for (const _ of context.rounds()) {
    const tricks = Array.from({ length: PER_ROUND }, () => random.pick(Object.keys(nonsense)));
    await Promise.all(
      tricks.map(async (trick) => {
        tally.fault();
        const bytes = nonsense[trick]?.(random) ?? "";
        const received = await exchange(server.port, bytes, random);
        const statuses = [...received.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => Number(status));
        const strange = statuses.filter((status) => status > 499 || (status > 299 && status < 400));
        tally.expect(strange.length === 0, `${trick}: answered ${strange[0]}`);
        tally.expect(!/"received":true/.test(received), `${trick}: taken as a delivery`);
      }),
    );
    tally.expect(server.running, `The server ended: ${server.output.slice(-5).join("\n")}`);
  }
  await health.stop();
  const { rows } = await attacked.database.pool.query("select count(*)::int as stored from webhook_events");
  tally.compared(0, rows[0].stored);
  const { rss, heapUsed } = await server.memory();
  const grown = (heapUsed - heapBefore) / 2 ** 20;
  tally.figure("RSS MiB", rss / 2 ** 20);
  tally.figure("heap grown by MiB", grown);
  tally.expect(grown < 40, `${grown} MiB remain in use after the requests`);
  tally.expect(!server.output.join("").includes("request failed"), "the log has a failure");
}

/** Sends bytes in one or several pieces. Resolves with the answer when the server has closed or is silent. */
async function exchange(port: number, bytes: string | Buffer, random: Random): Promise<string> {
  const socket = net.connect(port, "127.0.0.1");
  let received = "";
  socket
    .on("error", () => {})
    .on("data", (chunk) => {
      received += chunk.toString("latin1");
    });
  const closed = once(socket, "close").catch(() => {});
  socket.setTimeout(SILENCE_MS, () => socket.destroy());
  const whole = Buffer.from(bytes as string, "latin1");
  const cut = random.int(0, whole.length);
  socket.write(whole.subarray(0, cut));
  await wait(random.int(0, 20));
  socket.write(whole.subarray(cut));
  await closed;
  return received;
}
