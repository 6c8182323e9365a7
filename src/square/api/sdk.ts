import type { SquareClient } from "square";

/**
 * The version of Square's API that every request names. It is the one that the installed SDK was generated for, so the
 * paths and parameters it builds fit. The SDK's type for it is this very text: an SDK that speaks another version does
 * not compile until somebody has compared the two and changed it here. Webhooks do not follow it but their subscription.
 */
export const SQUARE_VERSION = "2026-09-16" satisfies NonNullable<SquareClient.Options["version"]>;

/** One HTTP request, ready to send. Its headers hold the access token. */
export interface SquareRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly body: string | undefined;
}

/** A call of the SDK. What it answers means nothing: see `buildRequest`. */
export type SdkCall = (square: SquareClient) => Promise<unknown>;

/**
 * The request that the SDK would send for a call: it knows paths, parameters and authorization. Sending and reading the
 * answer is ours (transport.ts), because the SDK takes HTML, `errors` and half an answer for an empty list, gives up on a
 * broken connection, bounds neither the time nor the size of a body, and turns the wire's objects into others.
 *
 * The SDK is loaded with the first call, since that takes more than a second and 117 MB.
 */
export async function buildRequest(
  access: { readonly accessToken: string; readonly baseUrl: string },
  call: SdkCall,
): Promise<SquareRequest> {
  const { SquareClient } = await import("square");
  let request: SquareRequest | undefined;
  const client = new SquareClient({
    token: access.accessToken,
    baseUrl: access.baseUrl,
    maxRetries: 0,
    fetch: async (url, init) => {
      const headers = new Headers(init?.headers);
      // Here, because the SDK ignores a version given to the client.
      headers.set("square-version", SQUARE_VERSION);
      request = {
        method: init?.method ?? "GET",
        url: String(url),
        headers,
        body: typeof init?.body === "string" ? init.body : undefined,
      };
      // An answer, not an error: after an error the SDK's own timer would keep the process alive for a minute.
      return Response.json({});
    },
  });
  await call(client);
  if (!request) throw new Error("The Square SDK made no request");
  return request;
}
