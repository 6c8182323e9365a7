import { type Queryable, query } from "./query.js";

// All three use the primary key.
const readStatement = {
  name: "sync_position",
  text: "select position from sync_positions where organization_id = $1 and task = $2",
};

const saveStatement = {
  name: "save_sync_position",
  text: `
    insert into sync_positions (organization_id, task, position, updated_at) values ($1, $2, $3, $4)
    on conflict (organization_id, task) do update set
      position = excluded.position, updated_at = excluded.updated_at`,
};

const clearStatement = {
  name: "clear_sync_positions",
  text: "delete from sync_positions where organization_id = $1 and starts_with(task, $2)",
};

/**
 * Reads where a task stopped. Tasks of the whole database have the nil organization.
 *
 * @returns undefined when the task has not begun
 */
export async function readPosition<Position extends object>(
  on: Queryable,
  organizationId: string,
  task: string,
): Promise<Partial<Position> | undefined> {
  const { rows } = await query<{ position: Partial<Position> }>(on, readStatement, [organizationId, task]);
  return rows[0]?.position;
}

export async function savePosition<Position extends object>(
  on: Queryable,
  organizationId: string,
  task: string,
  position: Position,
  now: Date,
): Promise<void> {
  await query(on, saveStatement, [organizationId, task, JSON.stringify(position), now]);
}

/**
 * Deletes the positions of all tasks whose name begins with `prefix`. The next run of each starts from the beginning.
 */
export async function clearPositions(on: Queryable, organizationId: string, prefix: string): Promise<void> {
  await query(on, clearStatement, [organizationId, prefix]);
}
