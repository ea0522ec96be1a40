-- The daemon's tables. Secrets (session seeds, epoch keys) are in here: the file
-- is 0600. Instants are ms since 1970. Integers key what is hot.

CREATE TABLE mesh (
	no		ROWKEY,
	id		TEXT NOT NULL UNIQUE,
	slug		TEXT NOT NULL UNIQUE,
	broker		TEXT NOT NULL,		-- URL as it is dialled
	me		TEXT NOT NULL,		-- my name there
	daemon_id	TEXT NOT NULL,		-- names my queue
	history		TEXT NOT NULL,		-- of the cursor; '' when none yet
	seq		BIGINT NOT NULL,	-- all mail up to it is in the inbox
	gap		BIGINT NOT NULL,	-- 1: a broker told of missing mail
	warning		TEXT NOT NULL,		-- what the user must know
	joined_at	BIGINT NOT NULL
);

-- The roll, byte for byte. What it means is replayed from it at start.
CREATE TABLE act (
	mesh	BIGINT NOT NULL,
	n	BIGINT NOT NULL,
	bytes	TEXT NOT NULL,
	PRIMARY KEY (mesh, n)
) CLUSTERED;

CREATE TABLE epoch (
	mesh	BIGINT NOT NULL,
	n	BIGINT NOT NULL,
	secret	TEXT NOT NULL,			-- 64 hex digits
	PRIMARY KEY (mesh, n)
) CLUSTERED;

CREATE TABLE session (
	no		ROWKEY,
	id		TEXT NOT NULL UNIQUE,
	mesh		BIGINT NOT NULL,
	key		TEXT NOT NULL UNIQUE,
	seed		TEXT NOT NULL,
	name		TEXT NOT NULL,
	home		BIGINT NOT NULL,
	state		TEXT NOT NULL,		-- open, ended or refused
	reason		TEXT NOT NULL,
	pid		BIGINT NOT NULL,
	pid_start	BIGINT NOT NULL,	-- tells a pid from its reuse
	hello		TEXT NOT NULL,		-- session_hello's own fields, JSON
	profile		TEXT NOT NULL,		-- set_profile, JSON
	opened_at	BIGINT NOT NULL,
	ended_at	BIGINT NOT NULL
);
CREATE INDEX session_mesh ON session (mesh, no);

CREATE TABLE outbox (
	n		ROWKEY,
	id		TEXT NOT NULL UNIQUE,
	mesh		BIGINT NOT NULL,
	session		BIGINT NOT NULL,
	body		TEXT NOT NULL,
	priority	TEXT NOT NULL,
	reply_to	TEXT NOT NULL,
	expects		TEXT NOT NULL,
	sent_at		BIGINT NOT NULL
);
CREATE INDEX outbox_mesh ON outbox (mesh, n);

-- One row per recipient. open: 1 still to be sent, 2 stored and not settled,
-- 0 settled.
CREATE TABLE outbox_copy (
	outbox	BIGINT NOT NULL,
	i	BIGINT NOT NULL,
	mesh	BIGINT NOT NULL,
	target	TEXT NOT NULL,
	name	TEXT NOT NULL,
	meant	TEXT NOT NULL,		-- member mail: the session that was meant
	rung	TEXT NOT NULL,
	reason	TEXT NOT NULL,
	at	BIGINT NOT NULL,
	doc	TEXT NOT NULL,		-- the signed evidence
	open	BIGINT NOT NULL,
	PRIMARY KEY (outbox, i)
) CLUSTERED;
CREATE INDEX outbox_copy_queued ON outbox_copy (mesh, outbox) WHERE open = 1;
CREATE INDEX outbox_copy_stored ON outbox_copy (mesh, outbox) WHERE open = 2;

-- What came. The UNIQUE is what makes delivery happen once. told: the sender
-- has been told of receipt.
CREATE TABLE inbox (
	n		ROWKEY,
	mesh		BIGINT NOT NULL,
	id		TEXT NOT NULL,
	from_key	TEXT NOT NULL,
	from_member	TEXT NOT NULL,
	from_name	TEXT NOT NULL,
	to_key		TEXT NOT NULL,
	session		BIGINT NOT NULL,	-- whose inbox; it signs the receipt
	body		TEXT NOT NULL,
	priority	TEXT NOT NULL,
	reply_to	TEXT NOT NULL,
	expects		TEXT NOT NULL,
	verified	BIGINT NOT NULL,
	problem		TEXT NOT NULL,
	sent_at		BIGINT NOT NULL,
	received_at	BIGINT NOT NULL,
	receipt		TEXT NOT NULL,
	reason		TEXT NOT NULL,
	told		BIGINT NOT NULL,
	seen		BIGINT NOT NULL,	-- read by the user
	UNIQUE (mesh, from_key, id, to_key)
);
CREATE INDEX inbox_told ON inbox (mesh, n) WHERE told = 0;
CREATE INDEX inbox_held ON inbox (session) WHERE receipt = 'held';
CREATE INDEX inbox_unread ON inbox (session, n) WHERE seen = 0;

-- Sessions of others, as their attestations proved them.
CREATE TABLE peer (
	mesh		BIGINT NOT NULL,
	key		TEXT NOT NULL,
	member		TEXT NOT NULL,
	name		TEXT NOT NULL,
	attestation	TEXT NOT NULL,
	home		BIGINT NOT NULL,
	seen_at		BIGINT NOT NULL,
	PRIMARY KEY (mesh, key)
) CLUSTERED;

-- The member a name first meant.
CREATE TABLE pin (
	mesh	BIGINT NOT NULL,
	name	TEXT NOT NULL,
	member	TEXT NOT NULL,
	PRIMARY KEY (mesh, name)
) CLUSTERED;
