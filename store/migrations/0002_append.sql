-- One append, one round trip. Separate statements on purpose: a look in the same statement as the
-- lock would use the snapshot from before the wait, and two writers would take the same position.

create function append(
    e_request integer[], e_opening boolean[], e_stream text[], e_event_id uuid[],
    e_partition integer[], e_type text[], e_type_version integer[],
    e_subject text[], e_source text[], e_occurred_at timestamptz[], e_offset integer[],
    e_precision text[], e_basis text[], e_business_date date[], e_traffic text[], e_actor text[],
    e_correlation uuid[], e_causation uuid[], e_command uuid[], e_fingerprint bytea[],
    e_state bytea[],
    k_request integer[], k_key_id bytea[],
    x_request integer[], x_stream text[], x_version integer[],
    locked boolean
) returns table (
    request integer, outcome text, ordinal integer,
    "position" bigint, version integer, sequence bigint
)
language plpgsql as $$
#variable_conflict use_column
declare
    stored  integer[];
    dead    integer[];
    stale   integer[];
    refused integer[];
    last    record;
begin
    if locked then
        perform pg_advisory_xact_lock(4242001);
    end if;

    stored := array(
        select distinct e.request from unnest(e_request, e_event_id, e_opening) e(request, id, opening)
        where not e.opening and exists (select from events where event_id = e.id));
    dead := array(
        select distinct k.request from unnest(k_request, k_key_id) k(request, key_id)
        where not exists (
            select from subject_keys s where s.key_id = k.key_id and s.wrapped is not null));
    stale := array(
        select distinct x.request from unnest(x_request, x_stream, x_version) x(request, stream, version)
        where x.version <> coalesce((
            select version from events where stream = x.stream order by version desc limit 1), 0));
    refused := stored || dead || stale;

    return query
        select r.request,
               case when r.request = any (stored) then 'stored'
                    when r.request = any (dead) then 'dead' else 'stale' end,
               null::integer, null::bigint, null::integer, null::bigint
        from (select distinct unnest(refused) as request) r;

    select coalesce(max(e.position), 0) as position,
           greatest(clock_timestamp(), max(e.recorded_at)) as now
    into last
    from (select position, recorded_at from events order by position desc limit 1) e;

    return query
        with given as (
            select e.*, row_number() over (
                       -- Two requests of one group may open the same subject: the first one does.
                       partition by e.event_id order by e.ord) as nth
            from unnest(
                e_request, e_opening, e_stream, e_event_id, e_partition, e_type, e_type_version,
                e_subject, e_source, e_occurred_at, e_offset, e_precision, e_basis, e_business_date,
                e_traffic, e_actor, e_correlation, e_causation, e_command, e_fingerprint, e_state
            ) with ordinality e(
                request, opening, stream, event_id, partition, type, type_version,
                subject, source, occurred_at, offset_minutes, precision_, basis, business_date,
                traffic, actor, correlation_id, causation_id, command_id, fingerprint, state, ord)
            where not e.request = any (refused)
        ), written as (
            select g.*,
                   last.position + row_number() over (order by g.ord) as position,
                   row_number() over (partition by g.stream order by g.ord) as in_stream,
                   row_number() over (partition by g.partition order by g.ord) as in_partition
            from given g
            where g.nth = 1 and not (
                g.opening and exists (select from events where event_id = g.event_id))
        ), streams as (
            select s.stream, coalesce((
                select version from events where stream = s.stream
                order by version desc limit 1), 0) as version
            from (select distinct stream from written) s
        ), partitions as (
            select p.partition, coalesce((
                select sequence from events where partition = p.partition
                order by sequence desc limit 1), 0) as sequence
            from (select distinct partition from written) p
        ), inserted as (
            insert into events
            select w.position, w.stream, (s.version + w.in_stream)::integer, w.event_id, w.partition,
                   p.sequence + w.in_partition, w.type, w.type_version, w.subject, w.source,
                   coalesce(w.occurred_at, last.now), w.offset_minutes, w.precision_, w.basis,
                   w.business_date, w.traffic, last.now, w.actor, w.correlation_id, w.causation_id,
                   w.command_id, w.fingerprint, w.state
            from written w join streams s using (stream) join partitions p using (partition)
            order by w.position
            returning position, version, sequence
        )
        select w.request, 'written', w.ord::integer, i.position, i.version, i.sequence
        from inserted i join written w using (position)
        order by i.position;

    -- A hint for readers; their poll is the truth.
    perform pg_notify('store_moved', '');
end
$$;

-- Who is behind each look-up. Rows go in sorted, so that two processes never wait for each other in
-- a circle; the first one to insert an identifier wins, with its subject and its identity key.
create function resolve(
    i_lookup bytea[], i_subject text[], i_kind text[], i_sealed text[],
    i_key_id bytea[], i_wrapped bytea[]
) returns table (lookup bytea, subject text)
language plpgsql as $$
#variable_conflict use_column
begin
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
