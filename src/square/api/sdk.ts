import type { SquareClient } from "square";

/**
 * The version of Square's API that every request names. The installed SDK was generated for this version. Its type
 * holds the same text, so an SDK for another version does not compile until this line is changed. Compare the two
 * versions then. The version of webhooks is set in their subscription.
 */
export const SQUARE_VERSION = "2026-09-16" satisfies NonNullable<SquareClient.Options["version"]>;

/** An HTTP request that is ready to send. Its headers hold the access token. */
export interface SquareRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly body: string | undefined;
}

/** A call of the SDK. Its result is not used (see `buildRequest`). */
export type SdkCall = (square: SquareClient) => Promise<unknown>;

/**
 * Builds the request that the SDK would send for a call. The SDK knows paths, parameters and authorization. Our
 * transport.ts sends the request and reads the answer, for these reasons. The SDK reads HTML, `errors` and a cut-off
 * answer as an empty list. It does not retry after a broken connection. It limits neither the time nor the size of a
 * body. It converts objects from their wire shape.
 *
 * The SDK is loaded with the first call, because loading takes more than a second and 117 MB.
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
      // Set here, because the SDK ignores a version that is given to the client.
      headers.set("square-version", SQUARE_VERSION);
      request = {
        method: init?.method ?? "GET",
        url: String(url),
        headers,
        body: typeof init?.body === "string" ? init.body : undefined,
      };
      // Returns an answer and does not throw. After an error the SDK's timer would keep the process alive for a
      // minute.
      return Response.json({});
    },
  });
  await call(client);
  if (!request) throw new Error("The Square SDK made no request");
  return request;
}
