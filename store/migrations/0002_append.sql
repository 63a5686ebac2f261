-- One append, one round trip. Separate statements on purpose: a look in the same statement as the
-- lock would use the snapshot from before the wait, and two writers would take the same position.
--
-- Everything is written, or nothing: where something stands in the way, only that is answered, and
-- the caller comes again with the rest. So rows come numbered within their stream and partition,
-- and the log's end is all that is added here.
--
-- Each look-up is a scalar subquery, because an `exists` becomes a join: planned while the log is
-- small, it would go on reading the whole log when it is large.

create function append(
    e_request integer[], e_in_stream integer[], e_in_partition integer[],
    e_stream text[], e_event_id uuid[], e_partition integer[], e_type text[],
    e_type_version integer[], e_subject text[], e_source text[], e_occurred_at timestamptz[],
    e_offset integer[], e_precision text[], e_basis text[], e_business_date date[],
    e_traffic text[], e_actor text[], e_correlation uuid[], e_causation uuid[], e_command uuid[],
    e_fingerprint bytea[], e_state bytea[], e_opening boolean[],
    k_request integer[], k_key_id bytea[],
    x_request integer[], x_stream text[], x_version integer[],
    locked boolean
) returns table (
    outcome text,      -- 'written', or why nothing was
    at integer,        -- row number from 1 where written or opened, else the request's number
    "position" bigint, version integer, sequence bigint
)
language plpgsql as $$
#variable_conflict use_column
declare
    last record;
begin
    if locked then
        perform pg_advisory_xact_lock(4242001);
    end if;

    return query
        select case when e.opening then 'opened' else 'stored' end,
               case when e.opening then e.ord::integer else e.request end,
               null::bigint, null::integer, null::bigint
        from unnest(e_request, e_event_id, e_opening) with ordinality e(request, id, opening, ord)
        where (select true from events where event_id = e.id limit 1)
        union all
        select 'dead', k.request, null, null, null
        from unnest(k_request, k_key_id) k(request, key_id)
        where (select wrapped is not null from subject_keys where key_id = k.key_id limit 1) is not true
        union all
        select 'stale', x.request, null, null, null
        from unnest(x_request, x_stream, x_version) x(request, stream, version)
        where x.version <> coalesce((
            select version from events where stream = x.stream order by version desc limit 1), 0);
    if found then
        return;
    end if;

    select coalesce(max(e.position), 0) as position,
           -- The server's clock may be set back; what was recorded later must not look earlier.
           greatest(clock_timestamp(), max(e.recorded_at)) as now
    into last
    from (select position, recorded_at from events order by position desc limit 1) e;

    return query
        insert into events
        select last.position + e.ord, e.stream,
               e.in_stream + coalesce((
                   select version from events where stream = e.stream
                   order by version desc limit 1), 0),
               e.event_id, e.partition,
               e.in_partition + coalesce((
                   select sequence from events where partition = e.partition
                   order by sequence desc limit 1), 0),
               e.type, e.type_version, e.subject, e.source, coalesce(e.occurred_at, last.now),
               e.offset_minutes, e.precision_, e.basis, e.business_date, e.traffic, last.now,
               e.actor, e.correlation_id, e.causation_id, e.command_id, e.fingerprint, e.state
        from unnest(
            e_in_stream, e_in_partition, e_stream, e_event_id, e_partition, e_type, e_type_version,
            e_subject, e_source, e_occurred_at, e_offset, e_precision, e_basis, e_business_date,
            e_traffic, e_actor, e_correlation, e_causation, e_command, e_fingerprint, e_state
        ) with ordinality e(
            in_stream, in_partition, stream, event_id, partition, type, type_version,
            subject, source, occurred_at, offset_minutes, precision_, basis, business_date,
            traffic, actor, correlation_id, causation_id, command_id, fingerprint, state, ord)
        returning 'written', (position - last.position)::integer, position, version, sequence;

    -- A hint for readers; their poll is the truth.
    perform pg_notify('store_moved', '');
end
$$;

-- Who is behind each look-up. Rows go in sorted, so that two processes never wait for each other in
-- a circle; the first one to insert an identifier wins, with its subject and its identity key.
-- Nothing here takes a position, so a lost commit costs a random name and no event: the append that
-- relies on it makes both durable.
create function resolve(
    i_lookup bytea[], i_subject text[], i_kind text[], i_sealed text[],
    i_key_id bytea[], i_wrapped bytea[]
) returns table (lookup bytea, subject text)
language plpgsql as $$
#variable_conflict use_column
begin
    perform set_config('synchronous_commit', 'off', true);
    with given as (
        select * from unnest(i_lookup, i_subject, i_kind, i_sealed, i_key_id, i_wrapped)
            g(lookup, subject, kind, sealed, key_id, wrapped)
    ), won as (
        insert into identifiers
        select lookup, subject, kind, sealed from given order by lookup
        on conflict do nothing
        returning subject
    )
    insert into subject_keys
    select key_id, subject, 'identity', wrapped from given join won using (subject);

    return query select lookup, subject from identifiers where lookup = any (i_lookup);
end
$$;

-- The content key of each living subject: the given one, or the one that was there first.
create function give_content_keys(k_subject text[], k_key_id bytea[], k_wrapped bytea[])
returns table (subject text, key_id bytea, wrapped bytea)
language plpgsql as $$
#variable_conflict use_column
begin
    perform set_config('synchronous_commit', 'off', true);
    -- An erasure locks the identity key first, so none of its subject's keys comes after it.
    perform from subject_keys
        where subject = any (k_subject) and class = 'identity'
        order by subject for share;
    insert into subject_keys
        select k.key_id, k.subject, 'content', k.wrapped
        from unnest(k_subject, k_key_id, k_wrapped) k(subject, key_id, wrapped)
        join subject_keys i on i.subject = k.subject and i.class = 'identity'
        where i.wrapped is not null
        order by k.subject
        on conflict do nothing;

    return query select subject, key_id, wrapped from subject_keys
        where subject = any (k_subject) and class = 'content' and wrapped is not null;
end
$$;
