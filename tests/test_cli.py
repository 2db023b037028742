"""The command line as a shell sees it: results on stdout, everything else on stderr, exit codes that mean something."""

import json
import shutil
import subprocess
import sys
from contextlib import redirect_stderr
from io import StringIO

import pytest

import twinops
from tests.command_line import ROOT, SMALL, apart, here
from twin.formats import load_network
from twin.formats.plan import write_plan
from twin.plan import DrainNode, Plan, SetWeight


@pytest.fixture(scope="module")
def network():
    return load_network(SMALL)


@pytest.fixture
def plan_file(network, tmp_path):
    def write(*steps):
        path = tmp_path / "plan.json"
        write_plan(Plan(goal="A test.", base=network.id, steps=steps), path)
        return path

    return write


COMMANDS = (
    "run", "ask", "import", "whatif", "plan", "verify", "quality", "forecast", "diagnose", "show", "runs", "resume",
    "approve", "reject", "replay", "audit", "doctor",
)  # fmt: skip
EVAL = ("list", "run", "compare", "report", "bundle", "unbundle")


def test_help_names_every_command_and_imports_nothing_heavy():
    heavy = ("numpy", "rich", "pydantic", "duckdb", "autogen_core", "twin", "tools")
    code = f"""
import sys, twinops
code = twinops.run_command(["--help"])
print([name for name in {heavy} if name in sys.modules], code)
"""
    done = apart(command=[sys.executable, "-c", code])
    assert done.stdout.endswith("[] 0\n")
    for command in (*COMMANDS, "eval"):
        assert f"\n  {command} " in done.stdout


@pytest.mark.parametrize("width", [60, 80])
def test_help_fits_the_terminal_cuts_no_sentence_and_splits_no_word(width, monkeypatch, capsys):
    def told(command, wide):
        monkeypatch.setenv("COLUMNS", str(wide))
        assert twinops.run_command([*command.split(), "--help"]) == 0
        return capsys.readouterr().out

    groups = {"eval": EVAL, "lab": ("up", "status", "fault", "heal", "down")}
    below = [f"{name} {x}" for name, commands in groups.items() for x in commands]
    for command in ("", *twinops._COMMANDS, *below):
        shown = told(command, width)
        assert max(map(len, shown.splitlines())) <= width
        assert set(told(command, 300).split()) <= set(shown.split()), command


@pytest.mark.parametrize("command", [*COMMANDS, *(f"eval {x}" for x in EVAL)])
def test_every_command_explains_itself_and_speaks_json(command):
    done = here(*command.split(), "--help")
    assert done.returncode == 0
    assert "--json" in done.stdout


def test_whatif_names_the_worst_case_and_the_failure_causing_it():
    done = here("whatif", "--network", SMALL, "--top", "3")
    assert (done.returncode, done.stderr) == (0, "")
    assert "worst-case utilisation" in done.stdout
    assert "failure causing it" in done.stdout


def test_whatif_as_json_is_one_object_with_its_format(network):
    done = here("whatif", "--network", SMALL, "--json")
    result = json.loads(done.stdout)
    assert (result["format"], result["command"], result["snapshot"]) == ("twinops/1", "whatif", network.id)
    assert len(result["links"]) == len(network.links)
    assert len(result["failures"]) == len(network.circuits) + len(network.nodes)


def test_whatif_fails_what_is_named(network):
    link = network.links[0]
    done = here("whatif", "--network", SMALL, "--fail", f"{link.tail}--{link.head}", "--fail", "R3", "--json")
    assert {case["failure"] for case in json.loads(done.stdout)["failures"]} == {link.circuit, "node/R3"}


def test_what_fails_together_is_one_failure(network):
    names = ["--fail", "R3", "--fail", network.links[0].name, "--together"]
    result = json.loads(here("whatif", "--network", SMALL, *names, "--json").stdout)
    assert [case["failure"] for case in result["failures"]] == [f"node/R3 + {network.links[0].circuit}"]


def test_verify_exits_3_on_a_rejected_plan_with_the_verdict_on_stdout(plan_file, network):
    done = here("verify", plan_file(DrainNode(node="R1")), "--network", SMALL, "--json")
    result = json.loads(done.stdout)
    assert done.returncode == 3
    assert result["passed"] is False
    assert result["snapshot"] == network.id
    assert any(check["counterexample"] for check in result["checks"] if not check["passed"])


def test_verify_for_people_says_where_a_plan_fails(plan_file, network):
    link = network.links[0]
    done = here("verify", plan_file(SetWeight(link=link.name, weight=link.weight + 60_000)), "--network", SMALL)
    assert done.returncode == 3
    assert "FAILED" in done.stdout
    assert "rejected" in done.stdout


