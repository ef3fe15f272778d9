"""The SQL of the seal head: its tables, and one statement per constant."""

from __future__ import annotations

from typing import Final

# Hashes do not compress. A tile that still grows stays in its row, which is quicker to
# replace; the full 8 KB do not fit one and go to the side table as they are.
CREATE: Final = """
CREATE SCHEMA IF NOT EXISTS head;
CREATE TABLE IF NOT EXISTS head.head (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    seal_no bigint NOT NULL,
    digest bytea NOT NULL,
    published bigint NOT NULL,
    seals_next bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS head.seal (
    seal_no bigint PRIMARY KEY,
    digest bytea NOT NULL,
    sealed_at bigint NOT NULL,
    tree_size bigint NOT NULL,
    root bytea NOT NULL,
    nexts jsonb NOT NULL,
    verdict_nexts jsonb NOT NULL,
    registry boolean NOT NULL,
    data bytea NOT NULL
);
CREATE INDEX IF NOT EXISTS seal_tree_size ON head.seal (tree_size, seal_no);
CREATE INDEX IF NOT EXISTS seal_registry ON head.seal (seal_no) WHERE registry;
CREATE TABLE IF NOT EXISTS head.tile (
    level integer NOT NULL,
    index bigint NOT NULL,
    hashes bytea NOT NULL,
    PRIMARY KEY (level, index)
) WITH (toast_tuple_target = 8160);
ALTER TABLE head.tile ALTER COLUMN hashes SET STORAGE EXTERNAL;
CREATE TABLE IF NOT EXISTS head.verdict (
    seal_no bigint NOT NULL,
    source text NOT NULL,
    first bigint NOT NULL,
    count bigint NOT NULL,
    root bytea NOT NULL,
    refused jsonb NOT NULL,
    carried_in bigint,
    PRIMARY KEY (seal_no, source, first)
);
CREATE INDEX IF NOT EXISTS verdict_waiting ON head.verdict (first)
    WHERE carried_in IS NULL;
CREATE TABLE IF NOT EXISTS head.gap (
    source text NOT NULL,
    ordinal bigint NOT NULL,
    "offset" bigint NOT NULL CHECK ("offset" > ordinal),
    PRIMARY KEY (source, ordinal)
);
CREATE TABLE IF NOT EXISTS head.gap (
    source text NOT NULL,
    ordinal bigint NOT NULL,
    kafka_offset bigint NOT NULL,
    PRIMARY KEY (source, ordinal)
);
INSERT INTO head.head (seal_no, digest, published, seals_next)
VALUES (-1, decode(repeat('00', 32), 'hex'), -1, 0) ON CONFLICT DO NOTHING;
"""

LOAD: Final = """
SELECT h.seal_no, h.digest, h.published, h.seals_next, s.data,
    s.digest, s.sealed_at, s.tree_size, s.root, s.nexts, s.verdict_nexts
FROM head.head AS h LEFT JOIN head.seal AS s USING (seal_no)
"""

# Everything hangs on the first part: whoever loses the swap writes nothing. It waits
# there for a rival's commit and then finds the head moved.
COMMIT: Final = """
WITH won AS (
    UPDATE head.head SET seal_no = %(seal_no)s::bigint, digest = %(digest)b::bytea
    WHERE seal_no = %(expected_no)s::bigint AND digest = %(expected_digest)b::bytea
    RETURNING seal_no
), sealed AS (
    INSERT INTO head.seal (seal_no, digest, sealed_at, tree_size, root, nexts,
        verdict_nexts, registry, data)
    SELECT seal_no, %(digest)b::bytea, %(sealed_at)s::bigint, %(tree_size)s::bigint,
        %(root)b::bytea, %(nexts)s::jsonb, %(verdict_nexts)s::jsonb,
        %(registry)s::boolean, %(data)b::bytea
    FROM won
), tiled AS (
    INSERT INTO head.tile AS t (level, index, hashes)
    SELECT given.* FROM won, unnest(%(levels)s::integer[], %(indexes)s::bigint[],
        %(hashes)b::bytea[]) AS given
    ON CONFLICT (level, index) DO UPDATE SET hashes = excluded.hashes
), carried AS (
    INSERT INTO head.verdict AS v (seal_no, source, first, count, root, refused,
        carried_in)
    SELECT given.seal_no, source, first, count, root, refused::jsonb, won.seal_no
    FROM won, unnest(%(seal_nos)s::bigint[], %(sources)s::text[], %(firsts)s::bigint[],
        %(counts)s::bigint[], %(roots)b::bytea[], %(refused)s::text[])
        AS given (seal_no, source, first, count, root, refused)
    ON CONFLICT (seal_no, source, first) DO UPDATE SET carried_in = excluded.carried_in
)
SELECT seal_no FROM won
"""

WRITE_TILES: Final = """
INSERT INTO head.tile AS t (level, index, hashes)
SELECT * FROM unnest(%(levels)s::integer[], %(indexes)s::bigint[], %(hashes)b::bytea[])
ON CONFLICT (level, index) DO UPDATE SET hashes = excluded.hashes
"""

