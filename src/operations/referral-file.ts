import { isUtf8 } from "node:buffer";
import { parse } from "csv-parse/sync";
import type { Referrals } from "../analytics/referrals.js";
import { referralLines } from "./referral-shapes.js";

/** A line that cannot be imported. The reason quotes nothing from the line. */
export interface BadLine {
  /** The line's number. The header is 1. */
  readonly line: number;
  readonly reason: string;
}

export interface ReferralFile {
  /** Undefined when the header or the encoding is wrong. */
  readonly referrals: Referrals | undefined;
  readonly badLines: readonly BadLine[];
}

/** The column that identifies the kind of a file. Its value is different in each line. */
const keys = { profiles: "square_customer_id", rewards: "reward_id" } as const;

/** Columns that a file may leave out. */
const optional = new Set(["referral_code", "used_referral_code", "activated_as_referrer", "activated_at"]);

/**
 * Reads a CSV of referral profiles or of rewards. The header says which. Each line is one profile or reward. Empty
 * lines are skipped. An empty cell means that the value is left out.
 */
export function readReferralFile(bytes: Buffer): ReferralFile {
  if (!isUtf8(bytes)) return headless("is not UTF-8");
  // The decoder drops a byte order mark.
  const [head = "", ...lines] = new TextDecoder().decode(bytes).split(/\r\n|\n|\r/);
  const header = cellsOf(head);
  if (typeof header === "string") return headless(header);
  const kind = header.includes(keys.rewards) ? "rewards" : "profiles";
  const problem = problemOfHeader(header, kind);
  return problem === undefined ? readLines(kind, header, lines) : headless(problem);
}

function headless(reason: string): ReferralFile {
  return { referrals: undefined, badLines: [{ line: 1, reason }] };
}

function problemOfHeader(header: readonly string[], kind: Referrals["kind"]): string | undefined {
  const known = Object.keys(referralLines[kind].shape);
  if (!header.includes(keys[kind])) return `the header has neither ${keys.profiles} nor ${keys.rewards}`;
  const missing = known.filter((name) => !header.includes(name) && !optional.has(name));
  if (missing.length > 0) return `the header lacks ${missing.join(", ")}`;
  const strange = header.findIndex((name, at) => !known.includes(name) || header.indexOf(name) !== at);
  if (strange === -1) return undefined;
  return `column ${strange + 1} is unknown or comes twice: ${kind} have the columns ${known.join(", ")}`;
}

function readLines(
  kind: Referrals["kind"],
  header: readonly string[],
  lines: readonly string[],
): ReferralFile {
  const badLines: BadLine[] = [];
  const rows: unknown[] = [];
  const seen = new Map<string, number>();
  for (const [at, text] of lines.entries()) {
    const line = at + 2;
    if (text.trim() === "") continue;
    const read = readLine(kind, header, text);
    if (typeof read === "string") {
      badLines.push({ line, reason: read });
      continue;
    }
    const earlier = seen.get(read.key);
    if (earlier !== undefined) {
      badLines.push({ line, reason: `${keys[kind]}: line ${earlier} has the same` });
      continue;
    }
    seen.set(read.key, line);
    rows.push(read.row);
  }
  return { referrals: { kind, rows } as Referrals, badLines };
}

/** @returns the row, or why the line is invalid */
function readLine(
  kind: Referrals["kind"],
  header: readonly string[],
  text: string,
): { row: unknown; key: string } | string {
  const cells = cellsOf(text);
  if (typeof cells === "string") return cells;
  if (cells.length !== header.length)
    return `has ${cells.length} columns, and the header has ${header.length}`;
  const given = header.flatMap((name, column) => {
    const cell = cells[column] ?? "";
    return cell === "" ? [] : [[name, name === "activated_as_referrer" ? truthOf(cell) : cell]];
  });
  const read = referralLines[kind].safeParse(Object.fromEntries(given));
  if (read.success) return { row: read.data, key: String(Object.fromEntries(given)[keys[kind]]) };
  return read.error.issues
    .map(({ path, message, code }) => {
      const isMissing = code === "invalid_type" && !given.some(([name]) => name === path[0]);
      return `${path.join(".")}: ${isMissing ? "is missing" : message}`;
    })
    .join("; ");
}

/** Spreadsheets write TRUE and FALSE. */
function truthOf(cell: string): boolean | string {
  return /^true$/i.test(cell) ? true : /^false$/i.test(cell) ? false : cell;
}

/** @returns the cells of one line, or why the line is invalid */
function cellsOf(line: string): string[] | string {
  try {
    return (parse(line, { trim: true, relax_column_count: true }) as string[][])[0] ?? [];
  } catch {
    return "is no CSV: a quotation mark is not closed, or one stands inside a cell";
  }
}
