-- The newest version of each record that was seen: a broker that shows an older
-- one, or none, is caught.

CREATE TABLE record_seen (
	mesh	BIGINT NOT NULL,
	kind	TEXT NOT NULL,			-- state or memory
	key	TEXT NOT NULL,
	version	BIGINT NOT NULL,
	gone	BIGINT NOT NULL,
	doc	TEXT NOT NULL,			-- SHA-256 of the document
	PRIMARY KEY (mesh, kind, key)
) CLUSTERED;
