"""People who come in by a single sign-on: who they are is proven, what they may is in the settings."""

import http.client
from urllib.parse import parse_qs, urlsplit

import pytest

pytest.importorskip("uvicorn", reason="the extra `console` is not installed")
pytest.importorskip("authlib", reason="the extra `oidc` is not installed")
from agents.serve.settings import Member, OpenIdProvider, Settings, Team
from tests.agents.serve.killed_room import place
from tests.agents.serve.openid_provider import CLIENT, SECRET, provider
from tests.agents.serve.pictures import browser
from tests.agents.serve.served import Served
from twin.errors import InputError


def told(issuer, **more):
    return Settings(
        agents=False,
        openid=OpenIdProvider(issuer=issuer, client_id=CLIENT, secret_env="OIDC_SECRET", **more),
        members=(Member(name="ada", role="admin"),),
        groups=(Team(name="noc", role="operator"), Team(name="readers", role="viewer")),
    )


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    with pytest.MonkeyPatch.context() as environment, provider() as known:
        environment.setenv("OIDC_SECRET", SECRET)
        with Served(place(tmp_path_factory.mktemp("openid")), told(known.issuer)) as served:
            yield served, known


@pytest.fixture
def served(both):
    return both[0]


@pytest.fixture
def known(both):
    found, whole = both[1], dict(vars(both[1]))
    both[0].server.console.sign_on._keys = None  # what it knows of another test's keys
    yield found
    vars(found).update(whole)


def cookie(headers, name):
    return next((x.partition(";")[0] for x in headers.get_all("Set-Cookie", []) if x.startswith(f"{name}=")), None)


def get(url, cookies=()):
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)
    connection.request("GET", url.partition(parts.netloc)[2], headers={"Cookie": "; ".join(cookies)})
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, answer.headers, body


def begun(served):
    """A browser on its way: where it is sent, and its ticket."""
    status, headers, _ = get(f"{served.server.origin}/login/start")
    assert status == 303
    assert "HttpOnly" in headers["Set-Cookie"]
    return headers["Location"], cookie(headers, "twinops_ticket")


def came_back(served):
    sent, ticket = begun(served)
    back = get(sent)[1]["Location"]
    status, headers, page = get(back, [ticket])
    return status, cookie(headers, "twinops_session"), page, back, ticket


def who(served, session):
    return get(f"{served.server.origin}/", [session])[2]


def test_who_is_known_comes_in_with_what_their_name_and_groups_allow(served, known):
    status, session, _, back, ticket = came_back(served)
    assert status == 200
    assert "ada, admin, operator" in who(served, session)
    asked = known.asked[-1]
    assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT)
    assert asked["redirect_uri"] == f"{served.server.origin}/login/callback"
    assert get(back, [ticket])[0] == 403  # once
    known.person = {"sub": "2", "preferred_username": "bob", "groups": ["readers", "cooks"]}
    assert "bob, viewer" in who(served, came_back(served)[1])
    known.turn_keys()
    served.server.console.sign_on._clock = lambda begun=served.server.console.sign_on._clock: begun() + 61
    assert "bob, viewer" in who(served, came_back(served)[1])
    assert {x.who for x in served.room.board.audit if "sign-on" in x.what} == {"ada", "bob"}


def test_an_answer_that_this_browser_did_not_ask_for_lets_nobody_in(served, known):
    sent, ticket = begun(served)
    back = get(sent)[1]["Location"]
    assert get(back)[0] == 403  # another browser: it has no ticket
    other = begun(served)[1]
    assert get(back, [other])[0] == 403
    state = parse_qs(urlsplit(sent).query)["state"][0]
    assert get(back.replace(state, "guessed"), [ticket])[0] == 403
    assert get(back, [ticket])[0] == 403  # the ticket is used up
    sent, ticket = begun(served)
    elsewhere = get(sent)[1]["Location"].replace(f"iss=http%3A%2F%2F127.0.0.1%3A{urlsplit(known.issuer).port}", "iss=x")
    status, _, page = get(elsewhere, [ticket])
    assert (status, "another provider" in page) == (403, True)


