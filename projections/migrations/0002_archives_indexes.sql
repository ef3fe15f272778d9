-- Made after a bulk load, like those of 0001.
ALTER TABLE holder_archive ADD PRIMARY KEY (ref, license_id, position);
CREATE INDEX holder_archive_code ON holder_archive (code, license_id) WHERE code <> '';
ALTER TABLE license_descent ADD PRIMARY KEY (position);
CREATE INDEX license_descent_license ON license_descent (license_id);
CREATE INDEX license_descent_other ON license_descent (other) WHERE other <> '';
ALTER TABLE field_history ADD PRIMARY KEY (license_id, field, position);
-- Narrow enough to count the licenses of a province without reading their faces.
CREATE INDEX license_directory ON license (issuer, type_code, area) INCLUDE (
    opened_day, opening, terminal, after, valid_until, renewal_pending,
    suspended_until, paused_until, settled_day
);
