import { readFileSync } from "node:fs";
import net from "node:net";

/**
 * The load, in a separate process. It sends signed events over `connections` kept-alive sockets. A socket sends its
 * next event when the last one is answered. Plain sockets need little of the processor that the server shares.
 *
 * Arguments: file of signed events (ndjson), port, connections, seconds, and the most events a second. It prints one
 * JSON object.
 */
const [file, port, connections, seconds, rate] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string?,
];
const perMs = Number(rate ?? Number.POSITIVE_INFINITY) / 1000;

const requests = readFileSync(file, "utf8")
  .split("\n")
  .filter((line) => line !== "")
  .map((line) => {
    const { body, signature } = JSON.parse(line) as { body: string; signature: string };
    return Buffer.from(
      `POST /webhooks/square HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n` +
        `x-square-hmacsha256-signature: ${signature}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  });

const latencies: number[] = [];
const statuses: Record<string, number> = {};
let next = 0;
const started = performance.now();
const until = started + Number(seconds) * 1000;

const cpuBefore = process.cpuUsage();
await Promise.all(Array.from({ length: Number(connections) }, () => drive()));
const cpu = process.cpuUsage(cpuBefore);
const elapsed = (performance.now() - started) / 1000;
latencies.sort((a, b) => a - b);
const quantile = (q: number) =>
  latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * q))] ?? 0;
process.stdout.write(
  `${JSON.stringify({
    events: latencies.length,
    seconds: elapsed,
    perSecond: latencies.length / elapsed,
    p50: quantile(0.5),
    p99: quantile(0.99),
    loadCpu: (cpu.user + cpu.system) / 1000 / latencies.length,
    statuses,
    exhausted: next >= requests.length,
  })}\n`,
);

/** One connection sends a request, reads the whole answer, and sends the next. */
async function drive(): Promise<void> {
  const socket = net.connect(Number(port), "127.0.0.1");
  socket.setNoDelay(true);
  let answer = "";
  let answered: () => void = () => {};
  socket.on("data", (chunk) => {
    answer += chunk.toString("latin1");
    const head = answer.indexOf("\r\n\r\n");
    if (head < 0) return;
    const length = Number(/content-length: (\d+)/i.exec(answer)?.[1] ?? 0);
    if (answer.length >= head + 4 + length) answered();
  });
  while (performance.now() < until && next < requests.length) {
    const request = requests[next++] as Buffer;
    const early = started + next / perMs - performance.now();
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    const sent = performance.now();
    await new Promise<void>((resolve, reject) => {
      answered = resolve;
      socket.once("error", reject);
      socket.write(request, () => socket.removeListener("error", reject));
    });
    latencies.push(performance.now() - sent);
    const outcome = /"status":"(\w+)"/.exec(answer)?.[1] ?? answer.slice(9, 12);
    statuses[outcome] = (statuses[outcome] ?? 0) + 1;
    answer = "";
  }
  socket.end();
}
