import type { Endpoint } from "./endpoint.js";

export interface Found {
  readonly endpoint: Endpoint;
  /** What stands for the path's parameter; empty when it has none. */
  readonly id: string;
}

/** Finds the endpoint of a request: fixed paths win over those with a parameter. */
export class Router {
  readonly #fixed = new Map<string, Endpoint>();
  readonly #withId = new Map<string, Endpoint>();

  constructor(endpoints: readonly Endpoint[]) {
    for (const endpoint of endpoints) {
      const [, prefix] = /^(.*\/)\{\w+\}$/.exec(endpoint.name) ?? [];
      if (prefix === undefined) this.#fixed.set(endpoint.name, endpoint);
      else this.#withId.set(prefix, endpoint);
    }
  }

  find(method: string, path: string): Found | undefined {
    const name = `${method} ${path}`;
    const fixed = this.#fixed.get(name);
    if (fixed) return { endpoint: fixed, id: "" };
    const end = name.lastIndexOf("/") + 1;
    const endpoint = this.#withId.get(name.slice(0, end));
    return endpoint && end < name.length ? { endpoint, id: decodeURIComponent(name.slice(end)) } : undefined;
  }
}
