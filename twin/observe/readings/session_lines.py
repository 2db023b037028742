"""Lines of routers on sessions of BGP, in the words of several makes.

A line names the address of the neighbour; by the time it is read here, whoever took it in has put the interface of the
exit in its place. RFC 4271 (section 4.5) has the codes of errors, RFC 4486 those of Cease. Where a session ends for a
reason that a line of its own tells, the line that it is down says no more than that.
"""

from twin.live.declared import LogKind

_IF = r"(?P<interface>[\w.&+-]{1,70})"
_REST = r"[\w ().,:;/+=-]{0,240}"
_FRR = rf"BGP: %ADJCHANGE: neighbor {_IF}\([^\s()]{{0,64}}\) in vrf \S{{1,32}} "
_FRR_TOLD = rf"BGP: %NOTIFICATION: (?:sent to|received from) neighbor {_IF} "
_CISCO = rf"%(?:ROUTING-)?BGP-5-ADJCHANGE(?:_DETAIL)? ?: {{1,2}}(?:bgp-[\w.()\[\] -]{{1,80}} )?neighbor {_IF} "
_CISCO_WHY = rf"{_CISCO}Down(?: -)? (?:BGP Notification (?:sent|received),? ?)?"
_CISCO_TOLD = rf"%BGP-3-NOTIFICATION ?: {{1,2}}(?:sent to|received from) neighbor {_IF} (?:\([\w .-]{{1,80}}\) )?"
_EOS = rf"%BGP-5-ADJCHANGE: peer {_IF} \([\w .-]{{1,80}}\) old state "
_JUNOS_PEER = rf"{_IF} \((?:Ex|In)ternal AS \d{{1,10}}\)"
_JUNOS = rf"rpd\[\d+\]: RPD_BGP_NEIGHBOR_STATE_CHANGED: BGP peer {_JUNOS_PEER} changed state from "
_JUNOS_TOLD = rf"rpd\[\d+\]: bgp_\w{{1,40}}(?::\d{{1,6}})?: NOTIFICATION (?:sent to|received from) {_JUNOS_PEER}: "
_INSTANCE = r" \(instance [\w.-]{1,64}\)"
_NOKIA = rf"(?:BGP|sr_bgp_mgr)[\w #|.,:()\"-]{{1,200}}Peer (?:\d{{1,6}}: )?{_IF}:? moved "
_NOKIA_DOWN = rf"{_NOKIA}from higher state ESTABLISHED to lower state \w{{1,20}}"
_HUAWEI = rf"%%01BGP/\d/STATE_CHG_UPDOWN(?:\(\w+\))?(?:\[\d+\])?: ?The status of the peer {_IF} changed from "
_HUAWEI_DOWN = rf"{_HUAWEI}ESTABLISHED to (?!ESTABLISHED)\w{{1,20}}\. \(InstanceName=[\w.-]{{1,64}}, StateChangeReason="

SESSION_LINES: dict[LogKind, tuple[str, ...]] = {
    "session_timeout": (
        rf"{_FRR_TOLD}4/0 {_REST}",
        rf"{_CISCO_WHY}[hH]old ?time(?:r)? expired{_REST}",
        rf"{_CISCO_TOLD}4/0 {_REST}",
        rf"{_EOS}Established event HoldTime\w{{0,20}} new state \w{{1,20}}",
        rf"{_JUNOS}Established to Idle \(event HoldTime\){_INSTANCE}",
        rf"{_JUNOS_TOLD}code 4 {_REST}",
        rf"{_NOKIA_DOWN} due to event HOLDTIME\w{{0,20}}\"?",
        rf"{_HUAWEI_DOWN}Hold Timer Expired{_REST}",
    ),
    "session_refused": (
        rf"{_FRR_TOLD}2/2 {_REST}",
        rf"{_CISCO_TOLD}2/2 {_REST}",
        rf"{_JUNOS_TOLD}code 2 \([\w ]{{1,40}}\) subcode 2 {_REST}",
    ),
    "session_limit": (
        rf"BGP: %MAXPFXEXCEED: No\. of [\w -]{{1,40}} prefix received from {_IF}(?:\(\S{{0,64}}\))? \d+ exceed{_REST}",
        rf"{_FRR_TOLD}6/1 {_REST}",
        rf"%(?:ROUTING-)?BGP-[34]-MAXPFXEXCEED ?: {{1,2}}N[\w. -]{{1,80}} received from {_IF}{_REST}",
        rf"{_CISCO_TOLD}6/1 {_REST}",
        rf"rpd\[\d+\]: BGP_CEASE_PREFIX_LIMIT_EXCEEDED: {_JUNOS_PEER}: {_REST}",
        rf"{_HUAWEI_DOWN}(?:The number of routes exceed|Route limit){_REST}",
    ),
    "session_closed": (
        rf"{_FRR}Down (?:Admin\. shutdown|Neighbor deleted)",
        rf"{_FRR_TOLD}6/[23] {_REST}",
        rf"{_CISCO_WHY}(?:Admin\. shutdown|Neighbor deleted|[uU]ser reset|[pP]eer de-?configured){_REST}",
        rf"{_CISCO_TOLD}6/[23] {_REST}",
        rf"{_EOS}Established event AdminReset new state \w{{1,20}}",
        rf"{_JUNOS_TOLD}code 6 \(Cease\) subcode [23] {_REST}",
    ),
    "session_up": (
        rf"{_FRR}Up",
        rf"{_CISCO}Up\b{_REST}",
        rf"{_EOS}\w{{1,20}} event \w{{1,40}} new state Established",
        rf"{_JUNOS}OpenConfirm to Established \(event \w{{1,40}}\){_INSTANCE}",
        rf"{_NOKIA}into (?:the )?(?:established|ESTABLISHED) state\"?",
        rf"{_HUAWEI}\w{{1,20}} to ESTABLISHED\.{_REST}",
    ),
    "session_down": (
        rf"{_FRR}Down [\w .,/-]{{1,80}}",
        rf"{_CISCO}Down\b{_REST}",
        rf"{_EOS}Established event \w{{1,40}} new state (?!Established)\w{{1,20}}",
        rf"{_JUNOS}Established to (?!Established)\w{{1,20}} \(event \w{{1,40}}\){_INSTANCE}",
        rf"{_NOKIA_DOWN}{_REST}\"?",
        rf"{_HUAWEI_DOWN}{_REST}",
    ),
}
"""What each kind of line may be. Where several fit, the first: the reasons stand before the line that has none."""
