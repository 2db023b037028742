# ruff: noqa: E501 (word lists)
"""Words that are no names: what goals and questions are put in. A word that is none of them may be an element's name."""

from .words import listed

FILLER = frozenset(
    listed("""
    a an the this that these please pls plz kindly asap now then thanks thank you could can would will shall should may might i we us
    you me my our it its is are be been being was were do does did have has had want wants wanted need needs needed like
    to of on in at by for from into onto off out over so and or as with within during until till starting beginning
    node nodes router routers site sites pop pops circuit circuits link links span trunk line edge interface connection
    path route section element network directions direction both way ways only just also too carefully safely gracefully
    temporarily go ahead let lets let's make sure get have us plan goal task request ticket change ops team hi hello hey
    dear there here maintenance window time period start begin scheduled schedule planned planning purposes because
    while keeping keep still sleeping asleep idle service traffic transit first today tonight night morning evening afternoon tomorrow hours
    hour hrs min minutes mins o'clock between again everything it's i'd we'd i'm us them
    """)
)
"""Words that may stand around any goal without changing it."""

COMMON = FILLER | frozenset(
    listed("""
    sr te mpls rsvp re un de pre non sub multi about above across active add after against all allow allowed almost along already always among amount answer any
    anyone anything anywhere apart around arrive asleep ask available average avoid awake away back backbone balance
    bandwidth base become before behind below beneath best better beyond big bigger biggest bit bottleneck bottlenecks
    bound break bring bringing broken bundle busier busiest busy but buy call cannot cap capacity capacities carried
    carries carry carrying case cause certain choose clear close closed come comes conditions congested congestion
    constraint consume consumption contain core correct cost costs count cross crossing crosses current currently cut
    daily day days decrease decongest default degrade delay delays delete demand demands deploy destination detour differ
    different disable disabled disconnect disrupt divert done double doubled doubles down downtime drain drained draining
    drop dropped drops due each ease easily edges effect eight eighty either eleven else emergency empty enable enabled
    end energy engineer enough ensure even event ever every everyone exceed exceeded exceeding exceeds except exist
    expand explain extra fail failed failing fails failure failures fall far fast faster few fewer fibre fifteen fifty
    fill find fine finish five fix flow flows follow following four fourteen free full fuller fullest further future
    gain give given gives goes going good grow growing grown grows growth half handle happen happened happens hard head
    headroom heavily heaviest heavy help hence high higher highest hit hold holds hop hops hot hotspot hotspots hottest
    how however hundred hurt hurts idle if igp immediately impact improve increase increased increases instead intact
    isis isolate issue itself job keep keeps kept kill know last later latency latencies least leave leaves leaving left
    less level lift light limit limited limits list little live load loaded loads long longer longest lose loses losing
    loss lost lot low lower lowest made main maintain maintaining maintains many map matrix max maximal maximum mean
    means measure measures median mid middle mind minimal minimise minimize minimum minus minute mode moment more most
    move moved moves moving much must near nearly need neighbour neighbours neither never new next nine ninety no nobody
    none noon nor normal normally not nothing number off offline often okay old once one ones online open operation
    operational optimal optimise optimize order ospf other others ought outage outages overall overload overloaded
    overloads own packet packets part pass passes passing paths peak per percent percentage perform permit pick place
    plans play point possible potential power practice prepare prevent prevents pro probably problem process prohibited
    project protect protected provide pull put question quick quickly quiet quietest quite radius raise ran rate rather
    reach reachable reaches ready real really rebalance reboot reconfigure record redirect reduce reducing rehearse
    relieve remain remains remove removed repair replace replaced report reroute rest restart restore restrict result
    results return reverse reweight right ring rise rises risk road roll rotation round routed routes routing rtt run
    running runs safe same save saves saving say says second see seem seen send sends sent set seven several severe
    shape share shared shift short shorten shorter shortest show shut side silently simulate simulation since single
    sit six sixty size slack sleep sleeping slow slower slowest small smaller smallest snapshot software some someone
    something soon source spare spread spreading stable state status stay stays steer steering step steps still stop
    storm stretch strike strikes suffer suppose survive survives swap switch system take taken takes taking target
    telemetry tell ten test than their them themselves they thing things think third thirteen thirty though three
    threshold through throughout throughput tier till times together toggle tolerate tomorrow tonight top topology
    total touch touched touching toward towards tracks transport travel travels traverse traverses tree trip triple
    troubled try tuned tunnel tunnels turn twelve twenty twice two unaffected unavailable under undo undone undrain
    unless unloaded unplanned until untouched unused up upgrade upgrades upper upset usage use used uses using usual
    utilisation utilised utilization utilized value very via visit volume wait wake walk watch watts weak weakest week
    weekday weekend weeks weight weights well went what what's whatever when whenever where whereas whether which who
    whole whose why wide widen work working works world worry worse worst x year yesterday yet zero
    monday tuesday wednesday thursday friday saturday sunday january february march april june july august september
    october november december utc gmt cet cest est edt pst pdt noon midnight pct percent mbit gbit mbps gbps tbit kw
    watt kilowatt kilowatts ms millisecond milliseconds seconds sec secs am pm
    """)
)
"""Words of goals, limits and questions: none of them is taken for a name's beginning, or for a name spelt wrongly."""
