import { once } from "node:events";
import net from "node:net";
import { setTimeout as wait } from "node:timers/promises";

/** How bytes are passed on in both directions. */
export type Weather =
  | { readonly kind: "fair" }
  /** Every packet is late. */
  | { readonly kind: "slow"; readonly delayMs: number }
  /** A few bytes at a time. */
  | { readonly kind: "trickle"; readonly bytes: number; readonly everyMs: number }
  /** Nothing is passed on and no connection is closed. Held bytes are passed on afterwards. */
  | { readonly kind: "silent" }
  /** New connections are reset. */
  | { readonly kind: "closed" };

interface Link {
  readonly client: net.Socket;
  readonly upstream: net.Socket;
  /** The upstream's further bytes are dropped, and then the client is disconnected. */
  eating: boolean;
}

/** The message of the simple protocol that ends a transaction of the server. */
const COMMIT = Buffer.from("Q\0\0\0\x0bcommit\0", "latin1");
const COMMITTED = Buffer.from("COMMIT\0", "latin1");

/** A TCP proxy that fails as networks fail. */
export class TcpProxy {
  readonly #server: net.Server;
  readonly #links = new Set<Link>();
  #weather: Weather = { kind: "fair" };
  #changed: () => void = () => {};
  #change: Promise<void> = Promise.resolve();
  #appetite = 0;
  /** Answers to a commit that the client never saw. */
  eaten = 0;

  private constructor(target: { readonly host: string; readonly port: number }) {
    this.#server = net.createServer({ allowHalfOpen: true }, (client) => this.#connect(client, target));
    this.setWeather({ kind: "fair" });
  }

  static async open(target: { readonly host: string; readonly port: number }): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  /** Opens a proxy in front of the server of a database URL. */
  static inFrontOf(databaseUrl: string): Promise<TcpProxy> {
    const { hostname, port } = new URL(databaseUrl);
    return TcpProxy.open({ host: hostname, port: Number(port || 5432) });
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  get connections(): number {
    return this.#links.size;
  }

  /** The URL of the same database through this proxy. */
  urlOf(databaseUrl: string): string {
    const url = new URL(databaseUrl);
    url.host = `127.0.0.1:${this.port}`;
    return url.href;
  }

  setWeather(weather: Weather): void {
    this.#weather = weather;
    this.#changed();
    this.#change = new Promise((resolve) => {
      this.#changed = resolve;
    });
  }

  /** Cuts every connection. Both ends notice. */
  reset(): void {
    for (const link of this.#links) this.#cut(link);
  }

  /** Cuts every connection at the far end only. The near end waits for bytes that never come. */
  halfOpen(): void {
    for (const { upstream } of this.#links) upstream.resetAndDestroy();
  }

  /** Passes the next `count` commits on and drops Postgres' answers to them. */
  eatCommitAnswers(count: number): void {
    this.#appetite = count;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.setWeather({ kind: "closed" });
    this.reset();
    if (this.#server.listening) await once(this.#server, "close");
  }

  #connect(client: net.Socket, target: { readonly host: string; readonly port: number }): void {
    if (this.#weather.kind === "closed") {
      client.resetAndDestroy();
      return;
    }
    const upstream = net.connect({ ...target, allowHalfOpen: true, noDelay: true });
    client.setNoDelay(true);
    const link: Link = { client, upstream, eating: false };
    this.#links.add(link);
    for (const socket of [client, upstream]) socket.on("error", () => {});
    client.on("close", () => this.#cut(link));
    void this.#carry(client, upstream, (bytes) => this.#noticeCommit(link, bytes));
    void this.#carry(upstream, client, (bytes) => this.#eat(link, bytes));
  }

  #cut(link: Link): void {
    this.#links.delete(link);
    link.client.resetAndDestroy();
    link.upstream.resetAndDestroy();
  }

  /** @param passes is called with all bytes as they arrive. When it returns false, they are dropped */
  async #carry(from: net.Socket, to: net.Socket, passes: (bytes: Buffer) => boolean): Promise<void> {
    try {
      for await (const bytes of from as AsyncIterable<Buffer>) {
        if (passes(bytes)) await this.#send(bytes, to);
      }
      to.end();
    } catch {
      // One end or the proxy has cut the connection. A half-open connection stays half-open.
    }
  }

  async #send(bytes: Buffer, to: net.Socket): Promise<void> {
    while (this.#weather.kind === "silent") await this.#change;
    const weather = this.#weather;
    if (weather.kind === "trickle") return this.#trickle(bytes, to, weather);
    if (weather.kind === "slow") await wait(weather.delayMs, undefined, { ref: false });
    await write(to, bytes);
  }

  async #trickle(bytes: Buffer, to: net.Socket, weather: { bytes: number; everyMs: number }): Promise<void> {
    for (let at = 0; at < bytes.length; at += weather.bytes) {
      if (this.#weather !== weather) return write(to, bytes.subarray(at));
      await write(to, bytes.subarray(at, at + weather.bytes));
      await wait(weather.everyMs, undefined, { ref: false });
    }
  }

  #noticeCommit(link: Link, bytes: Buffer): true {
    if (this.#appetite > 0 && bytes.includes(COMMIT)) {
      this.#appetite -= 1;
      link.eating = true;
    }
    return true;
  }

  /** Drops bytes until the answer to the commit. Statements sent with the commit are answered before it. */
  #eat(link: Link, bytes: Buffer): boolean {
    if (!link.eating) return true;
    if (!bytes.includes(COMMITTED)) return false;
    this.eaten += 1;
    this.#cut(link);
    return false;
  }
}

function write(to: net.Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    to.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}
