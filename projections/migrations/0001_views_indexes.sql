-- Made after a bulk load, before the tables are read: only what the reads ask for.
ALTER TABLE timeline ADD PRIMARY KEY (position);
CREATE INDEX timeline_license ON timeline (license_id, sequence);
ALTER TABLE audit_trail ADD PRIMARY KEY (position);
CREATE UNIQUE INDEX audit_trail_ordinal ON audit_trail (source, ordinal);
CREATE INDEX audit_trail_subject ON audit_trail (subject, position);
CREATE INDEX audit_trail_digest ON audit_trail (digest);
CREATE INDEX license_serial ON license (serial, source_system);
CREATE INDEX chain_act_holder ON chain_act (position) WHERE chain = 'holder';
CREATE INDEX audit_trail_source_row ON audit_trail (source_system, source_ref)
    WHERE source_ref <> '' AND verdict = 'accepted';
