/** How a client behaves. The weights in `SalonOptions.mix` decide how many clients have each habit. */
export type Habit =
  | "weekly"
  | "biweekly"
  | "monthly"
  | "bimonthly"
  | "occasional"
  /** Comes once and never again. */
  | "once"
  /** Books, and almost always cancels. */
  | "wavering"
  /** Buys products, never books. */
  | "retail"
  /** A profile and nothing else. */
  | "profile";

/**
 * The rates of an ordinary salon. They are probabilities from 0 to 1, except those per year.
 */
export const defaultRates = {
  // Bookings
  /** Online bookings that wait for the salon's answer. */
  pendingApproval: 0.2,
  declined: 0.06,
  /** Pending bookings that are never answered. */
  unanswered: 0.02,
  /** Walk-ins: bookings made when the client is already there. */
  walkIn: 0.03,
  reschedule: 0.09,
  cancelByCustomer: 0.1,
  cancelBySeller: 0.03,
  /** Cancellations within the last 24 hours before the start. */
  lateCancel: 0.35,
  noShow: 0.04,
  /** Closed bookings (cancelled, declined, missed) that are set to ACCEPTED again. */
  reopened: 0.02,
  /** Bookings moved to another customer. */
  reassign: 0.006,
  /** Bookings without a customer. Most get one later. */
  anonymousBooking: 0.003,
  /** Each further segment of a booking, up to three. */
  extraSegment: 0.2,
  noSegments: 0,
  customerNote: 0.12,
  sellerNote: 0.08,
  // Payments
  unpaidVisit: 0.06,
  freeVisit: 0.004,
  failedPayment: 0.015,
  canceledPayment: 0.008,
  /** Payments that get their customer later. */
  customerLater: 0.06,
  /** Payments that never get a customer. */
  customerNever: 0.04,
  otherCurrency: 0,
  /** Captures with the same `updated_at` as the authorization. */
  sameInstant: 0,
  feeAdjusted: 0.003,
  /** Payments whose order has events. */
  orderEvents: 0.25,
  /** Sales to unknown people, per location and day. */
  walkInSalesPerDay: 0.5,
  // Refunds
  refund: 0.015,
  partialRefund: 0.5,
  secondRefund: 0.08,
  refundFails: 0.06,
  /** Completed refunds after which Square also sends the payment. */
  paymentFollowsRefund: 0.9,
  unlinkedRefund: 0.02,
  // Profiles
  /** Edits per profile and year. */
  profileEditsPerYear: 0.4,
  profileDeleted: 0.01,
  deletionRecovered: 0.25,
  /** Clients whose profile is merged with another at some time. */
  merged: 0.02,
  unmerged: 0.08,
  /** New facts that carry the merged id after a merge. */
  lateFactOnOldId: 0.15,
  /** Open bookings that a merge rewrites to the survivor's id. */
  mergeRewritesBooking: 0.2,
  // The house, each per year
  catalogChangesPerYear: 6,
  locationChangesPerYear: 2,
  /** Edits per team member. */
  teamChangesPerYear: 1,
};

/** The rates of a salon. A preset names only those that differ from an ordinary salon. */
export type Rates = Readonly<Record<keyof typeof defaultRates, number>>;

export interface SalonOptions {
  readonly seed: number | string;
  /** The instant of the first event. */
  readonly start: Date;
  /** No event from this instant on. Bookings made before it may start later. */
  readonly end: Date;
  /** The number of people who become clients. Merges make further profile ids. */
  readonly customers: number;
  /** The last instant at which a new client arrives. The default is `end`. */
  readonly arrivalsUntil?: Date;
  /** 1 to 5, each in its own time zone. The default is 2. */
  readonly locations?: number;
  /** Team members of all locations. The default is 12. */
  readonly staff?: number;
  /** The default is derived from the seed. */
  readonly merchantId?: string;
  /** ISO 4217. The default is USD. */
  readonly currency?: string;
  /** The rates that differ from an ordinary salon. */
  readonly rates?: Partial<Rates>;
  /** Weights of the habits. The default is an ordinary salon. */
  readonly mix?: Partial<Record<Habit, number>>;
}

export const defaultMix: Record<Habit, number> = {
  weekly: 2,
  biweekly: 11,
  monthly: 24,
  bimonthly: 18,
  occasional: 14,
  once: 17,
  wavering: 3,
  retail: 6,
  profile: 5,
};
