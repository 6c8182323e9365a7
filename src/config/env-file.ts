import { readFileSync } from "node:fs";
import { ConfigurationError } from "../errors.js";

/** A name, `=`, and a value with closed quotes. White space and a comment may stand where shells allow them. */
const LINE =
  /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*("[^"]*"|'[^']*'|`[^`]*`|(?!["'`])(?:[^\s#]|\s+(?![\s#]|$))*)\s*(?:(?<=\s|["'`]|=)#.*)?$/;

/**
 * Reads `.env` into the process's environment, if the file exists. A variable that is already set keeps its value. If
 * two lines assign the same variable, the last one counts. A value ends with its line.
 *
 * @throws ConfigurationError that lists the number of every line that is not an assignment
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
  if (value === undefined) return "is not an assignment: write NAME=value";
  if (/^["'`]/.test(value)) return "has text after the closing quote, or no closing quote";
  return "has a # without a space before it: write the value in quotes, or a space before the comment";
}

/** Windows editors and PowerShell write UTF-16 with a byte order mark. The decoder removes the mark. */
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
    // The error below says it.
  }
  throw new ConfigurationError([`${path} is not in UTF-8: save it in UTF-8`]);
}
