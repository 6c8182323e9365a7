import { Command } from "commander";
import type { Outcome } from "../inbox/received-event.js";
import { print, withDatabase } from "./context.js";
import { jsonOption, parseCount, parseInstantOption, parseList, parseStatuses } from "./options.js";

interface Options {
  readonly status?: Outcome[];
  readonly type?: string[];
  readonly since?: Date;
  readonly limit: number;
  readonly json?: boolean;
}

const HELP = `
Examples:
  regulars events list --status dead
  regulars events list --type payment.updated --since 2026-03-01 --json`;

export function eventsCommand(): Command {
  const events = new Command("events").description("List the stored events.").addHelpText("after", HELP);
  events
    .command("list")
    .description("List stored events, the latest first.")
    .option(
      "--status <statuses>",
      "processed, stale, ignored, deferred or dead; separate several with commas",
      parseStatuses,
    )
    .option("--type <types>", "event types; separate several with commas", parseList)
    .option("--since <time>", "received at or after this time (ISO 8601)", parseInstantOption)
    .option("--limit <number>", "how many at most", parseCount, 50)
    .addOption(jsonOption())
    .addHelpText("after", HELP)
    .action(list);
  return events;
}

async function list({ status, type, since, limit, json }: Options): Promise<void> {
  await withDatabase(async ({ prisma }) => {
    const events = await prisma.webhookEvent.findMany({
      where: {
        ...(status && { status: { in: status } }),
        ...(type && { eventType: { in: type } }),
        ...(since && { receivedAt: { gte: since } }),
      },
      orderBy: [{ receivedAt: "desc" }, { eventId: "asc" }],
      take: limit,
      // The payload holds personal data.
      omit: { payload: true },
    });
    const rows = events.map((event) => ({
      organization_id: event.organizationId,
      event_id: event.eventId,
      merchant_id: event.merchantId,
      event_type: event.eventType,
      status: event.status,
      attempts: event.attempts,
      received_at: event.receivedAt,
      processed_at: event.processedAt,
      next_attempt_at: event.nextAttemptAt,
      source: event.source,
      last_error: event.lastError,
    }));
    const lines = rows.map(
      (row) =>
        `${row.received_at.toISOString()}  ${row.status.padEnd(9)}  ${row.event_type.padEnd(26)}  ${row.event_id}` +
        (row.last_error === null ? "" : `  ${row.last_error}`),
    );
    print(json, rows, lines.length > 0 ? lines : "No such events.");
  });
}