def test_verify_keeps_to_the_policy_it_is_given(plan_file, network, tmp_path):
    link = network.links[0]
    policy = tmp_path / "policy.toml"
    policy.write_text(f'protected = ["{link.interface}"]\n')
    plan = plan_file(SetWeight(link=link.name, weight=link.weight + 1))
    result = json.loads(here("verify", plan, "--network", SMALL, "--policy", policy, "--json").stdout)
    assert next(check["passed"] for check in result["checks"] if check["name"] == "policy") is False


def test_doctor_finds_this_machine_healthy_and_prints_no_secret(tmp_path):
    done = here("doctor", "--runs", tmp_path, "--json", ANTHROPIC_API_KEY="sk-secret-of-mine")
    result = json.loads(done.stdout)
    assert done.returncode == 0
    assert result["healthy"] is True
    assert {x["name"]: x["state"] for x in result["findings"]}["model anthropic"] == "ok"
    assert "sk-secret" not in done.stdout + done.stderr


def test_doctor_fails_where_runs_cannot_be_written_and_says_on_a_narrow_terminal_what_to_do(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    done = here("doctor", "--runs", blocked, COLUMNS="60")
    assert done.returncode == 1
    table, _, advice = done.stdout.partition("\nto change it\n")
    assert [x.split("  ")[0] for x in table.splitlines() if " broken " in x] == ["run folder"]
    assert "run folder: choose another: --runs DIR\n" in advice


@pytest.mark.parametrize("arguments", [["frob"], ["whatif", "--frob"], ["verify"], ["whatif", "--top", "0"]])
def test_wrong_usage_exits_2_with_one_line(arguments):
    done = here(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_what_goes_wrong_is_told_on_a_terminal_in_lines_that_end_between_words(monkeypatch):
    class Terminal(StringIO):
        def isatty(self):
            return True

    asked = "elements", SMALL, "--like", "Nirgendwo-am-See"
    (line,) = here(*asked).stderr.splitlines()
    assert here("elements", "-n", *asked[1:]).stderr.splitlines() == [line]
    monkeypatch.setenv("COLUMNS", "40")
    with redirect_stderr(Terminal()) as told:
        assert twinops.run_command(list(asked)) == 2
    assert told.getvalue().split() == line.split()
    assert max(map(len, told.getvalue().splitlines())) <= 40


def test_wrong_usage_is_json_when_json_was_asked_for():
    done = here("whatif", "--frob", "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"]["code"] == "usage"


def test_a_closed_pipe_is_no_traceback():
    command = f"{sys.executable} {ROOT / 'twinops.py'} whatif --network {SMALL} --json | head -c 10"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=ROOT, timeout=120, check=False)
    assert done.stderr == ""


def test_plain_output_carries_no_control_sequences():
    done = here("whatif", "--network", SMALL)
    assert "\x1b" not in done.stdout + done.stderr


def test_a_foreign_package_of_the_same_name_is_refused(tmp_path):
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "__init__.py").write_text("raise SystemExit('the wrong agents ran')")
    code = "import sys; sys.path.insert(0, '.'); sys.path.append(sys.argv.pop(1)); import twinops; twinops.main()"
    done = apart(ROOT, "doctor", cwd=tmp_path, command=[sys.executable, "-c", code])
    assert done.returncode == 1
    assert "'agents' is not twinops'" in done.stderr
    assert str(tmp_path) in done.stderr


def test_the_command_runs_from_any_folder(tmp_path):
    done = apart("verify", "none.json", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "none.json" in done.stderr


def test_a_missing_package_is_one_line(tmp_path):
    for name in ("twinops.py", "twin", "tools", "prompts", "evals"):
        source = ROOT / name
        if source.is_dir():
            (tmp_path / name).mkdir()
            (tmp_path / name / "__init__.py").touch()
        else:
            shutil.copy(source, tmp_path)
    for typed in ("doctor", "docter"):
        done = apart(typed, cwd=tmp_path, command=[sys.executable, str(tmp_path / "twinops.py")])
        assert done.returncode == 1
        assert done.stderr.count("\n") == 1
        assert "'agents'" in done.stderr


def test_closed_streams_and_a_full_disk_are_no_traceback_and_no_file_is_opened_in_their_place():
    told = apart("-c", f"{sys.executable} twinops.py faults --json > /dev/full", command=("sh",))
    assert (told.returncode, told.stderr.count("\n")) == (1, 1)
    assert "No space left on device" in told.stderr
    opened = apart(
        "-c",
        "exec 5>&1; exec <&- >&- 2>&-; exec " + sys.executable + ' -c "import os, twinops; '
        "code = twinops.run_command(['faults']); os.write(5, b'%d %d' % (code, os.open('README.md', 0)))\"",
        command=("sh",),
    )
    assert opened.stdout.startswith("0 ")
    assert int(opened.stdout.split()[1]) > 2
