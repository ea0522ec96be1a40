-- What the members share: records, signed by who wrote them.

-- Attestations of sessions whose records are kept: who signed can be proven when
-- the session is long gone. Dropped with the last record that needs it.
CREATE TABLE vouch (
	no		ROWKEY,
	mesh		BIGINT NOT NULL,
	session		TEXT NOT NULL,
	expires_at	BIGINT NOT NULL,
	attestation	TEXT NOT NULL,
	UNIQUE (mesh, session, expires_at)
);

-- How much of a kind a mesh has, for its quotas; last numbers memories.
CREATE TABLE kept (
	mesh	BIGINT NOT NULL,
	kind	TEXT NOT NULL,			-- state or memory
	n	BIGINT NOT NULL,
	bytes	BIGINT NOT NULL,
	last	BIGINT NOT NULL,
	PRIMARY KEY (mesh, kind)
) CLUSTERED;

-- deleted: the version goes on. The long columns come last.
CREATE TABLE state (
	mesh		BIGINT NOT NULL,
	key		TEXT NOT NULL,
	version		BIGINT NOT NULL,
	deleted		BIGINT NOT NULL,
	size		BIGINT NOT NULL,
	vouch		BIGINT NOT NULL,	-- vouch.no; 0: not signed
	updated_at	BIGINT NOT NULL,
	updated_by	TEXT NOT NULL,
	doc		TEXT NOT NULL,
	value		TEXT NOT NULL,		-- JSON, as it came
	PRIMARY KEY (mesh, key)
) CLUSTERED;
CREATE INDEX state_vouch ON state (vouch) WHERE vouch <> 0;
