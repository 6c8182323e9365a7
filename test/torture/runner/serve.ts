// The `serve` command, in a process that also tells its address and memory to whoever started it.
import { startServer, stopOnSignal } from "../../../src/commands/serve.js";
import { loadConfig } from "../../../src/config.js";

const server = await startServer(loadConfig(process.env, { require: "serve" }));
stopOnSignal(server);

process.on("message", () => {
  global.gc?.();
  process.send?.({ memory: process.memoryUsage() });
});
// Whoever started it is gone: so is the reason to run.
process.on("disconnect", () => process.exit(1));
process.send?.({ address: server.address });
