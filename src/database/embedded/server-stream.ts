import { Duplex } from "node:stream";
import { MessageChannel, type MessagePort } from "node:worker_threads";

/**
 * A connection from the server to its embedded database. node-postgres uses it like a socket. It leads straight to
 * the worker thread, so no other process can use it.
 */
export class ServerStream extends Duplex {
  #port: MessagePort | undefined;

  /** @param handOver gives the other end of the connection to the worker */
  constructor(private readonly handOver: (port: MessagePort) => void) {
    super();
  }

  connect(): this {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.on("message", ({ buffer, byteOffset, byteLength }: Uint8Array) => {
      this.push(Buffer.from(buffer, byteOffset, byteLength));
    });
    port1.on("close", () => this.destroy());
    this.handOver(port2);
    process.nextTick(() => this.emit("connect"));
    return this;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    // A chunk may be part of a larger buffer. The copy keeps the rest of that buffer from being sent.
    const bytes = new Uint8Array(chunk);
    this.#port?.postMessage(bytes, [bytes.buffer]);
    done();
  }

  override _read(): void {}

  override _final(done: () => void): void {
    done();
    this.destroy();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#port?.close();
    done(error);
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    this.#port?.ref();
    return this;
  }

  unref(): this {
    this.#port?.unref();
    return this;
  }
}
