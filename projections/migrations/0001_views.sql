-- The derived tables. Names are unqualified: search_path says which schema they go to.
-- Times are UTC microseconds, days count from 1970-01-01 in UTC+8, digests are 32 bytes.
-- Key texts sort by bytes, so digests of tables do not depend on a locale.

-- What admission asks of a chain again: the facts of its accepted acts; the last one is
-- the chain's head. The key is the promise of one accepted event per place in a chain.
CREATE TABLE chain_act (
    chain    text COLLATE "C" NOT NULL,
    subject  text COLLATE "C" NOT NULL,
    sequence bigint NOT NULL,
    position bigint NOT NULL,
    digest   bytea  NOT NULL,
    facts    bytea  NOT NULL,  -- msgpack of the act
    PRIMARY KEY (subject, chain, sequence)
) WITH (toast_tuple_target = 8160);

-- One row per license. The columns from terminal to paused_until give the state of any
-- day from settled_day on; an earlier day is folded again from chain_act.
CREATE TABLE license (
    license_id      text COLLATE "C" NOT NULL PRIMARY KEY,
    type_code       text    NOT NULL,
    issuer          text    NOT NULL,
    serial          text COLLATE "C" NOT NULL,
    source_system   text COLLATE "C" NOT NULL,  -- of the opening act
    source_ref      text COLLATE "C" NOT NULL,
    area            text    NOT NULL,
    type_version    integer NOT NULL,
    opening         text    NOT NULL,
    version         integer NOT NULL,
    identifier      text    NOT NULL,
    terminal        text    NOT NULL,
    terminal_day    integer,
    after           text    NOT NULL,
    ground          text    NOT NULL,
    merged_into     text    NOT NULL,
    valid_from      integer,
    valid_until     integer,
    renewal_pending boolean NOT NULL,
    suspended_until integer,  -- 2147483647: no end; null: not suspended
    paused_until    integer,
    settled_day     integer NOT NULL,
    flags           text[]  NOT NULL,
    license         bytea   NOT NULL,  -- msgpack of the folded license, face and all
    sequence        bigint  NOT NULL,
    last_position   bigint  NOT NULL
) WITH (toast_tuple_target = 8160);

-- One row per accepted act of a license, states as shown on its effective day.
CREATE TABLE timeline (
    position           bigint  NOT NULL,
    license_id         text COLLATE "C" NOT NULL,
    sequence           bigint  NOT NULL,
    act                text    NOT NULL,
    source_act         text    NOT NULL,
    effective_day      integer NOT NULL,
    effective_at       bigint  NOT NULL,
    recorded_at        bigint  NOT NULL,
    state_before       text    NOT NULL,
    state_after        text    NOT NULL,
    version            integer NOT NULL,
    changed            jsonb   NOT NULL,
    flags              text[]  NOT NULL,
    decision_number    text    NOT NULL,
    reason_code        text    NOT NULL,
    authority          text    NOT NULL,
    deciding_authority text    NOT NULL,
    signers            text[]  NOT NULL,
    digest             bytea   NOT NULL
);

-- One row per record, refused ones too. What a refused record says is escaped, and null
-- where it could not be read at all.
CREATE TABLE audit_trail (
    position        bigint NOT NULL,
    source          text COLLATE "C" NOT NULL,
    ordinal         bigint NOT NULL,
    seal_no         bigint NOT NULL,
    recorded_at     bigint NOT NULL,
    leaf            bytea  NOT NULL,
    verdict         text   NOT NULL,
    detail          text   NOT NULL,  -- the message to the publisher
    digest          bytea,
    chain           text,
    subject         text COLLATE "C",
    sequence        bigint,
    act             text,
    effective_at    bigint,
    signed_at       bigint,
    authority       text,
    channel         text,
    decision_number text,
    source_system   text,
    source_ref      text,
    signers         text[],
    handled_by      text[]  -- operator, reviewer, approver: opaque references
);

-- Accepted registry events with their bodies: enough to make the registry again.
CREATE TABLE registry_event (
    position    bigint NOT NULL PRIMARY KEY,
    recorded_at bigint NOT NULL,
    subject     text COLLATE "C" NOT NULL,
    sequence    bigint NOT NULL,
    act         text   NOT NULL,
    digest      bytea  NOT NULL,
    body        bytea  NOT NULL
);

-- Facts and faces are mostly ciphertext: compressing them costs time and saves nothing.
-- Up to 8 KB they stay in the row.
ALTER TABLE chain_act ALTER COLUMN facts SET STORAGE EXTERNAL;
ALTER TABLE license ALTER COLUMN license SET STORAGE EXTERNAL;
ALTER TABLE registry_event ALTER COLUMN body SET STORAGE EXTERNAL;

-- The registry as it stands now; positions are those of its records.
CREATE TABLE registry_authority (
    uscc        text COLLATE "C" NOT NULL PRIMARY KEY,
    name        text   NOT NULL,
    area        text   NOT NULL,
    level       text   NOT NULL,
    roles       text[] NOT NULL,
    types       text[],  -- null: every type
    delegations jsonb  NOT NULL,
    successions jsonb  NOT NULL,
    since       bigint NOT NULL,
    ended       bigint
);

CREATE TABLE registry_key (
    key_id            bytea  NOT NULL PRIMARY KEY,
    public_key        bytea  NOT NULL,
    purpose           text   NOT NULL,
    authority         text   NOT NULL,
    since             bigint NOT NULL,
    ended             bigint,
    compromised_since bigint
);

CREATE TABLE registry_type (
    code     text COLLATE "C" NOT NULL PRIMARY KEY,
    version  integer NOT NULL,
    name     text    NOT NULL,
    name_en  text    NOT NULL,
    definer  text    NOT NULL,
    in_force boolean NOT NULL
);
