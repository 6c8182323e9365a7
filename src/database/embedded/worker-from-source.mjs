// Node 20 applies the TypeScript loader of `--import tsx` to the main thread only, so a worker that runs from source
// begins here. The build has no use for this file, and leaves it out.
import { register } from "tsx/esm/api";

register();
await import("./worker.ts");
