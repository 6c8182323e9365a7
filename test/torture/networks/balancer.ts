import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";
import { HttpClient } from "../runner/http.js";

const CHECKED_EVERY_MS = 100;
const READY_WITHIN_MS = 15_000;

interface Backend {
  readonly url: string;
  ready: boolean;
  /** The number of requests that it answered with 200. */
  answered: number;
}

/**
 * Passes each request to the next server that is ready. It asks every server's /readyz, and skips a server that
 * refuses a connection. When a request that a server may have read fails, it is not repeated, and the client's
 * connection is broken.
 */
export class Balancer {
  readonly #server: Server;
  readonly #client = new HttpClient();
  readonly #closed = new AbortController();
  readonly #backends: Backend[] = [];
  #next = 0;

  private constructor() {
    this.#server = createServer((request, response) => void this.#pass(request, response));
  }

  static async open(): Promise<Balancer> {
    const balancer = new Balancer();
    balancer.#server.listen(0, "127.0.0.1");
    await once(balancer.#server, "listening");
    return balancer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resolves when the server is ready and gets requests. @throws {Error} when it does not become ready */
  async add({ url }: { readonly url: string }): Promise<void> {
    const backend: Backend = { url, ready: false, answered: 0 };
    this.#backends.push(backend);
    const until = performance.now() + READY_WITHIN_MS;
    void this.#watch(backend);
    while (!backend.ready) {
      if (performance.now() > until) throw new Error("a server behind the balancer does not become ready");
      await wait(CHECKED_EVERY_MS);
    }
  }

  /** The number of requests that this server answered with 200. */
  answeredBy({ url }: { readonly url: string }): number {
    return this.#backends.find((backend) => backend.url === url)?.answered ?? 0;
  }

  close(): void {
    this.#closed.abort();
    this.#server.close();
    this.#server.closeAllConnections();
    this.#client.close();
  }

  async #watch(backend: Backend): Promise<void> {
    while (!this.#closed.signal.aborted) {
      const answer = await this.#client.send(backend.url, { path: "/readyz" }).catch(() => undefined);
      backend.ready = answer?.status === 200;
      await wait(CHECKED_EVERY_MS);
    }
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "GET", url: path = "/" } = request;
    const headers = request.headers as Record<string, string>;
    const body = await buffer(request);
    for (const backend of this.#inTurn()) {
      try {
        const answer = await this.#client.send(backend.url, { method, path, headers, body });
        if (answer.status === 200) backend.answered += 1;
        response.writeHead(answer.status, answer.headers).end(answer.text);
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ECONNREFUSED") return void response.destroy();
        backend.ready = false;
      }
    }
    response.writeHead(503, { "retry-after": "1" }).end();
  }

  #inTurn(): Backend[] {
    const ready = this.#backends.filter((backend) => backend.ready);
    const at = this.#next++ % Math.max(1, ready.length);
    return [...ready.slice(at), ...ready.slice(0, at)];
  }
}
