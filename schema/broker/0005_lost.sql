-- What was said to labels up to this was dropped before the queue's daemon, being
-- away, had fetched it: it is told of a gap.
ALTER TABLE queue ADD COLUMN lost BIGINT NOT NULL DEFAULT 0;
