-- Whom of a mesh's brokers is believed, when its URL is wss. Neither: who has a
-- certificate that the system's store knows.

ALTER TABLE mesh ADD COLUMN ca TEXT NOT NULL DEFAULT '';	-- PEM, instead
ALTER TABLE mesh ADD COLUMN pin TEXT NOT NULL DEFAULT '';	-- or one key, hex
