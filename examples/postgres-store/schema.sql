create table if not exists tokens (
  key text primary key,
  body text not null,
  tag text not null,
  keep_until timestamptz not null
);
create index if not exists tokens_keep_until on tokens (keep_until);
