import { orderKey } from "../src/facts/order-key.js";
import type { Fact } from "../src/facts/types.js";
import { parseTeamMember } from "../src/square/schemas/team-member.js";
import { toMicroseconds } from "../src/square/timestamp.js";
import type { JsonObject } from "../src/square/types.js";
import type { Handler } from "./handler.js";

/** A member who leaves becomes INACTIVE. Square sends no deletion. */
export const teamMember: Handler = {
  eventTypes: ["team_member.created", "team_member.updated"],
  interpret: ({ data }) => factsOfTeamMember(data.object?.team_member),
};

/**
 * @param object a team member in wire shape, from a webhook or the API
 * @throws {InvalidPayload}
 */
export function factsOfTeamMember(object: unknown): Fact[] {
  const member = parseTeamMember(object);
  const value = {
    square_team_member_id: member.id,
    given_name: member.given_name,
    family_name: member.family_name,
    status: member.status,
    updated_at: member.updated_at && toMicroseconds(member.updated_at),
    order_key: orderKey({ updatedAt: member.updated_at, object: object as JsonObject }),
  };
  return [{ kind: "team_member", value }];
}
