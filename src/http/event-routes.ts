import { z } from "zod";
import type { Database } from "../database/database.js";
import { NIL_ORGANIZATION } from "../database/nil-organization.js";
import {
  type EventCursor,
  eventsPage,
  eventsWithPayload,
  isReplayable,
  replayGroup,
  storedStatuses,
} from "../inbox/event-pages.js";
import type { Inbox } from "../inbox/inbox.js";
import { readJson } from "../square/read-json.js";
import { ignoreBodies } from "./ignore-bodies.js";
import { type ApiInstance, security } from "./openapi.js";
import { Problem } from "./problem.js";
import {
  adminErrors,
  changeErrors,
  count,
  instant,
  oneOrSeveral,
  organizationParams,
  pageLimit,
  problemAnswer,
  requireOrganization,
  squareId,
} from "./schemas.js";
import type { CursorSeal } from "./sealed-cursor.js";

const eventType = z.string().regex(/^[^\0,]{1,255}$/, "must be an event type");
const reason = z.string().regex(/^[^\0]{1,2000}$/, "must be a text of 1 to 2,000 characters");
const cursor = z.string().max(4_000).optional().meta({ description: "`next_cursor` of the previous answer" });

const listQuery = z.strictObject({
  status: oneOrSeveral(storedStatuses).optional(),
  type: eventType.optional(),
  organization_id: z.uuid().optional().meta({ description: "The nil UUID: events of unknown merchants" }),
  reason: reason.optional().meta({ description: "The `reason` of an event" }),
  limit: pageLimit,
  cursor,
});

const event = z.object({
  organization_id: z.uuid(),
  event_id: z.string(),
  merchant_id: z.string(),
  event_type: z.string(),
  status: z.enum(storedStatuses),
  attempts: count,
  source: z.enum(["webhook", "events_api", "replay"]),
  received_at: instant,
  processed_at: instant.nullable(),
  next_attempt_at: instant.nullable(),
  last_error: z.string().nullable(),
  reason: z
    .string()
    .nullable()
    .meta({ description: "last_error without positions; events are grouped by it" }),
});

const eventParams = organizationParams.extend({ eventId: squareId });

const group = z.strictObject({
  status: z.enum(storedStatuses),
  type: eventType.optional(),
  reason: reason.optional(),
  organization_id: z.uuid().optional(),
  cursor,
});

/** The most events that one request replays. They take some seconds. */
const REPLAYED_AT_MOST = 5_000;

const outcome = z.enum(["processed", "duplicate", "stale", "ignored", "deferred", "dead"]);

/** The routes that read stored events and process them again. */
export function eventRoutes({
  database,
  inbox,
  cursors,
}: {
  database: Database;
  inbox: Pick<Inbox, "redrive">;
  cursors: CursorSeal;
}) {
  return async (app: ApiInstance) => {
    const { pool } = database;
    const described = { tags: ["Events"], security: [...security.admin] };

    const storedEvent = async ({ organizationId, eventId }: z.output<typeof eventParams>) => {
      const [found] = await eventsWithPayload(pool, [{ organization_id: organizationId, event_id: eventId }]);
      if (!found) throw new Problem(404, "event_not_found", "There is no such event.");
      return found;
    };

    app.get(
      "/admin/events",
      {
        schema: {
          ...described,
          summary: "Stored events without their payload, the newest first",
          querystring: listQuery,
          response: {
            200: z.object({ events: z.array(event), next_cursor: z.string().nullable() }),
            ...adminErrors,
          },
        },
      },
      async (request) => {
        const { limit, cursor, ...asked } = request.query;
        const { status: statuses, type, organization_id: organizationId, reason } = asked;
        if (organizationId !== undefined && organizationId !== NIL_ORGANIZATION) {
          await requireOrganization(database, organizationId);
        }
        const list = ["events", asked];
        const after = cursors.open<EventCursor>(list, cursor);
        const page = await eventsPage(pool, { statuses, type, organizationId, reason }, after, limit);
        return { events: page.events, next_cursor: page.next && cursors.seal(list, page.next) };
      },
    );

    app.get(
      "/admin/events/:organizationId/:eventId",
      {
        schema: {
          ...described,
          summary: "One stored event with its payload as Square sent it",
          description:
            "The payload is null once PAYLOAD_RETENTION_DAYS have passed. For an erased customer it holds no texts.",
          params: eventParams,
          response: { 200: event.extend({ payload: z.looseObject({}).nullable() }), ...adminErrors },
        },
      },
      async ({ params }) => {
        const { payload, ...found } = await storedEvent(params);
        return { ...found, payload: payload === null ? null : readJson(Buffer.from(payload)) };
      },
    );

    await app.register(async (bodiless: ApiInstance) => {
      ignoreBodies(bodiless);
      bodiless.post(
        "/admin/events/:organizationId/:eventId/replay",
        {
          schema: {
            ...described,
            summary: "Process one stored event again",
            params: eventParams,
            response: {
              200: z.object({ status: outcome }),
              ...changeErrors,
              409: problemAnswer("Its payload was removed by its age"),
            },
          },
        },
        async ({ params }) => {
          const event = await storedEvent(params);
          if (!isReplayable(event)) {
            const detail =
              "The payload was removed by its age (PAYLOAD_RETENTION_DAYS). It cannot be processed again.";
            throw new Problem(409, "payload_removed", detail);
          }
          const [status] = await inbox.redrive([event]);
          return { status };
        },
      );
    });

    app.post(
      "/admin/events/replay",
      {
        schema: {
          ...described,
          summary: "Process stored events of one status again",
          description: `At most ${REPLAYED_AT_MOST} events. To continue, send \`next_cursor\` as \`cursor\`.`,
          body: group,
          response: {
            200: z.object({
              replayed: count,
              by_status: z.partialRecord(outcome, count),
              next_cursor: z.string().nullable(),
            }),
            ...changeErrors,
          },
        },
      },
      async ({ body }) => {
        const { cursor, ...asked } = body;
        const { status, type, organization_id: organizationId, reason } = asked;
        const filter = { statuses: [status], type, organizationId, reason };
        const list = ["replay", asked];
        const after = cursors.open<EventCursor>(list, cursor);
        const { next, ...counts } = await replayGroup({ pool, inbox }, filter, after, REPLAYED_AT_MOST);
        return { ...counts, next_cursor: next && cursors.seal(list, next) };
      },
    );
  };
}
