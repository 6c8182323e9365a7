/** What a request meets instead of its answer, or in it. */
export type Fault =
  /** Another status, with Square's errors for body. */
  | { readonly kind: "status"; readonly status: number }
  /** 429; the seconds to wait are told as a number or as the date when they are over. */
  | { readonly kind: "rate-limited"; readonly seconds: number; readonly as?: "seconds" | "date" }
  /** The connection stays open and nothing comes. */
  | { readonly kind: "no-answer" }
  | { readonly kind: "reset" }
  /** Half of the body, then a reset. */
  | { readonly kind: "reset-in-body" }
  /** 200 and a page of HTML, as proxies answer during maintenance. */
  | { readonly kind: "html" }
  /** 200 and `{"errors": []}`. */
  | { readonly kind: "empty-errors" }
  /** 200 and `{"errors": [{…}]}`. */
  | { readonly kind: "errors-with-200" }
  /** 200 and the first half of the body, its length told as such. */
  | { readonly kind: "truncated" }
  | { readonly kind: "empty-body" }
  /** 200 and a text where the object or list belongs. */
  | { readonly kind: "wrong-shape" }
  /** 200 and a body that begins well and never ends, a byte at a time. */
  | { readonly kind: "endless-body" }
  /** The next page begins with rows of this one. */
  | { readonly kind: "repeated-rows" }
  /** The cursor leads to the same page again: the same cursor each time, or another each time. */
  | { readonly kind: "same-cursor" | "ever-new-cursors" };

export type FaultKind = Fault["kind"];

/** Which requests a fault is for. */
export interface FaultAim {
  /** Method and path, such as `GET /v2/payments`, or the beginning of a path; every request when left out. */
  readonly on?: string;
  /** How many requests meet it; default 1. */
  readonly times?: number;
  /** How many matching requests go by unharmed before; default 0. */
  readonly after?: number;
}

/** A fault that was ordered; `hits` counts the requests that met it. */
export interface OrderedFault {
  readonly hits: number;
  cancel(): void;
}

interface Order {
  readonly fault: Fault;
  readonly aim: FaultAim;
  wait: number;
  left: number;
  hits: number;
}

interface Aimed {
  readonly method: string;
  readonly path: string;
}

/** The faults to come; where several match, the one ordered first is met first. */
export class FaultPlan {
  readonly #orders: Order[] = [];

  add(fault: Fault, aim: FaultAim = {}): OrderedFault {
    const order: Order = { fault, aim, wait: aim.after ?? 0, left: aim.times ?? 1, hits: 0 };
    this.#orders.push(order);
    return {
      get hits() {
        return order.hits;
      },
      cancel() {
        order.left = 0;
      },
    };
  }

  /** The fault that this request meets, if any. */
  take(request: Aimed): Fault | undefined {
    for (const order of this.#orders) {
      if (order.left <= 0 || !matches(order.aim, request)) continue;
      if (order.wait > 0) {
        order.wait--;
        continue;
      }
      order.left--;
      order.hits++;
      return order.fault;
    }
    return undefined;
  }
}

function matches({ on = "/" }: FaultAim, { method, path }: Aimed): boolean {
  return on.startsWith("/") ? path.startsWith(on) : on === `${method} ${path}`;
}
