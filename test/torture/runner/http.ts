import { Agent, type IncomingHttpHeaders, request } from "node:http";

export interface HttpRequest {
  readonly method?: string;
  /** Sent unchanged. It need not be a valid address. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | number | string[]>>;
  readonly body?: string | Buffer;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** A client of one server. It keeps connections open and never retries. */
export class HttpClient {
  readonly #agent = new Agent({ keepAlive: true });
  readonly #timeout: number;

  /** @param timeout milliseconds to wait for an answer */
  constructor(timeout = 30_000) {
    this.#timeout = timeout;
  }

  /** @throws {Error} when the answer is refused, reset, incomplete or late */
  send(baseUrl: string, { method = "GET", path, headers = {}, body }: HttpRequest): Promise<HttpAnswer> {
    const { hostname, port } = new URL(baseUrl);
    return new Promise((resolve, reject) => {
      const outgoing = request(
        { hostname, port, method, path, headers: { ...headers }, agent: this.#agent, timeout: this.#timeout },
        (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on("data", (chunk) => chunks.push(chunk));
          incoming.on("error", reject);
          incoming.on("end", () =>
            resolve({
              status: incoming.statusCode ?? 0,
              headers: incoming.headers,
              text: Buffer.concat(chunks).toString("utf8"),
            }),
          );
        },
      );
      outgoing.on("timeout", () => outgoing.destroy(new Error(`no answer within ${this.#timeout} ms`)));
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
