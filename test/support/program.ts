/** The program, for tests that run it in a separate process. */
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The environment variable with the folder of the compiled program. `npm run torture` does not set it. */
export const COMPILED = "REGULARS_TEST_PROGRAM";

export const CHECKOUT = fileURLToPath(new URL("../..", import.meta.url));

/** The reason is that of short-lived-wasm.ts. */
const SHORT_LIVED = ["--no-wasm-tier-up", "--no-wasm-dynamic-tiering"];

/** The folder of the compiled program, or else of its source. */
export function programFolder(): string {
  return process.env[COMPILED] || CHECKOUT;
}

/**
 * @param file a source file, relative to the checkout
 * @param folder the folder of another release, from release.ts. The default is this checkout's program
 * @returns the path of the file or of its compiled form
 */
export function programFile(file: string, folder = programFolder()): string {
  return path.join(folder, process.env[COMPILED] ? file.replace(/\.ts$/, ".js") : file);
}

/** Node's parameters that run such a file. */
export function nodeParameters(file: string, folder = programFolder()): string[] {
  return [...(process.env[COMPILED] ? SHORT_LIVED : ["--import", "tsx"]), programFile(file, folder)];
}
