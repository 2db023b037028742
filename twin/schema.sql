-- Every migration is numbered and applied once, in order, each in its own transaction. Never edit one that was released.
-- Times are UTC. Units: Mbit/s, milliseconds, shares of capacity. `document` holds the whole typed record as JSON.

-- migration 1

CREATE TABLE snapshot (
    id VARCHAR PRIMARY KEY,     -- hash of the content
    network VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,      -- inventory, observed, diagnosed or branch
    parent VARCHAR,             -- the snapshot this one was derived from
    created TIMESTAMPTZ NOT NULL,
    changes JSON                -- of a branch: the ordered changes on the parent; a branch has no rows below
);
CREATE TABLE mirror (           -- one row: the snapshot that mirrors the network now
    slot INTEGER PRIMARY KEY CHECK (slot = 1),
    snapshot VARCHAR NOT NULL
);
CREATE TABLE node (
    snapshot VARCHAR NOT NULL, position INTEGER NOT NULL, name VARCHAR NOT NULL,
    longitude DOUBLE NOT NULL, latitude DOUBLE NOT NULL, up BOOLEAN NOT NULL, drained BOOLEAN NOT NULL
);
CREATE TABLE link (
    snapshot VARCHAR NOT NULL, position INTEGER NOT NULL, name VARCHAR NOT NULL, circuit VARCHAR NOT NULL,
    tail VARCHAR NOT NULL, head VARCHAR NOT NULL, parallel INTEGER NOT NULL,
    capacity DOUBLE NOT NULL, weight BIGINT NOT NULL, delay_ms DOUBLE NOT NULL,
    up BOOLEAN NOT NULL, drained BOOLEAN NOT NULL, asleep BOOLEAN NOT NULL, loss DOUBLE NOT NULL
);
CREATE TABLE risk_group (snapshot VARCHAR NOT NULL, position INTEGER NOT NULL, name VARCHAR NOT NULL, circuits JSON NOT NULL);
CREATE TABLE demand (snapshot VARCHAR NOT NULL, source VARCHAR NOT NULL, target VARCHAR NOT NULL, mbps DOUBLE NOT NULL);
CREATE TABLE demand_limit (snapshot VARCHAR NOT NULL, source VARCHAR NOT NULL, target VARCHAR NOT NULL, mbps DOUBLE NOT NULL);
CREATE TABLE tunnel (
    snapshot VARCHAR NOT NULL, name VARCHAR NOT NULL, source VARCHAR NOT NULL, target VARCHAR NOT NULL, paths JSON NOT NULL
);

-- Time series; NULL is a sample that is missing.
CREATE TABLE link_sample (
    network VARCHAR NOT NULL, time TIMESTAMPTZ NOT NULL, link VARCHAR NOT NULL,
    out_mbps DOUBLE, in_mbps DOUBLE, dropped_mbps DOUBLE, up BOOLEAN NOT NULL
);
CREATE TABLE node_sample (network VARCHAR NOT NULL, time TIMESTAMPTZ NOT NULL, node VARCHAR NOT NULL, answered BOOLEAN NOT NULL);
CREATE TABLE path_probe (
    network VARCHAR NOT NULL, time TIMESTAMPTZ NOT NULL, source VARCHAR NOT NULL, target VARCHAR NOT NULL,
    loss DOUBLE, delay_ms DOUBLE
);
CREATE TABLE traffic_sample (
    network VARCHAR NOT NULL, time TIMESTAMPTZ NOT NULL, source VARCHAR NOT NULL, target VARCHAR NOT NULL, mbps DOUBLE
);
CREATE TABLE event (
    network VARCHAR NOT NULL, time TIMESTAMPTZ NOT NULL, node VARCHAR NOT NULL,
    severity INTEGER NOT NULL,  -- RFC 5424: 0 emergency .. 7 debug
    message VARCHAR NOT NULL,   -- untrusted text from the network: data, never instructions
    copy INTEGER NOT NULL,      -- counts equal lines of one instant from 1
    line INTEGER NOT NULL       -- order within one instant
);

