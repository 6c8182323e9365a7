import { RegularsError } from "../../errors.js";

/** One entry of `errors` in Square's answers. */
export interface SquareErrorJson {
  readonly category: string;
  readonly code: string;
  readonly detail: string;
  readonly field?: string;
}

/** An answer other than 200, in Square's shape. */
export class Refusal extends RegularsError {
  readonly status: number;
  readonly error: SquareErrorJson;

  constructor(status: number, error: SquareErrorJson) {
    super(error.code.toLowerCase(), error.detail);
    this.status = status;
    this.error = error;
  }
}

/** 400 for an invalid parameter. */
export function badRequest(code: string, detail: string, field?: string): Refusal {
  const error = { category: "INVALID_REQUEST_ERROR", code, detail, ...(field !== undefined && { field }) };
  return new Refusal(400, error);
}

/** The error for an unknown id: of a whole answer, or of one id of several. */
export function notFoundError(detail: string): SquareErrorJson {
  return { category: "INVALID_REQUEST_ERROR", code: "NOT_FOUND", detail };
}

/** 404 for an unknown id. */
export function notFound(detail: string): Refusal {
  return new Refusal(404, notFoundError(detail));
}

export function unauthorized(): Refusal {
  const detail = "This request could not be authorized.";
  return new Refusal(401, { category: "AUTHENTICATION_ERROR", code: "UNAUTHORIZED", detail });
}
