extension Schema {
    static let chain = Schema(applicationID: 0x5142_4348, steps: chainSteps)  // "QBCH"

    private static let chainSteps = [
        """
        CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
        -- the ledger's state as of flushed_height: what the kinds are and what a value says is the ledger's affair
        CREATE TABLE state (kind INTEGER NOT NULL, id BLOB NOT NULL, value BLOB NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
        -- the last block of each epoch, for ever: who was elected, and who signed that
        CREATE TABLE epochs (height INTEGER PRIMARY KEY, header BLOB NOT NULL, certificate BLOB NOT NULL);
        -- what the light client has verified and trusts
        CREATE TABLE trusted (height INTEGER PRIMARY KEY, block BLOB NOT NULL);
        -- receipts of one's own accounts
        CREATE TABLE receipts (
            account BLOB NOT NULL, time INTEGER NOT NULL, height INTEGER NOT NULL, place INTEGER NOT NULL,
            receipt BLOB NOT NULL, PRIMARY KEY (account, time, height, place)) WITHOUT ROWID;
        """,
        """
        -- in the order of the state tree, in which snapshots are written; the state is made anew from the block log
        DROP TABLE state;
        DELETE FROM meta WHERE key = 'flushed_height';
        CREATE TABLE state (path BLOB PRIMARY KEY, kind INTEGER NOT NULL, id BLOB NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;
        -- who was elected, by what headers name them by; kept with the epochs
        CREATE TABLE delegates (hash BLOB PRIMARY KEY, delegates BLOB NOT NULL) WITHOUT ROWID;
        """,
    ]
}
