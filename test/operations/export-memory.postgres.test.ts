import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { openForCommands } from "../support/command-line.js";
import { nodeParameters } from "../support/program.js";
import { makeOrganization } from "../support/worlds.js";

const BOOKINGS = 20_000;
/** Bytes of a booking's line, nearly all of them Square's own object. */
const LINE_BYTES = 10_000;
const MEGABYTE = 1024 * 1024;

const { database, env } = await openForCommands();
const organizationId = await makeOrganization(database, "M-LARGE");
await database.pool.query(
  `insert into bookings (organization_id, booking_id, version, status, customer_id, reported_customer_id, location_id,
     start_at, created_at, updated_at, duration_minutes, raw, order_key)
   select $1, 'B' || n, 0, 'ACCEPTED', 'ana', 'ana', 'downtown', day, day, day, 30,
     jsonb_build_object('id', 'B' || n, 'seller_note', repeat('a', $2)), '\\x01'
   from (select n, timestamptz '2020-01-01Z' + n * interval '1 hour' as day from generate_series(1, $3::int) as n) as made`,
  [organizationId, LINE_BYTES, BOOKINGS],
);

/** Ends with the largest resident size of the process. */
const TELLS_MEMORY = `data:text/javascript,process.on("exit",()=>process.stderr.write("kilobytes "+process.resourceUsage().maxRSS))`;

/** Runs an export and reads its lines one by one. */
async function exported(...parameters: string[]) {
  const node = ["--max-old-space-size=80", "--import", TELLS_MEMORY, ...nodeParameters("src/main.ts")];
  const { PATH = "" } = process.env;
  const child = spawn(process.execPath, [...node, "export", ...parameters], {
    env: { PATH, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const errors = text(child.stderr);
  let [bytes, bookings] = [0, 0];
  for await (const line of createInterface({ input: child.stdout })) {
    bytes += line.length;
    if (line.startsWith('{"type":"booking"')) bookings += 1;
  }
  if (child.exitCode === null) await once(child, "exit");
  const said = await errors;
  const residentMB = Math.round((Number(/kilobytes (\d+)$/.exec(said)?.[1]) * 1024) / MEGABYTE);
  return { code: child.exitCode, bookings, megabytes: Math.round(bytes / MEGABYTE), residentMB };
}

test.each([
  ["of an organization", []],
  ["about one customer", ["--customer", "ana"]],
])(
  "an export %s of 190 MB needs a heap of 80 MB at most, and no other memory that grows",
  async (_, parameters) => {
    const { residentMB, ...run } = await exported(...parameters);
    expect(run).toEqual({ code: 0, bookings: BOOKINGS, megabytes: expect.any(Number) });
    expect(run.megabytes).toBeGreaterThan(190);
    expect(residentMB).toBeLessThan(260);
  },
);
