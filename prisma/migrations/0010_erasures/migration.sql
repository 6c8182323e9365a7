-- The customers whose personal data is erased. Facts that arrive for them later lose their texts before they are stored.
create table customer_erasures (
  organization_id uuid not null,
  square_customer_id text not null,
  erased_at timestamptz(6) not null,
  -- Stored events received before are stripped. NULL: not yet.
  events_until timestamptz(6),
  constraint customer_erasures_pkey primary key (organization_id, square_customer_id)
);

-- NULL: the payload was removed by its age. The row stays, so that the event's id is still known.
alter table webhook_events alter column payload drop not null;
