-- Archives: who holds what, how licenses go on as others, what their fields were.
-- Tables are made empty and filled from the log, so a column may come without a default.

-- The effective day of the opening act.
ALTER TABLE license ADD COLUMN opened_day integer NOT NULL;

-- How one event left one holder of one license. Rows are only added: the last one of a
-- holder and a license says how it is now.
CREATE TABLE holder_archive (
    ref           bytea   NOT NULL,  -- holder_ref: opaque, 32 bytes
    license_id    text COLLATE "C" NOT NULL,
    position      bigint  NOT NULL,
    kind          text    NOT NULL,
    code          text COLLATE "C" NOT NULL,  -- organisations only
    place         integer,  -- 0 first, 1 and on beside the first; null: holds it no more
    act           text    NOT NULL,
    effective_day integer NOT NULL
);

-- Acts that join licenses: LINK, TRANSFER_OUT (other is empty), TRANSFER_IN.
CREATE TABLE license_descent (
    position      bigint  NOT NULL,
    license_id    text COLLATE "C" NOT NULL,
    act           text    NOT NULL,
    other         text COLLATE "C" NOT NULL,
    effective_day integer NOT NULL
);

-- What one act behind the opening did to one field. Rows are only added; a field without
-- any has the value that the opening gave it. Encrypted values stay encrypted.
CREATE TABLE field_history (
    license_id   text COLLATE "C" NOT NULL,
    field        text COLLATE "C" NOT NULL,
    position     bigint  NOT NULL,
    act          text    NOT NULL,
    old          jsonb,             -- what stood before, as it was known then
    old_position bigint,            -- the act that said it
    new          jsonb,             -- what the act says, or what shows again after it
    new_position bigint,
    stands       boolean NOT NULL   -- false: of a past that came late, or was corrected
);
