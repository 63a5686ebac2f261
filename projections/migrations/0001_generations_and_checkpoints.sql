-- Which tables a view fills, and how far each of them has come.

CREATE TABLE generations (
    view          text COLLATE "C" NOT NULL,
    generation    integer NOT NULL CHECK (generation > 0),
    fold_version  integer NOT NULL,
    state         text NOT NULL CHECK (state IN ('building', 'ready', 'active', 'retired')),
    made_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (view, generation)
);
CREATE UNIQUE INDEX one_active_generation ON generations (view) WHERE state = 'active';

-- The generation that readers read.
CREATE TABLE pointers (
    view        text COLLATE "C" PRIMARY KEY,
    generation  integer NOT NULL,
    moved_at    timestamptz NOT NULL DEFAULT now(),
    FOREIGN KEY (view, generation) REFERENCES generations
);

CREATE TABLE checkpoints (
    view        text COLLATE "C" NOT NULL,
    generation  integer NOT NULL,
    partition   integer NOT NULL,
    epoch       bigint NOT NULL,
    position    bigint NOT NULL DEFAULT 0,
    sequence    bigint NOT NULL DEFAULT 0,
    -- Sum of the event ids taken over, as 128-bit numbers, modulo 2^128: independent of order.
    digest      numeric(39) NOT NULL DEFAULT 0,
    -- Counts changes of the rows that do not move the checkpoint: held retries, repairs.
    revision    bigint NOT NULL DEFAULT 0,
    -- Where the feed left off, in the feed's own terms.
    hint        text,
    updated_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (view, generation, partition),
    FOREIGN KEY (view, generation) REFERENCES generations ON DELETE CASCADE
) WITH (fillfactor = 50);

-- Subjects that one projector waits for: their events are taken over and not folded.
CREATE TABLE held_subjects (
    view            text COLLATE "C" NOT NULL,
    generation      integer NOT NULL,
    partition       integer NOT NULL,
    subject         text COLLATE "C" NOT NULL,
    since_sequence  bigint NOT NULL,
    since_position  bigint NOT NULL,
    event_id        uuid NOT NULL,
    -- An exception's class and the line that raised it; never its text.
    cause           text NOT NULL,
    events          bigint NOT NULL,
    held_at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (view, generation, subject),
    FOREIGN KEY (view, generation) REFERENCES generations ON DELETE CASCADE
);
