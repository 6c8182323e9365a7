/** What a check found. `remedy` says what to do about it. */
export interface Finding {
  /** The name of the check: `encoding`, `pooler`, `subscription`, ... */
  readonly check: string;
  readonly status: "pass" | "warning" | "fail" | "skipped";
  readonly message: string;
  readonly remedy?: string;
}

export function pass(check: string, message: string): Finding {
  return { check, status: "pass", message };
}

export function fail(check: string, message: string, remedy: string): Finding {
  return { check, status: "fail", message, remedy };
}

export function warning(check: string, message: string, remedy: string): Finding {
  return { check, status: "warning", message, remedy };
}

export function skipped(check: string, message: string): Finding {
  return { check, status: "skipped", message };
}