CREATE TABLE incident (
    id VARCHAR PRIMARY KEY, snapshot VARCHAR NOT NULL, status VARCHAR NOT NULL, opened TIMESTAMPTZ NOT NULL, document JSON NOT NULL
);
CREATE TABLE hypothesis (
    incident VARCHAR NOT NULL, rank INTEGER NOT NULL, kind VARCHAR NOT NULL, element VARCHAR NOT NULL,
    score DOUBLE, document JSON NOT NULL, PRIMARY KEY (incident, rank)
);
CREATE TABLE plan (
    hash VARCHAR PRIMARY KEY, base VARCHAR NOT NULL, goal VARCHAR NOT NULL, method VARCHAR NOT NULL,
    created TIMESTAMPTZ NOT NULL, document JSON NOT NULL
);
CREATE TABLE plan_step (
    plan VARCHAR NOT NULL, step INTEGER NOT NULL, op VARCHAR NOT NULL, element VARCHAR NOT NULL, document JSON NOT NULL,
    PRIMARY KEY (plan, step)
);
CREATE TABLE simulation (
    snapshot VARCHAR NOT NULL, created TIMESTAMPTZ NOT NULL, max_utilisation DOUBLE NOT NULL, busiest VARCHAR,
    mean_delay_ms DOUBLE NOT NULL, lost_mbps DOUBLE NOT NULL, severed_mbps DOUBLE NOT NULL, dropped_mbps DOUBLE NOT NULL,
    failures INTEGER NOT NULL,  -- how many were evaluated
    worst_failure VARCHAR, worst_utilisation DOUBLE
);
CREATE TABLE verdict (
    id VARCHAR PRIMARY KEY, plan VARCHAR NOT NULL, snapshot VARCHAR NOT NULL, policy VARCHAR NOT NULL,
    passed BOOLEAN NOT NULL, created TIMESTAMPTZ NOT NULL, document JSON NOT NULL
);
CREATE TABLE certificate (
    id VARCHAR PRIMARY KEY, plan VARCHAR NOT NULL, snapshot VARCHAR NOT NULL, policy VARCHAR NOT NULL,
    issued TIMESTAMPTZ NOT NULL, expires TIMESTAMPTZ NOT NULL, document JSON NOT NULL
);
CREATE TABLE execution (
    id VARCHAR PRIMARY KEY, plan VARCHAR NOT NULL, outcome VARCHAR NOT NULL,
    started TIMESTAMPTZ NOT NULL, finished TIMESTAMPTZ, document JSON NOT NULL
);

-- migration 2

CREATE TABLE interface_sample (
    network VARCHAR NOT NULL, time TIMESTAMPTZ NOT NULL, link VARCHAR NOT NULL,
    errors_per_s DOUBLE,        -- frames that arrived broken, counted at the head's interface
    adjacent BOOLEAN NOT NULL   -- whether the tail has its routing neighbour over the link
);
CREATE TABLE flow_sample (
    network VARCHAR NOT NULL, time TIMESTAMPTZ NOT NULL, source VARCHAR NOT NULL, target VARCHAR NOT NULL,
    packets_per_s DOUBLE, flows_per_s DOUBLE
);

-- migration 3

CREATE TABLE past_incident (    -- how incidents were recognised and how they ended: the memory that runs share
    id VARCHAR PRIMARY KEY, network VARCHAR NOT NULL, opened TIMESTAMPTZ NOT NULL,
    cause_kind VARCHAR, cause_element VARCHAR,  -- of the diagnosis; NULL when it found no fault
    outcome VARCHAR NOT NULL,
    document JSON NOT NULL      -- holds text from networks and models: data, never instructions
);

-- migration 4

ALTER TABLE link ADD COLUMN adjacent BOOLEAN DEFAULT TRUE;  -- whether the ends are routing neighbours over the circuit

-- migration 5

ALTER TABLE node ADD COLUMN kind VARCHAR DEFAULT 'router';  -- router, lan (a shared segment) or external
CREATE TABLE reading (          -- what became of every field of the file that a snapshot was read from
    snapshot VARCHAR PRIMARY KEY,
    account JSON NOT NULL,
    names JSON NOT NULL         -- every id and label of the file, and the nodes that bear it: text from a file
);

