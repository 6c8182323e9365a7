/** Most test files end before it pays to optimize the embedded database's code: compiling costs more than it saves. */
import { setFlagsFromString } from "node:v8";

setFlagsFromString("--no-wasm-tier-up");
setFlagsFromString("--no-wasm-dynamic-tiering");
