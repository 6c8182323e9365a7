/** What a request gets in place of its answer, or in it. */
export type Fault =
  /** Another status, with Square's errors as its body. */
  | { readonly kind: "status"; readonly status: number }
  /** 429. The wait is given as a number of seconds or as the date of its end. */
  | { readonly kind: "rate-limited"; readonly seconds: number; readonly as?: "seconds" | "date" }
  /** The connection stays open without an answer. */
  | { readonly kind: "no-answer" }
  | { readonly kind: "reset" }
  /** Half of the body, then a reset. */
  | { readonly kind: "reset-in-body" }
  /** 200 and a page of HTML, like the answer of a proxy during maintenance. */
  | { readonly kind: "html" }
  /** 200 and `{"errors": []}`. */
  | { readonly kind: "empty-errors" }
  /** 200 and `{"errors": [{…}]}`. */
  | { readonly kind: "errors-with-200" }
  /** 200 and the first half of the body, with the length of that half. */
  | { readonly kind: "truncated" }
  | { readonly kind: "empty-body" }
  /** 200 and a text in place of the object or list. */
  | { readonly kind: "wrong-shape" }
  /** 200 and a body that begins correctly and never ends, byte by byte. */
  | { readonly kind: "endless-body" }
  /** A bulk retrieval answers NOT_FOUND for each id, although Square has the objects. */
  | { readonly kind: "finds-nobody" }
  /** The next page begins with rows of this one. */
  | { readonly kind: "repeated-rows" }
  /** The cursor leads to the same page again. It is the same cursor each time, or a new one each time. */
  | { readonly kind: "same-cursor" | "ever-new-cursors" };

export type FaultKind = Fault["kind"];

/** The requests that get a fault. */
export interface FaultAim {
  /** Method and path, such as `GET /v2/payments`, or the beginning of a path. The default is every request. */
  readonly on?: string;
  /** How many requests get it. The default is 1. */
  readonly times?: number;
  /** How many matching requests are answered normally before the fault. The default is 0. */
  readonly after?: number;
}

/** An ordered fault. `hits` counts the requests that got it. */
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

/** The faults to come. If several match a request, the first ordered one applies. */
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

  /** The fault that this request gets, if any. */
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
