"""Access tokens: issued, refused, revoked."""

from __future__ import annotations

import time
from dataclasses import replace

from zohocrmsdk.src.com.zoho.api.authenticator.oauth_token import OAuthToken
from zohocrmsdk.src.com.zoho.crm.api.exception import SDKException
from zohocrmsdk.src.com.zoho.crm.api.org.org_operations import OrgOperations

from answers import item
from bench import Bench
from simulator import Credentials


def refresh_token(credentials: Credentials, **more: object) -> OAuthToken:
    """A token of the refresh flow."""
    return OAuthToken(
        client_id=credentials.client_id,
        client_secret=credentials.client_secret,
        refresh_token=credentials.refresh_token,
        **more,
    )


def refusal(bench: Bench, token: OAuthToken) -> str:
    """How the SDK says that a token is refused."""
    try:
        bench.log_in(token)
    except SDKException as error:
        return error.error_message
    return "no refusal"


def judge_refusals(bench: Bench) -> None:
    """Before any log-in: the SDK keeps a token that it got in its store."""
    good = bench.simulator.credentials
    for name, credentials, error in [
        ("client", replace(good, client_id="1000.NOBODY"), "invalid_client"),
        ("secret", replace(good, client_secret="wrong"), "invalid_client_secret"),
        ("refresh token", replace(good, refresh_token="1000.no.such"), "invalid_code"),
    ]:
        with bench.court.check(f"tokens: a wrong {name} is {error}") as check:
            check.same("refusal", refusal(bench, refresh_token(credentials)), error)
    with bench.court.check("tokens: an unknown access token is INVALID_TOKEN") as check:
        bench.log_in(OAuthToken(access_token="1000.no.such", find_user=False))
        answer = OrgOperations().get_organization()
        check.same("status", answer.get_status_code(), 401)
        error = answer.get_object()
        check.same("kind", type(error).__name__, "APIException")
        check.same("code", error.get_code().get_value(), "INVALID_TOKEN")
    (bench.scratch / "tokens.csv").unlink(missing_ok=True)


def judge_grant(bench: Bench) -> None:
    """The self client's flow: a code, once, for both tokens."""
    credentials = bench.simulator.credentials

    def by_code() -> OAuthToken:
        return OAuthToken(
            client_id=credentials.client_id,
            client_secret=credentials.client_secret,
            grant_token=credentials.grant_code,
            find_user=False,
        )

    with bench.court.check("tokens: a grant code gives the refresh token, once") as check:
        token = bench.log_in(by_code())
        check.same("refresh token", token.get_refresh_token(), credentials.refresh_token)
        (bench.scratch / "tokens.csv").unlink()
        check.same("twice", refusal(bench, by_code()), "invalid_code")
    (bench.scratch / "tokens.csv").unlink(missing_ok=True)


def judge_refresh(bench: Bench) -> OAuthToken:
    """The log-in that the other parts go on with."""
    simulator = bench.simulator
    calls = simulator.state()["token_calls"]
    token = refresh_token(simulator.credentials)
    with bench.court.check("tokens: a refresh token gives an access token for an hour") as check:
        bench.log_in(token)
        left = int(token.get_expires_in()) / 1000 - time.time()
        check.same("api_domain", token.get_api_domain(), simulator.api_url)
        check.same("an hour left", 3500 < left <= 3600, True)
        check.same("token calls", simulator.state()["token_calls"] - calls, 1)
    with bench.court.check("tokens: user and org are found with it") as check:
        organization = OrgOperations().get_organization().get_object().get_org()[0]
        name = token.get_user_signature().get_name()
        check.same("signature", name, f"user1@example.com:{organization.get_zgid()}")
    return token


def judge_the_end(bench: Bench, token: OAuthToken) -> None:
    """What leaves no token for anybody else: last."""
    url = f"{bench.simulator.accounts_url}/oauth/v2/token"
    with bench.court.check("tokens: ten in ten minutes, then Access Denied") as check:
        seen = ""
        for _ in range(10):
            try:
                token.refresh_access_token(token, url)
            except SDKException as error:
                seen = error.error_message
                break
        check.same("refusal", seen, "Access Denied")
    reason = "its file store finds no token by the id alone, so nothing is sent"
    with bench.court.known("tokens: revoke(id) revokes nothing", reason) as check:
        check.same("revoked", token.revoke(token.get_id()), False)
        check.same("org", item_of_org(), "200 ResponseWrapper")
    with bench.court.check(
        "tokens: a revoked refresh token takes its access tokens along"
    ) as check:
        refresh = token.get_refresh_token()
        check.same("revoked", token.revoke_refresh_token(refresh, f"{url}/revoke"), True)
        check.same("twice", token.revoke_refresh_token(refresh, f"{url}/revoke"), False)
        check.same("after", item_of_org(), "401 APIException INVALID_TOKEN error -")


def item_of_org() -> str:
    """What reading the org gives."""
    answer = OrgOperations().get_organization()
    body = answer.get_object()
    kind = type(body).__name__
    return f"{answer.get_status_code()} {item(body) if kind == 'APIException' else kind}"
