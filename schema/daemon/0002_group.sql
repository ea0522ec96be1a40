-- Messages to many.

-- A recipient that a label stood for: via is the label, target its session.
ALTER TABLE outbox_copy ADD COLUMN via TEXT NOT NULL DEFAULT '';
-- The label it was said to; '' when it was said to one.
ALTER TABLE inbox ADD COLUMN target TEXT NOT NULL DEFAULT '';
-- How far the list of receipts for the session's messages to labels was read.
ALTER TABLE session ADD COLUMN heard BIGINT NOT NULL DEFAULT 0;

-- What happened in a mesh, the newest of it.
CREATE TABLE event (
	n	ROWKEY,
	mesh	BIGINT NOT NULL,
	name	TEXT NOT NULL,
	peer	TEXT NOT NULL,		-- whom it is about; '' when nobody
	text	TEXT NOT NULL,		-- for people
	data	TEXT NOT NULL,		-- as it was told, JSON object
	proven	BIGINT NOT NULL,	-- 1: from a signed act, not a broker's word
	at	BIGINT NOT NULL
);
CREATE INDEX event_mesh ON event (mesh, n);
