/**
 * The independent check: every column computed from the fact tables in plain TypeScript. It is written from the
 * columns' definitions and shares no code with src/.
 */
export { expectedAnalytics } from "./analytics.js";
export { expectedAppointmentsDaily, expectedRevenueDaily } from "./daily.js";
export { explainDifferences, explainTableDifferences } from "./differences.js";
export { factsFromEvents, type WebhookEvent } from "./events.js";
export type * from "./facts.js";
export { type InstantLike, toIso, toMicros } from "./instants.js";
export { expectedProfiles, expectedRfm } from "./views.js";
