-- What connecting by OAuth brings beside the access token. The release before this one ignores these columns.

alter table organizations
  add column refresh_token_ciphertext bytea,
  add column token_obtained_at timestamptz(6),
  add column token_expires_at timestamptz(6);