@pytest.mark.usefixtures("known")
def test_a_browser_that_was_sent_to_another_site_comes_back_with_a_session(served):
    play, path = browser()
    with play as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = opened.new_page()
        page.goto(f"{served.server.origin}/health")
        page.get_by_role("link", name="Sign in").click()
        page.get_by_text("Nothing waits for anybody").wait_for()
        assert urlsplit(page.url).path == "/"
        assert [x["sameSite"] for x in page.context.cookies() if x["name"] == "twinops_session"] == ["Strict"]
        page.get_by_role("button", name="Sign out").click()
        page.get_by_text("Nobody is signed in here").wait_for()
        opened.close()


def _older(claims):
    return claims | {"iat": claims["iat"] - 900, "exp": claims["iat"] - 400}


SPOILT = {
    "another audience": lambda x: x | {"aud": "chat"},
    "several audiences and no party": lambda x: x | {"aud": [CLIENT, "chat"]},
    "another issuer": lambda x: x | {"iss": "http://127.0.0.1:1"},
    "another nonce": lambda x: x | {"nonce": "replayed"},
    "no nonce": lambda x: {k: v for k, v in x.items() if k != "nonce"},
    "old": _older,
    "of tomorrow": lambda x: x | {"iat": x["iat"] + 90_000, "exp": x["exp"] + 90_000},
    "no end": lambda x: {k: v for k, v in x.items() if k != "exp"},
    "no name": lambda x: x | {"preferred_username": None},
    "a name that leads elsewhere": lambda x: x | {"preferred_username": "../ada"},
    "nobody": lambda x: x | {"preferred_username": "eve", "groups": []},
    "groups that are none": lambda x: x | {"preferred_username": "eve", "groups": {"noc": True}},
    "another token's hash": lambda x: x | {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_a_token_that_does_not_hold_lets_nobody_in(served, known, spoil):
    known.spoil = spoil
    status, session, page, _, _ = came_back(served)
    assert (status, session) == (403, None)
    said = page.partition('role="alert">')[2].partition("<")[0]
    assert said
    assert "signature" not in said  # that holds: it is what the token says


def test_a_token_that_somebody_else_signed_lets_nobody_in(served, known):
    assert came_back(served)[0] == 200
    mine = known.signer
    known.turn_keys()
    known.keys = [mine]  # what it publishes is the old key
    assert came_back(served)[:2] == (403, None)
    known.shared_secret()
    assert came_back(served)[:2] == (403, None)


def test_a_provider_that_is_away_is_named_and_the_printed_address_still_lets_in(tmp_path, monkeypatch):
    monkeypatch.setenv("OIDC_SECRET", SECRET)
    with Served(place(tmp_path), told("http://127.0.0.1:9")) as served:
        status, _, page = get(f"{served.server.origin}/login/start")
        assert (status, "127.0.0.1:9 does not answer" in page) == (503, True)
        status, headers, _ = get(served.server.address())
        session = cookie(headers, "twinops_session")
        page = who(served, session)
        assert "Wall" in page
        csrf = page.partition('data-csrf="')[2].partition('"')[0]
        left = served.ask("POST", "/leave", headers={"Cookie": session, "X-CSRF-Token": csrf, "Content-Length": "0"})
        assert left[0] == 303
        assert get(f"{served.server.origin}/health", [session])[0] == 303
    monkeypatch.delenv("OIDC_SECRET")
    with pytest.raises(InputError, match="OIDC_SECRET is not set"), Served(place(tmp_path), told("http://127.0.0.1:9")):
        pass


@pytest.mark.parametrize(
    "settings",
    [
        {"openid": {"issuer": "http://sso.example.net", "client_id": "x"}},
        {"openid": {"issuer": "https://sso.example.net", "client_id": "x", "scopes": "profile"}},
        {"openid": {"issuer": "https://sso.example.net", "client_id": "x"}, "proxy_header": "X-User"},
    ],
    ids=["in the clear", "without openid", "two ways in"],
)
def test_settings_that_would_let_the_wrong_people_in_are_refused(settings):
    with pytest.raises(ValueError, match="validation error"):
        Settings.model_validate(settings)
