import { decryptAccessToken, encryptAccessToken } from "./access-token.js";

interface Tokens {
  readonly merchantId: string;
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly expiresAt: Date;
}

/** The columns of a connection's tokens, encrypted with TOKEN_ENCRYPTION_KEY. */
export function encryptTokens(key: Buffer, { merchantId, accessToken, refreshToken, expiresAt }: Tokens) {
  return {
    accessTokenCiphertext: encryptAccessToken(key, merchantId, accessToken),
    renewal: {
      refreshTokenCiphertext: encryptAccessToken(key, refreshBinding(merchantId), refreshToken),
      tokenExpiresAt: expiresAt,
    },
  };
}

/** @throws when the key or the merchant differs from the one at encryption */
export function decryptRefreshToken(key: Buffer, merchantId: string, stored: Uint8Array): string {
  return decryptAccessToken(key, refreshBinding(merchantId), stored);
}

/** A refresh token cannot be decrypted as an access token, and the other way round. */
function refreshBinding(merchantId: string): string {
  return `${merchantId}/refresh`;
}
