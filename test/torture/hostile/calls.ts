import type { Random } from "../../../src/simulator/random.js";
import { ADMIN_KEY, CRON_SECRET } from "../runner/server-process.js";
import type { HostileRequest, Target } from "./hostile-request.js";
import { nastyTexts } from "./texts.js";
import { spoil } from "./values.js";

/** Some deliveries have these ids, so calls about one event find an event. */
export const knownEvents = ["event 1", "event 2", "event 3"] as const;

/** A call that the API has. The default method is GET. The body is a valid one. */
interface Call {
  readonly path: string;
  readonly method?: "PATCH" | "POST" | "PUT";
  readonly body?: object;
}

/** A call of the API, with or without the key, with any kind of id, query and body. */
export function hostileCall(random: Random, { organizationId }: Target): HostileRequest {
  const part = () => {
    const text = random.pick([
      ...nastyTexts,
      organizationId,
      "customer 1",
      "%00",
      "%ff",
      "..",
      "x".repeat(300),
    ]);
    return random.chance(0.1)
      ? text.replaceAll(/[^\x21-\x7e]/g, "")
      : encodeURIComponent(text).slice(0, 6_000);
  };
  const organization = random.chance(0.8) ? organizationId : part();
  const customer = random.chance(0.6) ? encodeURIComponent(`customer ${random.int(0, 20)}`) : part();
  const event = random.chance(0.6) ? encodeURIComponent(random.pick(knownEvents)) : part();
  const call = random.pick<Call>([
    ...[
      `/api/organizations/${organization}/customers/${customer}`,
      `/api/organizations/${organization}/customers?q=${part()}&limit=${part()}&cursor=${part()}&sort=${part()}`,
      `/api/organizations/${organization}/customers?q=${part()}`,
      `/api/organizations/${organization}/customers.csv?segment=${part()}`,
      `/api/organizations/${organization}/customers.csv?q=${part()}`,
      `/api/organizations/${organization}/customers.csv?columns=${part()}`,
      `/api/organizations/${organization}/customers/${customer}/explain/${part()}?before=${part()}`,
      `/api/organizations/${organization}/customers/${customer}/explain/booking_notes?before=${part()}`,
      `/api/organizations/${organization}/customers/${customer}/explain/${part()}.csv`,
      `/api/organizations/${organization}/kpi?from=${part()}&to=${part()}&location_id=${part()}`,
      `/api/organizations/${organization}/segments/movements/customers?to_segment=LOST&from_segment=${part()}`,
      `/api/organizations/${organization}/segments/movements/customers?to_segment=NEW&cursor=${part()}`,
      `/api/organizations/${organization}/retention/customers?by=service&cohort=${part()}`,
      `/api/organizations/${organization}/retention/customers?counted=${part()}&cursor=${part()}`,
      `/api/organizations/${organization}/bookings.csv?counted=${part()}&team_member_id=${part()}`,
      `/api/organizations/${organization}/bookings.csv?counted=visits&team_member_id=${part()}`,
      `/api/organizations/${organization}/payments.csv?counted=net_cents&location_id=${part()}`,
      `/api/organizations/${organization}/segments/movements/customers.csv?from_segment=${part()}`,
      `/api/organizations/${organization}/retention/customers.csv?by=technician&cohort=${part()}`,
      `/api/columns?${part()}`,
      `/admin/events/${organization}/${event}`,
      `/admin/events?status=${part()}`,
      `/admin/events?status=dead&type=${part()}&reason=${part()}&limit=${part()}&cursor=${part()}`,
      `/admin/jobs/status?${part()}`,
      `/admin/drift?days=${random.chance(0.5) ? random.int(1, 90) : part()}`,
      `/${part()}/${part()}`,
      "/healthz",
      "/metrics",
    ].map((path) => ({ path })),
    { path: `/api/organizations/${organization}/customers/${customer}/recompute`, method: "POST" },
    {
      path: `/api/organizations/${random.chance(0.8) ? organizationId : part()}`,
      method: "PATCH",
      body: { segment_days: { new: random.int(1, 40), active: random.int(20, 60), at_risk: 90 } },
    },
    {
      path: `/api/organizations/${organization}/referrals/${customer}`,
      method: "PUT",
      body: { referral_code: "A", activated_as_referrer: true },
    },
    {
      path: `/api/organizations/${organization}/referral-rewards/${part()}`,
      method: "PUT",
      body: {
        referrer_customer_id: "customer 1",
        referred_customer_id: "x",
        status: "PAID",
        reward_cents: 1,
      },
    },
    { path: `/admin/events/${organization}/${event}/replay`, method: "POST" },
    // Few events have this type, so a replay is short in a long run.
    {
      path: "/admin/events/replay",
      method: "POST",
      body: {
        status: random.pick(["dead", "deferred"]),
        type: "no.such.type",
        organization_id: organizationId,
      },
    },
  ]);
  const authorization = random.weighted({ right: 6, wrong: 1, none: 1, cron: 1 });
  const keys = {
    right: ADMIN_KEY,
    wrong: random.pick(nastyTexts).replaceAll(/[^\x20-\x7e]/g, ""),
    none: "",
    cron: CRON_SECRET,
  };
  const any = random.weighted({ GET: 5, POST: 3, PUT: 1, PATCH: 1, DELETE: 1, HEAD: 1 });
  const method = random.chance(0.6) ? (call.method ?? "GET") : any;
  const takesBody = method !== "GET" && method !== "HEAD";
  const rate = random.pick([0, 0.1, 0.3]);
  const body = takesBody ? spoil(call.body ?? {}, random, rate) : undefined;
  return {
    trick: `${method} of the API`,
    method,
    path: call.path.replaceAll(/[^\x21-\x7e]/g, ""),
    headers: {
      authorization: `Bearer ${keys[authorization]}`,
      ...(body !== undefined && {
        "content-type": "application/json",
        "content-length": Buffer.byteLength(body),
      }),
    },
    ...(body !== undefined && { body }),
    mayStore: false,
  };
}
