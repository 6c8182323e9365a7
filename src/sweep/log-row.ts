import type pg from "pg";
import { query } from "../database/query.js";
import type { SweepMode, SweepReport } from "./report.js";

/** The log_type and payload's cron_name of a sweep's row in application_logs. */
export const SWEEP_LOG_TYPE = "cron";
export const SWEEP_CRON_NAME = "refresh-customer-analytics";

// Index: application_logs_type_idx.
const closeInterruptedStatement = {
  name: "close_interrupted_sweeps",
  text: `
    update application_logs set status = 'error', completed_at = $3,
      payload = payload || jsonb_build_object('success', false, 'errors',
        coalesce(payload -> 'errors', '[]') || jsonb_build_object('organization_id', null, 'step', 'sweep',
          'code', 'interrupted', 'message', 'The process ended during the sweep.'))
    where log_type = $1 and status = 'processing' and payload ->> 'cron_name' = $2`,
};

const openStatement = {
  name: "open_sweep_log",
  text: `
    insert into application_logs (log_type, status, created_at, payload)
    values ($1, 'processing', $2, jsonb_build_object('cron_name', $3::text, 'mode', $4::text))
    returning log_id`,
};

// Index: primary key.
const saveStatement = {
  name: "save_sweep_log",
  text: `
    update application_logs set status = $2, completed_at = $3, duration_ms = $4, payload = $5 where log_id = $1`,
};

/**
 * Writes the log row of a new sweep. Only one sweep runs at a time. So other rows with status `processing` belong to
 * killed sweeps, and are closed as errors.
 *
 * @returns the row's id
 */
export async function openLogRow(pool: pg.Pool, mode: SweepMode, now: Date): Promise<string> {
  await query(pool, closeInterruptedStatement, [SWEEP_LOG_TYPE, SWEEP_CRON_NAME, now]);
  const values = [SWEEP_LOG_TYPE, now, SWEEP_CRON_NAME, mode];
  const { rows } = await query<{ log_id: string }>(pool, openStatement, values);
  return (rows[0] as { log_id: string }).log_id;
}

/** Saves a sweep's progress or result in its log row. */
export async function saveLogRow(
  pool: pg.Pool,
  report: SweepReport,
  status: "processing" | "completed" | "error",
  now: Date,
): Promise<void> {
  const ended = status !== "processing";
  await query(pool, saveStatement, [
    report.cron_id,
    status,
    ended ? now : null,
    ended ? report.duration_ms : null,
    JSON.stringify({ cron_name: SWEEP_CRON_NAME, ...report }),
  ]);
}
