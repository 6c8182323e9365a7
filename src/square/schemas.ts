/** Parsers for Square's objects in wire shape (snake_case), which webhooks and the API share. */
export { parseBooking } from "./schemas/booking.js";
export { parseCatalogObject, parseItem, parseItemVariation } from "./schemas/catalog.js";
export { parseCustomer, parseDeletedCustomer, parseEventContext } from "./schemas/customer.js";
export { InvalidPayload } from "./schemas/fields.js";
export { parseLocation } from "./schemas/location.js";
export { parseEnvelopeId, parseOrderNotice, parseRevocation } from "./schemas/notifications.js";
export { parsePayment } from "./schemas/payment.js";
export { parseRefund } from "./schemas/refund.js";
export { parseTeamMember } from "./schemas/team-member.js";
