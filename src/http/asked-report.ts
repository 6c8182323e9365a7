import type { FastifyRequest } from "fastify";
import type { z } from "zod";
import type { Clock } from "../clock.js";
import type { Database } from "../database/database.js";
import type { ReadFrom } from "../database/replica.js";
import type { Scope } from "../reports/daily.js";
import { localDayOf } from "../reports/local-day.js";
import { periodOf } from "../reports/period.js";
import { type OrganizationFacts, type organizationParams, requireOrganization } from "./schemas.js";

/** What routes of reports need. */
export interface ReportParts {
  readonly database: Database;
  readonly readFrom: ReadFrom;
  readonly clock: Clock;
}

/** The period and place in the query of a report. */
export interface PeriodAsked {
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly location_id?: string | undefined;
}

/** What a report gets: the organization, the period and place, and the current instant. */
export interface Asked<Query> {
  readonly organization: OrganizationFacts;
  readonly scope: Scope;
  readonly query: Query;
  /** The local day of `now` in the organization's time zone. */
  readonly today: string;
  readonly now: Date;
}

/**
 * What a request asks of a report.
 *
 * @typeParam Query what the route's schema makes of the query
 * @throws InvalidParameter when the period is none; Problem when there is no such organization
 */
export async function askedReport<Query extends PeriodAsked>(
  { database, clock }: ReportParts,
  request: FastifyRequest,
): Promise<Asked<Query>> {
  // Validated by the route's schemas.
  const { organizationId } = request.params as z.output<typeof organizationParams>;
  const query = request.query as Query;
  const organization = await requireOrganization(database, organizationId);
  const now = clock();
  const today = await localDayOf(database.pool, now, organization.timeZone);
  const period = periodOf(query, today);
  const scope = { ...period, organizationId: organization.id, locationId: query.location_id ?? null };
  return { organization, scope, query, today, now };
}
