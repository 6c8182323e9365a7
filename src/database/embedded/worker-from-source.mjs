// Node 20 applies the TypeScript loader of `--import tsx` to the main thread only. So a worker that runs from source
// begins with this file. The build does not contain it.
import { register } from "tsx/esm/api";

register();
await import("./worker.ts");
