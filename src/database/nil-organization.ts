/** The id for what belongs to no organization: tasks of the whole database, and events of unknown merchants. */
export const NIL_ORGANIZATION = "00000000-0000-0000-0000-000000000000";
