-- A history as version 1 wrote it: from sqlite3's .dump, with the pragmas that it leaves out.
BEGIN TRANSACTION;
CREATE TABLE measures (
        turn INTEGER NOT NULL REFERENCES turns (id) ON DELETE CASCADE,
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        value REAL,
        unit TEXT NOT NULL,
        resolution REAL NOT NULL,
        PRIMARY KEY (turn, kind, subject)
    );
INSERT INTO "measures" VALUES(1,'recovery','deployment/demo/web',4.5,'s',0.2);
CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        began TEXT NOT NULL,
        ended TEXT,
        state TEXT NOT NULL,
        why TEXT NOT NULL,
        profile TEXT NOT NULL,
        cluster TEXT NOT NULL,
        gameday TEXT NOT NULL,
        environment TEXT NOT NULL,
        planned INTEGER NOT NULL
    );
INSERT INTO "runs" VALUES('old','2026-10-01T01:00:00.000000Z','2026-10-01T01:10:00.000000Z','finished','','ci','kind','','{}',1);
CREATE TABLE scenarios (
        id INTEGER PRIMARY KEY,
        file TEXT NOT NULL,
        template TEXT NOT NULL,
        example TEXT NOT NULL,
        name TEXT NOT NULL,
        feature TEXT NOT NULL,
        UNIQUE (file, template, example)
    );
INSERT INTO "scenarios" VALUES(1,'features/recovery/web.feature','Web recovers','{}','Web recovers','Recovery');
CREATE TABLE turns (
        id INTEGER PRIMARY KEY,
        run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        scenario INTEGER NOT NULL REFERENCES scenarios (id),
        folder TEXT NOT NULL,
        outcome TEXT NOT NULL,
        message TEXT NOT NULL,
        began TEXT NOT NULL,
        ended TEXT NOT NULL,
        alarms INTEGER,
        false_alarms INTEGER,
        UNIQUE (run, folder)
    );
INSERT INTO "turns" VALUES(1,'old',1,'web-recovers','passed','','2026-10-01T01:00:00.000000Z','2026-10-01T01:01:00.000000Z',1,0);
CREATE TABLE verdicts (
        turn INTEGER NOT NULL REFERENCES turns (id) ON DELETE CASCADE,
        place INTEGER NOT NULL,
        name TEXT NOT NULL,
        judge TEXT NOT NULL,
        status TEXT NOT NULL,
        expected TEXT NOT NULL,
        figure REAL,
        said TEXT,
        unit TEXT NOT NULL,
        resolution_s REAL NOT NULL,
        reason TEXT NOT NULL,
        profile TEXT NOT NULL,
        PRIMARY KEY (turn, place)
    );
INSERT INTO "verdicts" VALUES(1,0,'deployment/demo/web recovers within 30 s','recovered_within','met','Ready again',4.5,NULL,'s',0.2,'','ci');
CREATE INDEX turns_by_scenario ON turns (scenario, run);
CREATE INDEX runs_by_began ON runs (profile, cluster, began);
COMMIT;
PRAGMA journal_mode = WAL;
PRAGMA application_id = 1097233512;
PRAGMA user_version = 1;
