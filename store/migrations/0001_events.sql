-- The log, and the one row that says which store this is.

create table store_info (
    one          boolean primary key default true check (one),
    format       integer not null,
    epoch        bigint  not null,   -- a random number; a store restored from a backup gets another
    partitions   integer not null,
    ring         bytea   not null,   -- which ring sealed it
    founded_at   timestamptz not null default now()
);

create table events (
    position                bigint      primary key,
    stream                  text        collate "C" not null,  -- a subject's history is one range of the index
    version                 integer     not null,
    event_id                uuid        not null unique,
    partition               integer     not null,
    sequence                bigint      not null,
    type                    text        collate "C" not null,
    type_version            integer     not null,
    subject                 text        collate "C" not null,
    source                  text        not null,
    occurred_at             timestamptz not null,
    occurred_offset_minutes integer     not null,
    time_precision          text,       -- absent = second
    time_basis              text,       -- absent = reported
    business_date           date,
    traffic                 text,       -- absent = live
    recorded_at             timestamptz not null,
    actor                   text        not null,
    correlation_id          uuid        not null,
    causation_id            uuid,
    command_id              uuid,
    fingerprint             bytea       not null,
    state                   bytea       not null,  -- never changes, so that a hash chain can cover it
    unique (stream, version),
    unique (partition, sequence)
);

create view events_readable as
    select position, stream, version, event_id, partition, sequence, type, type_version, subject, source,
           occurred_at, occurred_offset_minutes, business_date, recorded_at, actor, correlation_id,
           causation_id, convert_from(state, 'UTF8')::json as state
    from events;

create table identifiers (
    lookup  bytea primary key,  -- HMAC of kind and normal form under the ring's look-up key
    subject text  collate "C" not null unique,
    kind    text  not null,
    sealed  text  not null
);

create table subject_keys (
    key_id  bytea primary key,
    subject text  collate "C" not null,
    class   text  not null check (class in ('identity', 'content')),
    wrapped bytea               -- null = destroyed: a row without its bytes, never a missing row
);
create unique index subject_keys_living on subject_keys (subject, class) where wrapped is not null;
create unique index subject_keys_one_identity on subject_keys (subject) where class = 'identity';
create index subject_keys_subject on subject_keys (subject);
