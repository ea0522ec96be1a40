-- Groups and tags of sessions, and who was written to by them.

-- A label a session bears: @name with its role there, or tag:key=value.
CREATE TABLE label (
	session	BIGINT NOT NULL,	-- session.no
	label	TEXT NOT NULL,
	mesh	BIGINT NOT NULL,
	role	TEXT NOT NULL,
	PRIMARY KEY (session, label)
) CLUSTERED;
CREATE INDEX label_of ON label (mesh, label);

-- What a session said of itself, for when it comes again and says nothing.
ALTER TABLE session ADD COLUMN summary TEXT NOT NULL DEFAULT '';
ALTER TABLE session ADD COLUMN hidden BIGINT NOT NULL DEFAULT 0;
ALTER TABLE session ADD COLUMN stats TEXT NOT NULL DEFAULT '';
-- The home session of its member: whom mail to the member reaches.
ALTER TABLE session ADD COLUMN home BIGINT NOT NULL DEFAULT 0;
-- When it ended by its own word or another's; 0: it is here, or only away.
ALTER TABLE session ADD COLUMN ended_at BIGINT NOT NULL DEFAULT 0;

-- An audience is a queue whose member is '' and whose daemon is the hash of the
-- sessions in it: the same set is one queue, and a message to it is one row. Each
-- daemon reads it with the cursor it has. reader is that daemon's queue.
CREATE TABLE audience (
	queue	BIGINT NOT NULL,
	session	BIGINT NOT NULL,
	reader	BIGINT NOT NULL,
	PRIMARY KEY (queue, session)
) CLUSTERED;
CREATE INDEX audience_reader ON audience (reader, queue);

-- epoch 0: a direct copy.
ALTER TABLE message ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0;
-- Of a copy to a label: the queue of its audience.
ALTER TABLE sent ADD COLUMN audience BIGINT NOT NULL DEFAULT 0;

-- Receipts for copies to labels are found by their sender, in the order they
-- came. slip tells one from a later one that says at least as much.
ALTER TABLE receipt ADD COLUMN sender BIGINT NOT NULL DEFAULT 0;
ALTER TABLE receipt ADD COLUMN slip TEXT NOT NULL DEFAULT '';
CREATE INDEX receipt_sender ON receipt (sender, no) WHERE sender <> 0;
CREATE UNIQUE INDEX receipt_slip ON receipt (sender, slip) WHERE sender <> 0;
