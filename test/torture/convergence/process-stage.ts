import { bodyOf } from "../../support/events.js";
import type { AttackContext } from "../runner/attack.js";
import { HttpClient } from "../runner/http.js";
import { signatureOf } from "../runner/server-process.js";
import { DAY } from "./salon.js";
import type { Stage } from "./stage.js";

/** Servers in separate processes. They use the machine's clock, so stories happen in the last four weeks. */
export async function openProcessStage(context: AttackContext, servers: number): Promise<Stage> {
  const attacked = await context.openDatabase();
  const processes = await Promise.all(Array.from({ length: servers }, () => context.startServer(attacked)));
  const client = new HttpClient();
  context.defer(() => client.close());
  return {
    database: attacked.database,
    storyStart: Math.floor(Date.now() / DAY) * DAY - 26 * DAY,
    clock: () => new Date(),
    moveTo() {},
    async deliver(server, event) {
      const url = processes[server % processes.length]?.url ?? "";
      const body = bodyOf(event);
      const headers = {
        "content-type": "application/json",
        "x-square-hmacsha256-signature": signatureOf(body),
      };
      const answer = await client.send(url, { method: "POST", path: "/webhooks/square", headers, body });
      return answer.status === 200 ? JSON.parse(answer.text).status : `${answer.status} ${answer.text}`;
    },
  };
}
