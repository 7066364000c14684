"""Tokens of an issuer elsewhere, used for what they are not."""

import jwt

from tests.security.forging import altered, assert_refused, segment, signed
from tests.security.stage import SECRET, Stage
from tests.servers.issuer import AUDIENCE, Issuer, public_pem


async def test_confusing_an_issuer_with_ourselves(stage: Stage) -> None:
    """Neither our keys sign for the issuer elsewhere, nor its keys for us."""
    with Issuer() as issuer:
        node = await stage.another(oidc_issuer=issuer.url, oidc_audience=AUDIENCE)
        ada = await stage.person(node=node)
        foreign = {"Authorization": f"Bearer {issuer.token(sub='eve')}"}
        assert (await node.http.get("/api/users/me", headers=foreign)).status_code == 200
        ours = jwt.decode(ada.token, options={"verify_signature": False})
        header = {"alg": "HS256", "typ": "at+jwt", "kid": issuer.kid}
        await assert_refused(
            stage,
            signed(header, issuer.claims(), SECRET.encode()),
            signed(header, issuer.claims(), public_pem(issuer.signing)),
            altered(ada.token, iss=issuer.url, aud=AUDIENCE),
            issuer.token(**ours),
            issuer.token(headers={"kid": jwt.get_unverified_header(ada.token)["kid"]}),
            f"{segment(header | {'alg': 'none'})}.{segment(issuer.claims())}.",
            node=node,
        )


async def test_other_tokens_of_an_issuer(stage: Stage) -> None:
    """What the issuer made for another purpose or another service opens nothing here."""
    with Issuer() as issuer:
        node = await stage.another(oidc_issuer=issuer.url, oidc_audience=AUDIENCE)
        await assert_refused(
            stage,
            issuer.token(nonce="n"),
            issuer.token(typ="ID"),
            issuer.token(headers={"typ": "id+jwt"}),
            issuer.token(headers={"typ": "logout+jwt"}),
            issuer.token(aud="another"),
            issuer.token(aud=None),
            issuer.token(iss=issuer.url + "/"),
            issuer.token(exp=1),
            issuer.token(exp=None),
            issuer.token(headers={"jku": "http://127.0.0.1:1/keys", "kid": "another"}),
            node=node,
        )


async def test_issuer_that_nobody_named(stage: Stage) -> None:
    """A pod that was told of no issuer believes none, nor asks it for its keys."""
    with Issuer() as issuer:
        await assert_refused(stage, issuer.token())
        assert sum(issuer.asked.values()) == 0


async def test_key_that_was_withdrawn(stage: Stage) -> None:
    """A secret that is no longer named signs nothing any more; one of before still verifies."""
    ada = await stage.person()
    new = "a new secret that all pods share, long enough for every one of the hashes"
    overlapping = await stage.another(jwt_secret=new, jwt_previous_secrets=[SECRET])
    bearer = {"Authorization": f"Bearer {ada.token}"}
    assert (await overlapping.http.get("/api/users/me", headers=bearer)).status_code == 200
    await assert_refused(stage, ada.token, node=await stage.another(jwt_secret=new))
