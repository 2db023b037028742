"""Every tool there is. To add one, write the function in its subject's file and name it here and in a contract."""

from .asking import advise, ask_operator, recommend
from .box.registry import Tool, bind
from .box.results import fetch_result
from .changes import changes_since
from .diagnosis import measure, rank_causes, report_diagnosis
from .documents import read_documents
from .glossary import glossary
from .maps import network_picture
from .own_plans import compose_plan, submit_changes
from .planning import propose_plans, report_no_plan, submit_plan
from .sql.query import sql
from .telemetry import data_quality, list_anomalies, list_symptoms, read_events, report_incident
from .topology import element_status, network_status
from .traffic import forecast_traffic
from .users import affected_demands
from .verification import decide, demand_failures, verify_plan
from .whatif import simulate_plan, what_if

LONG = 120.0  # seconds for what searches or sweeps, or is the first to look at a thousand nodes
PATIENT = 2 * LONG  # for what decides whether a run has a plan: a busy machine must not
SQL = 25.0  # seconds: copying the tables takes most of it, the statement has its own deadline

TOOLS: tuple[Tool, ...] = (
    bind(network_status, deadline=LONG),
    bind(element_status, deadline=LONG),
    bind(list_symptoms, deadline=LONG),
    bind(list_anomalies, deadline=LONG),
    bind(data_quality, deadline=LONG),
    bind(forecast_traffic),
    bind(affected_demands, deadline=LONG),
    bind(read_events, deadline=LONG),
    bind(report_incident, deadline=LONG),
    bind(rank_causes, deadline=LONG, leaves=("ranking", "telling")),
    bind(measure, deadline=LONG),
    bind(report_diagnosis),
    bind(what_if),
    bind(propose_plans, deadline=PATIENT),
    bind(simulate_plan, deadline=LONG),
    bind(submit_plan),
    bind(report_no_plan),
    bind(verify_plan, deadline=PATIENT),
    bind(decide),
    bind(sql, deadline=SQL),
    bind(fetch_result),
    bind(read_documents),
    bind(changes_since, deadline=LONG),
    bind(recommend),
    bind(advise),
    bind(ask_operator),
    bind(submit_changes),
    bind(compose_plan),
    bind(demand_failures, deadline=LONG),
    bind(glossary(lambda: {tool.name: tool.description for tool in TOOLS})),
    bind(network_picture),
)
