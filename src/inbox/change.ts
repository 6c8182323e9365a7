/** What an event has changed, as the live stream sends it: ids and names of columns, no values. */
export interface Change {
  readonly organization_id: string;
  readonly event_id: string;
  readonly event_type: string;
  /** The instant of computation, RFC 3339. */
  readonly at: string;
  /** The customers whose rows changed. */
  readonly customer_ids: readonly string[];
  /** The columns that changed in any of these rows. */
  readonly columns: readonly string[];
}
