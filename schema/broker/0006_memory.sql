-- What the mesh remembers. no is mesh.no * 2^32 and a number of its own, so that
-- one mesh's memories lie together, here and in the full-text index.
CREATE TABLE memory (
	no		ROWKEY,
	mesh		BIGINT NOT NULL,
	id		TEXT NOT NULL,
	version		BIGINT NOT NULL,
	forgotten_at	BIGINT NOT NULL,	-- 0: it is remembered
	vouch		BIGINT NOT NULL,	-- vouch.no; 0: not signed
	remembered_at	BIGINT NOT NULL,
	remembered_by	TEXT NOT NULL,
	tags		TEXT NOT NULL,		-- one a line, each line ended
	doc		TEXT NOT NULL,
	content		TEXT NOT NULL,
	UNIQUE (mesh, id)
);
CREATE INDEX memory_vouch ON memory (vouch) WHERE vouch <> 0;
