/**
 * Square's objects in wire shape, read into facts: the same functions for webhooks and for the API.
 */
export { type BookingHints, parseBooking } from "./schemas/booking.js";
export { parseServiceVariations, type ServiceVariation } from "./schemas/catalog.js";
export {
  type DeletedCustomer,
  type MergeContext,
  parseCustomer,
  parseDeletedCustomer,
  parseMergeContext,
  tombstone,
} from "./schemas/customer.js";
export { InvalidPayload } from "./schemas/fields.js";
export { type Location, parseLocation } from "./schemas/location.js";
export { parseEnvelopeId, parseOrderNotice, parseRevocation } from "./schemas/notifications.js";
export { parsePayment } from "./schemas/payment.js";
export { parseRefund } from "./schemas/refund.js";
export { parseTeamMember } from "./schemas/team-member.js";
