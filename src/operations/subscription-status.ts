/** What must be right for webhooks to come. */
export const subscriptionPoints = [
  "address",
  "enabled",
  "signature_key",
  "event_types",
  "api_version",
] as const;

export type SubscriptionPoint = (typeof subscriptionPoints)[number];

/** How the webhook subscription stands, as this process knows it. */
export interface SubscriptionStatus {
  /** When Square was last asked. Null before the first answer. */
  readonly checked_at: Date | null;
  /** Square's id of it. Null when there is none for our address, or when it is not known. */
  readonly id: string | null;
  /** Whether each point is right. Null when that is not known. */
  readonly points: Readonly<Record<SubscriptionPoint, boolean | null>>;
  /** Error: events are lost. */
  readonly level: "ok" | "warning" | "error";
  /** The worst that is wrong, or why nothing is known. */
  readonly problem: string | null;
  /** What to do about it. */
  readonly remedy: string | null;
}
