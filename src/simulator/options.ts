/** How a client of the salon behaves; the weights in `SalonOptions.mix` say how many of each there are. */
export type Habit =
  | "weekly"
  | "biweekly"
  | "monthly"
  | "bimonthly"
  | "occasional"
  /** Comes once and never again. */
  | "once"
  /** Books, but never turns up for any reason other than a cancellation. */
  | "wavering"
  /** Buys products, never books. */
  | "retail"
  /** A profile and nothing else. */
  | "profile";

/**
 * How often things happen in an ordinary salon: probabilities from 0 to 1, except where a rate is said to be per year.
 */
export const defaultRates = {
  // Bookings
  /** Online bookings that wait for the salon's answer. */
  pendingApproval: 0.2,
  declined: 0.06,
  /** Pending bookings that are never answered. */
  unanswered: 0.02,
  /** Bookings written down when the client already stands there. */
  walkIn: 0.03,
  reschedule: 0.09,
  cancelByCustomer: 0.1,
  cancelBySeller: 0.03,
  /** Of the cancellations: within the last 24 hours. */
  lateCancel: 0.35,
  noShow: 0.04,
  /** Closed bookings (cancelled, declined, missed) that are set to ACCEPTED again. */
  reopened: 0.02,
  /** Bookings moved to another customer. */
  reassign: 0.006,
  /** Bookings without a customer; most get one later. */
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
  /** Payments that gain their customer only after a while. */
  customerLater: 0.06,
  /** Payments that never get a customer. */
  customerNever: 0.04,
  otherCurrency: 0,
  /** The capture carries the very `updated_at` of the authorization. */
  sameInstant: 0,
  feeAdjusted: 0.003,
  /** Payments whose order Square tells of. */
  orderEvents: 0.25,
  /** Sales to nobody in particular, per location and day. */
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
  /** Clients whose profile is at some time merged with another. */
  merged: 0.02,
  unmerged: 0.08,
  /** After a merge: new facts that still carry the id merged away. */
  lateFactOnOldId: 0.15,
  /** Open bookings that a merge rewrites to the survivor's id. */
  mergeRewritesBooking: 0.2,
  // The house, each per year
  catalogChangesPerYear: 6,
  locationChangesPerYear: 2,
  /** Edits per team member. */
  teamChangesPerYear: 1,
};

/** A preset says what is other than in an ordinary salon. */
export type Rates = Readonly<Record<keyof typeof defaultRates, number>>;

export interface SalonOptions {
  readonly seed: number | string;
  /** The first instant at which anything happens. */
  readonly start: Date;
  /** Nothing happens from this instant on; bookings made before it may lie beyond it. */
  readonly end: Date;
  /** People who ever become clients. Merges make further profile ids. */
  readonly customers: number;
  /** The last instant at which a new client arrives; `end` when left out. */
  readonly arrivalsUntil?: Date;
  /** Default 2, at most 5, each in a time zone of its own. */
  readonly locations?: number;
  /** Team members over all locations; default 12. */
  readonly staff?: number;
  /** Derived from the seed when left out. */
  readonly merchantId?: string;
  /** ISO 4217; default USD. */
  readonly currency?: string;
  /** What happens more or less often than in an ordinary salon. */
  readonly rates?: Partial<Rates>;
  /** How many clients there are of each habit, as weights; those of an ordinary salon when left out. */
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
