import { readFileSync } from "node:fs";
import { ConfigurationError } from "../errors.js";

/** A name, `=`, and a value whose quotes are closed, with white space and a comment where shells take them. */
const LINE =
  /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*("[^"]*"|'[^']*'|`[^`]*`|(?!["'`])(?:[^\s#]|\s+(?![\s#]|$))*)\s*(?:(?<=\s|["'`]|=)#.*)?$/;

/**
 * Reads `.env` into the process's environment when there is one. A variable that is already set stays; of two lines for one
 * variable the last counts. A value ends with its line.
 *
 * @throws ConfigurationError naming every line that is no assignment, without its content
 */
export function readEnvFile(path = ".env"): void {
  const content = readContent(path);
  if (content === undefined) return;
  const problems: string[] = [];
  const assigned: NodeJS.Dict<string> = {};
  for (const [index, line] of content.split(/\r\n|\r|\n/).entries()) {
    if (/^\s*(#.*)?$/.test(line)) continue;
    const [, name, value] = LINE.exec(line) ?? [];
    if (name !== undefined && value !== undefined) assigned[name] = value.replace(/^(["'`])(.*)\1$/, "$2");
    else problems.push(`${path} line ${index + 1} ${whatIsWrong(line)}`);
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
  for (const [name, value] of Object.entries(assigned)) process.env[name] ??= value;
}

function whatIsWrong(line: string): string {
  const [, value] = /^\s*(?:export\s+)?[A-Za-z_]\w*\s*=\s*(.*)$/.exec(line) ?? [];
  if (value === undefined) return "is no assignment: write NAME=value";
  if (/^["'`]/.test(value)) return "has text behind its quotes, or quotes that are not closed on the line";
  return "has a # without a space before it: write the value in quotes, or a space before the comment";
}

/** Windows editors and PowerShell write UTF-16; both begin a file with a byte order mark, which the decoder takes off. */
function readContent(path: string): string | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT") return undefined;
    throw new ConfigurationError([`${path} cannot be read (${code})`]);
  }
  const mark = bytes.subarray(0, 2).toString("hex");
  const encoding = mark === "fffe" ? "utf-16le" : mark === "feff" ? "utf-16be" : "utf-8";
  try {
    const content = new TextDecoder(encoding, { fatal: true }).decode(bytes);
    if (!content.includes("\0")) return content;
  } catch {
    // Told below.
  }
  throw new ConfigurationError([`${path} is not in UTF-8: save it in UTF-8`]);
}
