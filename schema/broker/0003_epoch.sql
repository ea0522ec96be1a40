-- The turn of the epoch. taken: the member has fetched its copy.
ALTER TABLE epoch_key ADD COLUMN taken BIGINT NOT NULL DEFAULT 0;

-- What an admin has sealed for the epoch to come. Key '' is prev.
CREATE TABLE epoch_stage (
	mesh	BIGINT NOT NULL,
	member	TEXT NOT NULL,
	key	TEXT NOT NULL,
	epoch	BIGINT NOT NULL,
	sealed	TEXT NOT NULL,
	PRIMARY KEY (mesh, member, key)
) CLUSTERED;

-- The key of epoch - 1 under that of epoch.
CREATE TABLE epoch_prev (
	mesh	BIGINT NOT NULL,
	epoch	BIGINT NOT NULL,
	prev	TEXT NOT NULL,
	PRIMARY KEY (mesh, epoch)
) CLUSTERED;

-- Queues of members that are out: their mail expires, a slice at a time.
CREATE TABLE queue_gone (
	queue	BIGINT NOT NULL PRIMARY KEY
) CLUSTERED;
