"""The checks of the gate, one file each: functions from a rehearsal of the plan to a finding."""
