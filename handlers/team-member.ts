import { parseTeamMember } from "../src/square/schemas.js";
import type { Handler } from "./handler.js";

/** A member who leaves becomes INACTIVE; there is no deletion. */
export const teamMember: Handler = {
  eventTypes: ["team_member.created", "team_member.updated"],
  interpret: ({ data }) => [{ kind: "team_member", value: parseTeamMember(data.object?.team_member) }],
};