WRITE_CARRIED: Final = """
INSERT INTO head.verdict AS v (seal_no, source, first, count, root, refused, carried_in)
SELECT seal_no, source, first, count, root, refused::jsonb, %(seal_no)s::bigint
FROM unnest(%(seal_nos)s::bigint[], %(sources)s::text[], %(firsts)s::bigint[],
    %(counts)s::bigint[], %(roots)b::bytea[], %(refused)s::text[])
    AS given (seal_no, source, first, count, root, refused)
ON CONFLICT (seal_no, source, first) DO UPDATE SET carried_in = excluded.carried_in
"""

# Not waiting for the disk is safe here, see HeadStore.mark_published.
PUBLISH: Final = """
UPDATE head.head SET published = %(seal_no)s::bigint, seals_next = %(seals_next)s::bigint
FROM (SELECT set_config('synchronous_commit', 'off', true)) AS quick
WHERE seal_no = %(seal_no)s::bigint AND published < %(seal_no)s::bigint
"""

# All parts see the table as it was before: a row that is found there is an older offer.
OFFER: Final = """
WITH given AS (
    SELECT seal_no, source, first, count, root, refused::jsonb
    FROM unnest(%(seal_nos)s::bigint[], %(sources)s::text[], %(firsts)s::bigint[],
        %(counts)s::bigint[], %(roots)b::bytea[], %(refused)s::text[])
        AS given (seal_no, source, first, count, root, refused)
), added AS (
    INSERT INTO head.verdict (seal_no, source, first, count, root, refused)
    SELECT * FROM given ON CONFLICT DO NOTHING
)
SELECT pg_notify('ledger_verdicts', ''), v.seal_no, v.source, v.first
FROM (SELECT) AS always LEFT JOIN (
    given JOIN head.verdict AS v USING (seal_no, source, first)
) ON (v.count, v.root, v.refused) <> (given.count, given.root, given.refused)
LIMIT 1
"""

OFFERED: Final = """
SELECT seal_no, source, first, count, root, refused FROM head.verdict
WHERE carried_in IS NULL ORDER BY first LIMIT %(limit)s::bigint
"""

CARRIED_BY: Final = """
SELECT v.seal_no, source, first, count, root, refused,
    CASE WHEN carried_in <= published THEN carried_in END
FROM head.verdict AS v, head.head
WHERE v.seal_no = %(seal_no)s::bigint AND source = %(source)s::text
    AND %(position)s::bigint >= first AND %(position)s::bigint < first + count
"""

PUBLISHED: Final = """
SELECT data FROM head.seal WHERE seal_no = (SELECT published FROM head.head)
"""

SEAL: Final = "SELECT data FROM head.seal WHERE seal_no = %(seal_no)s::bigint"

TIP: Final = """
SELECT digest, sealed_at, tree_size, root, nexts, verdict_nexts FROM head.seal
WHERE seal_no = %(seal_no)s::bigint
"""

SEAL_OF_POSITION: Final = """
SELECT seal_no FROM head.seal
WHERE tree_size > %(position)s::bigint AND %(position)s::bigint >= 0
    AND seal_no <= (SELECT published FROM head.head)
ORDER BY tree_size, seal_no LIMIT 1
"""

SEALS: Final = """
SELECT seal_no, data FROM head.seal
WHERE seal_no >= %(start)s::bigint ORDER BY seal_no LIMIT %(n)s::bigint
"""

REGISTRY_SEALS: Final = """
SELECT seal_no, data FROM head.seal
WHERE registry AND seal_no >= %(start)s::bigint
ORDER BY seal_no LIMIT %(n)s::bigint
"""

TILE: Final = """
SELECT hashes FROM head.tile
WHERE level = %(level)s::integer AND index = %(index)s::bigint
"""

TILES_AT: Final = """
SELECT level, index, hashes FROM head.tile
JOIN unnest(%(levels)s::integer[], %(indexes)s::bigint[]) AS asked (level, index)
    USING (level, index)
"""

TILES: Final = """
SELECT level, index, hashes FROM head.tile
WHERE (level, index) > (%(level)s::integer, %(index)s::bigint)
ORDER BY level, index LIMIT %(n)s::bigint
"""

# What the seals cover was scanned to the end before: its gaps are all here.
KNOWN: Final = """
SELECT CASE WHEN %(source)s::text = 'seals' THEN seals_next
    ELSE coalesce((nexts ->> %(source)s::text)::bigint, 0) END
FROM head.head LEFT JOIN head.seal USING (seal_no)
"""

GAPS: Final = """
SELECT ordinal, "offset" FROM head.gap WHERE source = %(source)s::text ORDER BY ordinal
"""

NOTE_GAP: Final = """
INSERT INTO head.gap (source, ordinal, "offset")
VALUES (%(source)s::text, %(ordinal)s::bigint, %(offset)s::bigint)
ON CONFLICT DO NOTHING
"""

GAP: Final = """
SELECT "offset" FROM head.gap
WHERE source = %(source)s::text AND ordinal = %(ordinal)s::bigint
"""
