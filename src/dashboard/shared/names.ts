import { useMemo } from "react";
import { useOrganization } from "./organization.js";
import type { ValueContext } from "./value.js";

/**
 * How a seller's values are written, with the names of its locations and team members.
 *
 * @param service one whose name the page knows besides
 */
export function useValueContext(service?: {
  readonly id: unknown;
  readonly name: string | null;
}): ValueContext {
  const { currency, time_zone: timeZone, locations, team_members } = useOrganization();
  const { id, name } = service ?? {};
  const names = useMemo(() => {
    const all = new Map(locations.map((each) => [each.location_id, each.name]));
    for (const each of team_members) all.set(each.team_member_id, each.name);
    if (typeof id === "string" && name) all.set(id, name);
    return all;
  }, [locations, team_members, id, name]);
  return { currency, timeZone, names };
}
