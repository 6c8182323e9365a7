/**
 * Node does not optimize the embedded database's code. Most tests end before the optimization would save its time.
 */
import { setFlagsFromString } from "node:v8";

setFlagsFromString("--no-wasm-tier-up");
setFlagsFromString("--no-wasm-dynamic-tiering");
