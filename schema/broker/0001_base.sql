-- The broker's tables. Ciphertext stays the base64 text it travels in. Hot
-- tables (message, sent, queue) are keyed by integers. Instants are ms since 1970.

CREATE TABLE meta (
	key	TEXT NOT NULL PRIMARY KEY,	-- history, log_seed, seq
	value	TEXT NOT NULL
) CLUSTERED;

CREATE TABLE mesh (
	no		ROWKEY,
	id		TEXT NOT NULL UNIQUE,
	created_at	BIGINT NOT NULL
);

-- The roll, byte for byte. Nothing of it is kept in another form on disk.
CREATE TABLE act (
	mesh	BIGINT NOT NULL,
	n	BIGINT NOT NULL,
	bytes	TEXT NOT NULL,
	PRIMARY KEY (mesh, n)
) CLUSTERED;

-- Which mesh an invite key leads to.
CREATE TABLE invite (
	key	TEXT NOT NULL PRIMARY KEY,
	mesh	BIGINT NOT NULL
) CLUSTERED;

-- Epoch keys, sealed to member keys and invite keys.
CREATE TABLE epoch_key (
	mesh	BIGINT NOT NULL,
	key	TEXT NOT NULL,
	epoch	BIGINT NOT NULL,
	sealed	TEXT NOT NULL,
	PRIMARY KEY (mesh, key, epoch)
) CLUSTERED;

-- A queue of a daemon (daemon is its id) or of a member (daemon is ''). acked is
-- the daemon's cursor: it covers its own queue and its member's.
CREATE TABLE queue (
	no	ROWKEY,
	mesh	BIGINT NOT NULL,
	member	TEXT NOT NULL,
	daemon	TEXT NOT NULL,
	acked	BIGINT NOT NULL,
	seen_at	BIGINT NOT NULL,
	UNIQUE (mesh, member, daemon)
);

CREATE TABLE session (
	no		ROWKEY,
	mesh		BIGINT NOT NULL,
	key		TEXT NOT NULL,
	member		TEXT NOT NULL,
	queue		BIGINT NOT NULL,
	attestation	TEXT NOT NULL,
	profile		TEXT NOT NULL,	-- JSON object
	seen_at		BIGINT NOT NULL,
	UNIQUE (mesh, key)
);
CREATE INDEX session_seen ON session (seen_at);
CREATE INDEX session_member ON session (mesh, member);

-- One row per copy on its way. seq is given by the broker and never reused. size
-- counts the ciphertext; the long columns come last, so that the others are read
-- without them.
CREATE TABLE message (
	seq		ROWKEY,
	mesh		BIGINT NOT NULL,
	queue		BIGINT NOT NULL,
	sender		BIGINT NOT NULL,	-- session.no
	size		BIGINT NOT NULL,
	created_at	BIGINT NOT NULL,
	id		TEXT NOT NULL,
	target		TEXT NOT NULL,
	priority	TEXT NOT NULL,
	sender_name	TEXT NOT NULL,
	nonce		TEXT NOT NULL,
	ciphertext	TEXT NOT NULL
);
CREATE INDEX message_queue ON message (queue, seq, sender, size);

-- What became of every copy: deduplicates sends, answers message_status.
CREATE TABLE sent (
	sender	BIGINT NOT NULL,	-- session.no
	id	TEXT NOT NULL,
	target	TEXT NOT NULL,
	receipt	TEXT NOT NULL,
	reason	TEXT NOT NULL,
	at	BIGINT NOT NULL,
	doc	BIGINT NOT NULL,	-- receipt.no, 0: none
	PRIMARY KEY (sender, id, target)
) CLUSTERED;
CREATE INDEX sent_at ON sent (at);

-- Signed receipts; one covers many messages.
CREATE TABLE receipt (
	no	ROWKEY,
	doc	TEXT NOT NULL,
	at	BIGINT NOT NULL
);
CREATE INDEX receipt_at ON receipt (at);

-- Rows that create are answered the same when asked again.
CREATE TABLE once (
	session	BIGINT NOT NULL,
	reqid	TEXT NOT NULL,
	reply	TEXT NOT NULL,
	at	BIGINT NOT NULL,
	PRIMARY KEY (session, reqid)
) CLUSTERED;
CREATE INDEX once_at ON once (at);
