import type { HttpRequest } from "../runner/http.js";

export interface HostileRequest extends HttpRequest {
  /** What is wrong with it, in a few words. */
  readonly trick: string;
  /** Whether the server may store an event for it. True when the signature fits the body. */
  readonly mayStore: boolean;
}

/** The organization under attack. */
export interface Target {
  readonly merchantId: string;
  readonly organizationId: string;
}
