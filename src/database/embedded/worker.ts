import { chmodSync } from "node:fs";
import net from "node:net";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { Client, type Patience, type Wire } from "./client.js";
import { Cluster } from "./cluster.js";
import { clusterFolder } from "./cluster-folder.js";
import { fatalError } from "./protocol.js";
import { Session } from "./session.js";
import { Turns } from "./turns.js";

/** What engine.ts starts this worker with. */
export interface WorkerOptions {
  readonly dataDir: string;
  readonly socketPath: string;
  readonly guests: Patience;
  /** Since when the engine works for a guest, as Date.now(). 0 while it does not. */
  readonly guestRunsSince: BigInt64Array<SharedArrayBuffer>;
}

/** A message to the worker: the worker's end of a server connection, or the order to close. */
export type WorkerOrder = MessagePort | "close";

const MAX_GUESTS = 100;

/** How many bytes of answers a guest may leave unread. */
const UNREAD_LIMIT = 512 * 1024 * 1024;

/** The server's transactions are never silent for this long. They have no other limit. */
const SERVER: Patience = { idleMs: 60_000, transactionMs: Number.POSITIVE_INFINITY };

const { dataDir, socketPath, guests, guestRunsSince }: WorkerOptions = workerData;

const folder = await clusterFolder(dataDir, async (unfinished) => {
  const cluster = await Cluster.open(unfinished);
  await cluster.close();
});
const cluster = await Cluster.open(folder).catch((cause: Error) => {
  const [reason] = cause.message.split(/[.\n]/);
  const advice = "restore a backup, or move the folder away to start with an empty database";
  throw new Error(`${folder} cannot be read (${reason}), its files are damaged: ${advice}`);
});
const session = new Session(cluster);
const greeting = await session.greeting();
await session.reset();
const turns = new Turns(session, (running) => {
  Atomics.store(guestRunsSince, 0, running ? BigInt(Date.now()) : 0n);
});

function connect(kind: Client["kind"], wire: Wire, patience: Patience) {
  const client = new Client(kind, wire, patience, greeting);
  return {
    receive: (chunk: Uint8Array) => {
      client.receive(chunk);
      turns.notice(client);
    },
    leave: () => {
      client.gone = true;
      turns.notice(client);
    },
  };
}

let guestsHere = 0;

function acceptGuest(socket: net.Socket): void {
  socket.on("error", () => {});
  if (guestsHere === MAX_GUESTS)
    return void socket.end(fatalError("sorry, too many clients already", "53300"));
  guestsHere += 1;
  const { receive, leave } = connect(
    "guest",
    {
      send: (bytes) => {
        socket.write(bytes);
        if (socket.writableLength > UNREAD_LIMIT) socket.destroy();
      },
      end: () => socket.end(),
    },
    guests,
  );
  socket.on("data", receive);
  socket.on("close", () => {
    guestsHere -= 1;
    leave();
  });
}

function acceptServer(port: MessagePort): void {
  const { receive, leave } = connect(
    "server",
    { send: (bytes) => port.postMessage(bytes), end: () => port.close() },
    SERVER,
  );
  port.on("message", receive);
  port.on("close", leave);
}

const door = net.createServer(acceptGuest);
door.listen(socketPath, () => {
  chmodSync(socketPath, 0o700);
  parentPort?.postMessage("listening");
});

parentPort?.on("message", async (order: WorkerOrder) => {
  if (order !== "close") return acceptServer(order);
  turns.stop();
  door.close();
  await cluster.close();
  process.exit();
});
