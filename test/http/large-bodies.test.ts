import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import { expect, test } from "vitest";
import { addSalon, openTestApp, signed } from "../support/app.js";
import { openTestDatabase } from "../support/database.js";
import { bodyOf, squareEvent } from "../support/events.js";

const database = await openTestDatabase();
await addSalon(database);

const LARGE = "x".repeat(70_000);

test("a large body makes room again, though its connection goes while its answer waits behind another's", async () => {
  const app = await openTestApp(database);
  const answerSlow: (() => void)[] = [];
  app.http.get("/slow", () => new Promise((resolve) => answerSlow.push(() => resolve({}))));
  let refused = 0;
  app.http.addHook("onError", async () => {
    refused += 1;
  });
  await app.http.listen({ host: "127.0.0.1", port: 0 });
  const { port } = app.http.server.address() as AddressInfo;
  for (let count = 1; count <= 20; count++) {
    const socket = connect(port, "127.0.0.1");
    const closed = once(socket, "close");
    socket.write(
      `GET /slow HTTP/1.1\r\nhost: x\r\n\r\nPOST /webhooks/square HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${LARGE.length}\r\n\r\n${LARGE}`,
    );
    await expect.poll(() => refused).toBe(count);
    socket.resetAndDestroy();
    await closed;
  }
  for (const answer of answerSlow) answer();
  const body = bodyOf(squareEvent("no.such.type", { LARGE }));
  expect((await app.inject(body, signed(body))).status).toBe(200);
});
