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

/** Probabilities from 0 to 1, except where a rate is said to be per year. */
export interface Rates {
  // Bookings
  readonly onlineBooking: number;
  /** Online bookings that wait for the salon's answer. */
  readonly pendingApproval: number;
  readonly declined: number;
  /** Pending bookings that are never answered. */
  readonly unanswered: number;
  /** Bookings written down when the client already stands there. */
  readonly walkIn: number;
  readonly reschedule: number;
  readonly cancelByCustomer: number;
  readonly cancelBySeller: number;
  /** Of the cancellations: within the last 24 hours. */
  readonly lateCancel: number;
  readonly noShow: number;
  /** Closed bookings (cancelled, declined, missed) that are set to ACCEPTED again. */
  readonly reopened: number;
  /** Bookings moved to another customer. */
  readonly reassign: number;
  /** Bookings without a customer; most get one later. */
  readonly anonymousBooking: number;
  /** Each further segment of a booking, up to three. */
  readonly extraSegment: number;
  readonly noSegments: number;
  readonly customerNote: number;
  readonly sellerNote: number;
  // Payments
  readonly unpaidVisit: number;
  readonly freeVisit: number;
  readonly failedPayment: number;
  readonly canceledPayment: number;
  readonly tip: number;
  /** Payments that gain their customer only after a while. */
  readonly customerLater: number;
  /** Payments whose customer stays unknown for ever. */
  readonly customerNever: number;
  readonly otherCurrency: number;
  /** The capture carries the very `updated_at` of the authorization. */
  readonly sameInstant: number;
  readonly feeAdjusted: number;
  /** Payments whose order Square tells of. */
  readonly orderEvents: number;
  /** Sales to nobody in particular, per location and day. */
  readonly walkInSalesPerDay: number;
  // Refunds
  readonly refund: number;
  readonly partialRefund: number;
  readonly secondRefund: number;
  readonly refundFails: number;
  /** Completed refunds after which Square also sends the payment. */
  readonly paymentFollowsRefund: number;
  readonly unlinkedRefund: number;
  // Profiles
  /** Edits per profile and year. */
  readonly profileEditsPerYear: number;
  readonly profileDeleted: number;
  readonly deletionRecovered: number;
  /** Clients whose profile is at some time merged with another. */
  readonly merged: number;
  readonly unmerged: number;
  /** After a merge: new facts that still carry the id merged away. */
  readonly lateFactOnOldId: number;
  /** Open bookings that a merge rewrites to the survivor's id. */
  readonly mergeRewritesBooking: number;
  // The house, each per year
  readonly catalogChangesPerYear: number;
  readonly locationChangesPerYear: number;
  /** Edits per team member. */
  readonly teamChangesPerYear: number;
}

export const defaultRates: Rates = {
  onlineBooking: 0.55,
  pendingApproval: 0.2,
  declined: 0.06,
  unanswered: 0.02,
  walkIn: 0.03,
  reschedule: 0.09,
  cancelByCustomer: 0.1,
  cancelBySeller: 0.03,
  lateCancel: 0.35,
  noShow: 0.04,
  reopened: 0.02,
  reassign: 0.006,
  anonymousBooking: 0.003,
  extraSegment: 0.2,
  noSegments: 0,
  customerNote: 0.12,
  sellerNote: 0.08,
  unpaidVisit: 0.06,
  freeVisit: 0.004,
  failedPayment: 0.015,
  canceledPayment: 0.008,
  tip: 0.65,
  customerLater: 0.06,
  customerNever: 0.04,
  otherCurrency: 0,
  sameInstant: 0,
  feeAdjusted: 0.003,
  orderEvents: 0.25,
  walkInSalesPerDay: 0.5,
  refund: 0.015,
  partialRefund: 0.5,
  secondRefund: 0.08,
  refundFails: 0.06,
  paymentFollowsRefund: 0.9,
  unlinkedRefund: 0.02,
  profileEditsPerYear: 0.4,
  profileDeleted: 0.01,
  deletionRecovered: 0.25,
  merged: 0.02,
  unmerged: 0.08,
  lateFactOnOldId: 0.15,
  mergeRewritesBooking: 0.2,
  catalogChangesPerYear: 6,
  locationChangesPerYear: 2,
  teamChangesPerYear: 1,
};

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
  /** Share of the clients who arrive within the first 60 days (an existing clientele); default 0.5. */
  readonly earlyArrivals?: number;
  /** Default 2, at most 5, each in a time zone of its own. */
  readonly locations?: number;
  /** Team members over all locations; default 12. */
  readonly staff?: number;
  /** Derived from the seed when left out. */
  readonly merchantId?: string;
  /** ISO 4217; default USD. */
  readonly currency?: string;
  /** Used at `rates.otherCurrency`; default CAD. */
  readonly otherCurrency?: string;
  readonly rates?: Partial<Rates>;
  readonly mix?: Partial<Record<Habit, number>>;
  /** When given, the merchant revokes the application's access at this instant. */
  readonly revokedAt?: Date;
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

/**
 * A preset in which the ugly things are frequent, for property tests: spread it into the options with 3 to 8
 * customers and a few weeks or months.
 */
export const turbulence = {
  rates: {
    pendingApproval: 0.5,
    declined: 0.2,
    unanswered: 0.15,
    walkIn: 0.15,
    reschedule: 0.35,
    cancelByCustomer: 0.18,
    cancelBySeller: 0.1,
    lateCancel: 0.5,
    noShow: 0.15,
    reopened: 0.3,
    reassign: 0.15,
    anonymousBooking: 0.1,
    extraSegment: 0.4,
    noSegments: 0.03,
    customerNote: 0.4,
    sellerNote: 0.35,
    unpaidVisit: 0.1,
    freeVisit: 0.06,
    failedPayment: 0.12,
    canceledPayment: 0.08,
    customerLater: 0.25,
    customerNever: 0.12,
    otherCurrency: 0.2,
    sameInstant: 0.15,
    feeAdjusted: 0.1,
    orderEvents: 0.1,
    walkInSalesPerDay: 0.03,
    refund: 0.35,
    partialRefund: 0.6,
    secondRefund: 0.5,
    refundFails: 0.25,
    paymentFollowsRefund: 0.6,
    unlinkedRefund: 0.1,
    profileEditsPerYear: 12,
    profileDeleted: 0.25,
    deletionRecovered: 0.6,
    merged: 0.5,
    unmerged: 0.4,
    lateFactOnOldId: 0.5,
    mergeRewritesBooking: 0.5,
    catalogChangesPerYear: 4,
    locationChangesPerYear: 4,
    teamChangesPerYear: 0.5,
  },
  mix: { weekly: 5, biweekly: 4, monthly: 2, once: 1, wavering: 1, retail: 1, profile: 1 },
  staff: 3,
} satisfies Partial<SalonOptions>;
