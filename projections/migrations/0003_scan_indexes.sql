-- What the consistency scan asks for, made after a bulk load like those of 0001.
CREATE INDEX license_nonstandard ON license (license_id)
    WHERE flags @> '{nonstandard_identifier}'::text[];
