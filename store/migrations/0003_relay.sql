-- How far the relay has come, by its own word: a lower bound of what the topic holds, and health.
-- What it goes on from is the topic's own end.

create table relayed (
    topic    text        primary key,
    epoch    bigint      not null,
    position bigint      not null,
    saved_at timestamptz not null default now()
);
