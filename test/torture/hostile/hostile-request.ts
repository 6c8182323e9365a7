import type { HttpRequest } from "../runner/http.js";

export interface HostileRequest extends HttpRequest {
  /** What was done to it, in a few words. */
  readonly trick: string;
  /** Whether the server may store an event for it: only where body and signature belong together. */
  readonly mayStore: boolean;
}

/** Whom it is about. */
export interface Target {
  readonly merchantId: string;
  readonly organizationId: string;
}
