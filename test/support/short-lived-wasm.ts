/** Most test files end too early for optimized code of the embedded database. Compiling it costs more than it saves. */
import { setFlagsFromString } from "node:v8";

setFlagsFromString("--no-wasm-tier-up");
setFlagsFromString("--no-wasm-dynamic-tiering");
