/** What an event has changed, as it is told live: ids and names of columns, no values. */
export interface Change {
  readonly organization_id: string;
  readonly event_id: string;
  readonly event_type: string;
  /** The instant of computation, RFC 3339. */
  readonly at: string;
  /** Whose rows changed. */
  readonly customer_ids: readonly string[];
  /** The columns that changed, of any of them. */
  readonly columns: readonly string[];
}