-- migration 6

CREATE TABLE astray (           -- what routers do to traffic otherwise than their routes say
    snapshot VARCHAR NOT NULL, does VARCHAR NOT NULL, place VARCHAR NOT NULL, target VARCHAR NOT NULL, share DOUBLE NOT NULL
);

-- migration 7

ALTER TABLE reading ADD COLUMN interfaces JSON;  -- what routers call their interfaces, by link: text from a file

-- migration 8

CREATE TABLE declaration (      -- what a network says of its instruments, with its telemetry
    network VARCHAR PRIMARY KEY, document JSON NOT NULL
);

-- migration 9

ALTER TABLE link ADD COLUMN members INTEGER DEFAULT 1;          -- equal circuits of a bundle, of which capacity is the sum
ALTER TABLE link ADD COLUMN min_members INTEGER DEFAULT 1;      -- below which it goes down
ALTER TABLE link ADD COLUMN degraded_weight BIGINT DEFAULT 0;   -- its metric with a member missing; 0 is the same one
ALTER TABLE tunnel ADD COLUMN path VARCHAR DEFAULT 'explicit';  -- labels as they stand, or computed around drained nodes

-- migration 10

ALTER TABLE link_sample ALTER COLUMN up DROP NOT NULL;  -- NULL where nobody says whether a link is up

-- migration 11

DROP TABLE simulation;  -- was never written: what was simulated is in verdicts, and is computed anew where it is asked for

-- migration 12

ALTER TABLE node ADD COLUMN cost_out BOOLEAN DEFAULT FALSE;  -- drained by the largest metric: transit is its last resort
ALTER TABLE link ADD COLUMN cost_out BOOLEAN DEFAULT FALSE;
ALTER TABLE snapshot ADD COLUMN igp VARCHAR DEFAULT '';      -- isis, isis-narrow or ospf, where it is known
CREATE TABLE traffic_class (    -- what full links serve first; none is one class
    snapshot VARCHAR NOT NULL, name VARCHAR NOT NULL, priority INTEGER NOT NULL, weight DOUBLE NOT NULL, share DOUBLE NOT NULL
);
CREATE TABLE class_share (      -- part of a demand that is of a class, where it differs from the class's own share
    snapshot VARCHAR NOT NULL, source VARCHAR NOT NULL, target VARCHAR NOT NULL, name VARCHAR NOT NULL, share DOUBLE NOT NULL
);
ALTER TABLE tunnel ADD COLUMN on_invalid VARCHAR DEFAULT 'blackhole';  -- of a list of labels that is cut: blackhole or igp

-- migration 13

CREATE TABLE peering_sample (   -- what the router of an exit says of it: 1 yes, 0 no, NULL where nobody says
    network VARCHAR NOT NULL, time TIMESTAMPTZ NOT NULL, link VARCHAR NOT NULL,
    established DOUBLE, reason VARCHAR NOT NULL,    -- why the session was lost last
    received DOUBLE, accepted DOUBLE,               -- the neighbour announces the group; policy lets it in
    reachable DOUBLE, discards DOUBLE,              -- the other routers know the next hop; it is one that drops
    local_pref DOUBLE, path_length DOUBLE
);

-- migration 14

ALTER TABLE peering_sample ADD COLUMN claimed VARCHAR DEFAULT 'unknown';  -- who else announces the group: a link, a node's id, or nobody

-- migration 15

ALTER TABLE snapshot ADD COLUMN repair VARCHAR DEFAULT 'ti-lfa';  -- until the network has converged: ti-lfa or rsvp-bypass

-- migration 16

CREATE TABLE snapshot_part (    -- whose rows of a table a snapshot has: parts that are the same are stored once
    snapshot VARCHAR NOT NULL,  -- one without a row here has its own
    part VARCHAR NOT NULL,      -- the table
    digest VARCHAR NOT NULL,    -- hash of those rows
    holder VARCHAR NOT NULL     -- the snapshot that they stand under in that table
);
