import type { FastifyInstance, RouteOptions } from "fastify";
import { z } from "zod";
import type { Clock } from "../clock.js";
import type { Database } from "../database/database.js";
import type { ReadFrom, Replica } from "../database/replica.js";
import type { Inbox } from "../inbox/inbox.js";
import type { LiveFeed } from "../inbox/live-feed.js";
import type { SubscriptionWatch } from "../operations/subscription-watch.js";
import type { Sweeps } from "../sweep/background.js";
import { requireAdmin, type Sessions } from "./auth.js";
import { countedListRoutes } from "./counted-list-routes.js";
import { customerListRoutes } from "./customer-list-routes.js";
import { customerRoutes } from "./customer-routes.js";
import { eventRoutes } from "./event-routes.js";
import { explainRoutes } from "./explain-routes.js";
import { liveRoutes } from "./live-routes.js";
import { organizationRoutes } from "./organization-routes.js";
import { Problem } from "./problem.js";
import { referralRoutes } from "./referral-routes.js";
import { reportRoutes } from "./report-routes.js";
import { cursorSeal } from "./sealed-cursor.js";
import { statusRoutes } from "./status-routes.js";

/** All routes that need the admin key. Without the key, unknown paths get the same answer as known ones. */
export function adminRoutes({
  sessions,
  database,
  replica,
  subscription,
  clock,
  inbox,
  feed,
  sweeps,
  csvPage,
}: {
  sessions: Sessions | undefined;
  database: Database;
  replica: Pick<Replica, "read" | "status"> | undefined;
  subscription: Pick<SubscriptionWatch, "status"> | undefined;
  clock: Clock;
  inbox: Pick<Inbox, "redrive">;
  feed: Pick<LiveFeed, "subscribe">;
  sweeps: Pick<Sweeps, "recomputeAllDue">;
  csvPage: number | undefined;
}) {
  const readFrom: ReadFrom = replica?.read ?? ((read) => read(database.pool));
  return async (app: FastifyInstance) => {
    app.addHook("onRequest", requireAdmin(sessions));
    app.addHook("onRoute", refuseUnknownParameters);
    await app.register(organizationRoutes({ database, clock, sweeps }));
    // Without an admin key every route answers 503 before it reads a cursor.
    const cursors = cursorSeal(sessions?.adminKey ?? "");
    await app.register(customerRoutes({ database, clock, cursors }));
    await app.register(customerListRoutes({ database, readFrom, clock, cursors, csvPage }));
    await app.register(explainRoutes({ database, clock, cursors }));
    await app.register(eventRoutes({ database, inbox, cursors }));
    await app.register(liveRoutes({ database, feed }));
    await app.register(referralRoutes({ database, clock }));
    await app.register(reportRoutes({ database, readFrom, clock }));
    await app.register(countedListRoutes({ database, readFrom, clock, cursors, csvPage }));
    await app.register(statusRoutes({ database, replica, subscription, clock }));
    for (const prefix of ["/api", "/admin"]) {
      await app.register(
        async (unknown) => {
          unknown.setNotFoundHandler(() => {
            throw new Problem(404, "not_found", "There is nothing at this address.");
          });
        },
        { prefix },
      );
    }
  };
}

/** A route that names no parameters of a query has none, so any that is sent is refused. */
function refuseUnknownParameters(route: RouteOptions): void {
  if (route.schema) route.schema.querystring ??= z.strictObject({});
}
