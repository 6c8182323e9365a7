// The `serve` command in a process that also tells its parent its address and memory.
import { startServer, stopOnSignal } from "../../../src/commands/serve.js";
import { loadConfig } from "../../../src/config.js";

const server = await startServer(loadConfig(process.env, { require: "serve" }));
stopOnSignal(server);

process.on("message", () => {
  global.gc?.();
  process.send?.({ memory: process.memoryUsage() });
});
// The parent has ended, so this process ends too.
process.on("disconnect", () => process.exit(1));
process.send?.({ address: server.address });
