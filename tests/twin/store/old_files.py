"""Twin files as every version of the tables had them: what each version wrote, in the SQL of its own time.

These statements are never edited: they are what is on people's disks. A new migration adds its own rows to `LATER`, and
what they have to read as to `test_migrations`.
"""

# ruff: noqa: E501 - one row a line
import duckdb

from twin.store.contents import VERSIONS, migrations

FIRST = """
INSERT INTO snapshot VALUES ('s1', 'old', 'inventory', NULL, '2026-01-02 03:04:05.678901+00', NULL);
INSERT INTO mirror VALUES (1, 's1');
INSERT INTO node VALUES ('s1', 0, 'A', 9.5, 50.1, true, false), ('s1', 1, 'B', 10.0, 53.5, true, true), ('s1', 2, 'C', 11.0, 48.1, false, false);
INSERT INTO link VALUES
  ('s1', 0, 'A->B', 'link/A:B--B:A', 'A', 'B', 1, 1000.0, 10, 2.5, true, false, false, 0.0),
  ('s1', 1, 'B->A', 'link/A:B--B:A', 'B', 'A', 1, 1000.0, 12, 2.5, true, false, false, 0.0),
  ('s1', 2, 'B->C', 'link/B:C--C:B', 'B', 'C', 1, 400.0, 7, 1.25, true, true, false, 0.125),
  ('s1', 3, 'C->B', 'link/B:C--C:B', 'C', 'B', 1, 400.0, 7, 1.25, false, true, true, 0.0);
INSERT INTO risk_group VALUES ('s1', 0, 'duct', '["link/A:B--B:A"]');
INSERT INTO demand VALUES ('s1', 'A', 'B', 123.456), ('s1', 'C', 'A', 0.1);
INSERT INTO demand_limit VALUES ('s1', 'A', 'B', 99.5);
INSERT INTO tunnel VALUES ('s1', 't1', 'A', 'C', '[{"via": ["B"], "share": 1.0}]');
INSERT INTO link_sample VALUES ('old', '2026-01-02 03:05:00+00', 'A->B', 120.5, 120.25, 0.5, true), ('old', '2026-01-02 03:05:00+00', 'B->A', NULL, NULL, NULL, false);
INSERT INTO node_sample VALUES ('old', '2026-01-02 03:05:00+00', 'C', false);
INSERT INTO path_probe VALUES ('old', '2026-01-02 03:05:00+00', 'A', 'B', 0.25, 7.5);
INSERT INTO traffic_sample VALUES ('old', '2026-01-02 03:05:00+00', 'A', 'B', 118.0);
INSERT INTO event VALUES ('old', '2026-01-02 03:05:01+00', 'C', 3, 'link down', 1, 0);
INSERT INTO incident VALUES ('i1', 's1', 'open', '2026-01-02 03:05:00+00', '{"id": "i1"}');
INSERT INTO hypothesis VALUES ('i1', 1, 'link_down', 'link/B:C--C:B', 0.5, '{}');
"""
LATER = {
    2: """INSERT INTO interface_sample VALUES ('old', '2026-01-02 03:05:00+00', 'A->B', 0.75, true);
          INSERT INTO flow_sample VALUES ('old', '2026-01-02 03:05:00+00', 'A', 'B', 10.5, 2.25);""",
    3: """INSERT INTO past_incident VALUES ('p1', 'old', '2026-01-01 00:00:00+00', 'link_down', 'link/A:B--B:A', 'resolved', '{}');""",
    4: "UPDATE link SET adjacent = false WHERE name = 'C->B';",
    5: """UPDATE node SET kind = 'lan' WHERE name = 'C';
          INSERT INTO reading VALUES ('s1', '{"file": "old.json", "format": "node-link"}', '{"a-label": ["A"]}');""",
    6: "INSERT INTO astray VALUES ('s1', 'drop', 'B', 'C', 0.5);",
    7: """UPDATE reading SET interfaces = '{"A->B": "et-0/0/1"}';""",
    8: "INSERT INTO declaration VALUES ('old', '{\"export_error\": 0.04}');",
    9: "UPDATE link SET members = 4, min_members = 2, degraded_weight = 30 WHERE circuit = 'link/A:B--B:A'; UPDATE tunnel SET path = 'dynamic';",
    10: "INSERT INTO link_sample VALUES ('old', '2026-01-02 03:05:00+00', 'B->C', 1.0, 1.0, 0.0, NULL);",
    11: "",
    12: """UPDATE node SET cost_out = true WHERE name = 'B'; UPDATE snapshot SET igp = 'isis';
          INSERT INTO traffic_class VALUES ('s1', 'gold', 1, 1.0, 0.25), ('s1', 'rest', 2, 1.0, 0.25);
          INSERT INTO class_share VALUES ('s1', 'A', 'B', 'gold', 0.5);
          UPDATE tunnel SET on_invalid = 'igp';""",
    13: "INSERT INTO peering_sample VALUES ('old', '2026-01-02 03:05:00+00', 'A->B', 0, 'bad AS', NULL, NULL, NULL, NULL, NULL, NULL);",
    14: "UPDATE peering_sample SET claimed = 'B->C';",
    15: "UPDATE snapshot SET repair = 'rsvp-bypass';",
    16: """INSERT INTO snapshot VALUES ('s2', 'old', 'inventory', NULL, '2026-01-02 03:04:05+00', NULL, 'isis', 'rsvp-bypass');
           INSERT INTO snapshot_part SELECT 's1', unnest(['node', 'link', 'demand', 'tunnel']), 'h', 's2';
           UPDATE node SET snapshot = 's2'; UPDATE link SET snapshot = 's2'; UPDATE demand SET snapshot = 's2'; UPDATE tunnel SET snapshot = 's2';""",
}  # fmt: skip
TABLES_OF_ONE = (
    "INSERT INTO simulation VALUES ('s1', '2026-01-02 03:06:00+00', 0.5, 'A->B', 3.0, 0.0, 0.0, 0.0, 2, NULL, NULL);"
)


def old_file(path, version, snapshot):
    """Write a file as a version did: its tables, and one row or more of each kind that it knew.

    `snapshot` is the id of the network that is in it.
    """
    with duckdb.connect(str(path)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(VERSIONS)
        for number in range(1, version + 1):
            if number == 11:
                connection.execute(TABLES_OF_ONE.replace("'s1'", f"'{snapshot}'"))
            connection.execute(migrations()[number])
            connection.execute("INSERT INTO schema_version VALUES (?)", [number])
            statements = FIRST if number == 1 else LATER[number]
            if statements:
                connection.execute(statements.replace("'s1'", f"'{snapshot}'"))
