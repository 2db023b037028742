# ruff: noqa: E501 (a table)
"""Names that cities go by: airport codes as they are used for sites, and a city's name in English and at home."""

_ROWS = """
AMS amsterdam|ATH athens athina athen|BCN barcelona|BEG belgrade beograd belgrad|BER berlin|BOD bordeaux|BRE bremen
BRU brussels bruxelles brussel bruessel|BUD budapest|BUH bucharest bucuresti bukarest|CPH copenhagen kobenhavn kopenhagen
CGN cologne koeln koln|DRS dresden|DTM dortmund|DUB dublin|DUS duesseldorf dusseldorf|ERF erfurt|EDI edinburgh
FLR florence firenze florenz|FRA frankfurt|GDN gdansk danzig|GLA glasgow|GOT gothenburg goteborg goeteborg
GVA geneva geneve genf|HAJ hanover hannover|HAM hamburg|HEL helsinki|IST istanbul|KIV kyiv kiev kiew|KRK krakow cracow krakau
KTW katowice kattowitz|LEJ leipzig|LIS lisbon lisboa lissabon|LJU ljubljana|LON london|LUX luxembourg luxemburg
LYS lyon|MAD madrid|MAN manchester|MIL milan milano mailand|MOW moscow moskva moskau|MRS marseille
MUC munich muenchen munchen|NAP naples napoli neapel|NUE nuremberg nuernberg nurnberg|OSL oslo|PAR paris
PMO palermo|POZ poznan posen|PRG prague praha prag|ROM rome roma rom|SKG thessaloniki|SOF sofia|STO stockholm
STR stuttgart|SVQ seville sevilla|SXB strasbourg strassburg|SZZ szczecin stettin|TRN turin torino|VCE venice venezia venedig
VIE vienna wien|WAW warsaw warszawa warschau|WRO wroclaw breslau|ZAG zagreb|ZRH zurich zuerich
ATL atlanta|BOS boston|CHI chicago|DAL dallas|DEN denver|DFW dallas|HOU houston|IAD washington|IND indianapolis
JFK newyork|LAX losangeles|MIA miami|MCI kansascity|NYC newyork|ORD chicago|PHL philadelphia|PHX phoenix|SEA seattle
SFO sanfrancisco|SJC sanjose|SLC saltlakecity|YUL montreal|YYZ toronto|TYO tokyo|SIN singapore|HKG hongkong|SYD sydney
"""


def _read(rows: str) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for row in rows.replace("\n", "|").split("|"):
        names = row.lower().split()
        for name in names:
            found.setdefault(name, set()).update(names)
    return {name: frozenset(names) for name, names in found.items()}


ALSO = _read(_ROWS)
"""Every name that a name may stand for, letters only, itself included."""
