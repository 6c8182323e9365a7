// Node 20 applies the TypeScript loader of `--import tsx` to the main thread only. So a worker that runs from source
// begins with this file. The build does not contain it. A test run has compiled the program
// (test/support/program.ts).
import path from "node:path";
import { pathToFileURL } from "node:url";

const compiled = process.env.REGULARS_TEST_PROGRAM;
if (compiled) {
  await import(pathToFileURL(path.join(compiled, "src/database/embedded/worker.js")).href);
} else {
  const { register } = await import("tsx/esm/api");
  register();
  await import("./worker.ts");
}
