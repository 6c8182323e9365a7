import { readFileSync, statSync } from "node:fs";

const SUFFIX = "_FILE";

/** A secret is one line. A larger file is another file. */
const LONGEST_BYTES = 65_536;

/**
 * Replaces each variable `NAME_FILE` by `NAME` with the content of that file, as Docker and Kubernetes hand over
 * secrets. White space around the content is cut off. An empty `NAME_FILE` counts as not set.
 *
 * @param names the variables that may come from a file
 * @returns the variables, and one problem for each file that cannot be used. No problem quotes a content.
 */
export function withFiles(
  env: NodeJS.ProcessEnv,
  names: readonly string[],
): { env: NodeJS.ProcessEnv; problems: string[] } {
  const merged = { ...env };
  const problems: string[] = [];
  for (const name of names) {
    const file = env[`${name}${SUFFIX}`]?.trim();
    if (!file) continue;
    try {
      if (env[name]?.trim()) throw new Error(`is set beside ${name}: set one of the two`);
      merged[name] = contentOf(file);
    } catch (error) {
      problems.push(`${name}${SUFFIX} ${error instanceof Error ? error.message : error}`);
    }
  }
  return { env: merged, problems };
}

function contentOf(file: string): string {
  const bytes = read(file);
  if (bytes.length > LONGEST_BYTES) throw new Error("names a file that is too long for a secret");
  let content: string;
  try {
    content = new TextDecoder("utf-8", { fatal: true }).decode(bytes).trim();
  } catch {
    throw new Error("names a file that is not in UTF-8");
  }
  if (content === "") throw new Error("names an empty file");
  return content;
}

function read(file: string): Buffer {
  try {
    // A device may never end.
    const { size } = statSync(file);
    return size > LONGEST_BYTES ? Buffer.alloc(LONGEST_BYTES + 1) : readFileSync(file);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "unknown";
    throw new Error(`names a file that cannot be read (${code})`);
  }
}
