import type { Config } from "../config.js";
import type { Database } from "../database/database.js";
import { RegularsError } from "../errors.js";
import { type OrganizationProfile, syncOrganizationProfile } from "../pull/organization-profile.js";
import { sweepContext } from "./sweep-context.js";

/** How long a start or a command waits for Square's answer. */
const PATIENCE_MS = 10_000;

/**
 * Reads an organization's profile from Square, within ten seconds. Without an answer the organization keeps its
 * fields, and the next sweep reads its locations.
 *
 * @param stopping aborts when the process is stopping
 * @returns the profile, or why it could not be read
 */
export async function trySyncOrganizationProfile(
  database: Database,
  config: Config,
  organizationId: string,
  given: Parameters<typeof syncOrganizationProfile>[2] = {},
  stopping?: AbortSignal,
): Promise<OrganizationProfile | { readonly failed: string; readonly code: string }> {
  const late = AbortSignal.timeout(PATIENCE_MS);
  const signal = stopping ? AbortSignal.any([late, stopping]) : late;
  try {
    return await syncOrganizationProfile(sweepContext(database, config, { signal }), organizationId, given);
  } catch (error) {
    if (!(error instanceof RegularsError)) throw error;
    const failed = late.aborted ? `no answer within ${PATIENCE_MS / 1000} s` : error.message;
    return { failed, code: error.code };
  }
}
