import type { Answer, Call } from "./call.js";

/** One operation of the API. */
export interface Endpoint {
  /** Method and path as Square's reference writes them: `GET /v2/bookings/{booking_id}`. */
  readonly name: string;
  /** Query parameters or keys of the body; any other is refused. */
  readonly accepts?: readonly string[];
  /** What its answer's object or list stands under, for faults that put something else there. */
  readonly key: string;
  readonly answer: (call: Call) => Answer;
}
