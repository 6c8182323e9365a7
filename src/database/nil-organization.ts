/** Stands where there is no organization: for tasks of the whole database, and for events of unknown merchants. */
export const NIL_ORGANIZATION = "00000000-0000-0000-0000-000000000000";
