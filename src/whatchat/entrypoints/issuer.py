"""People of an issuer elsewhere, from the settings."""

from typing import NamedTuple

from whatchat.adapters.web.documents import HttpDocuments
from whatchat.domain.ports.account_store import AccountStore
from whatchat.domain.ports.audit_trail import AuditTrail
from whatchat.features.accounts.exclusions import Exclusions
from whatchat.features.accounts.external_keys import ALGORITHMS
from whatchat.features.accounts.external_people import ExternalPeople
from whatchat.features.accounts.external_tokens import ExternalTokens
from whatchat.features.accounts.issuer_keys import IssuerKeys
from whatchat.observability.metrics import Metrics
from whatchat.settings import Settings


class External(NamedTuple):
    """Who comes from the issuer, and its keys, which are to be started and stopped."""

    people: ExternalPeople
    keys: IssuerKeys


def external(
    settings: Settings,
    accounts: AccountStore,
    exclusions: Exclusions,
    trail: AuditTrail,
    metrics: Metrics,
    *,
    secret: bytes,
) -> External | None:
    """What takes tokens of the issuer that the settings name, if they name one."""
    issuer, audience = settings.oidc_issuer, settings.oidc_audience
    if issuer is None or audience is None:
        return None
    keys = IssuerKeys(
        issuer,
        HttpDocuments(),
        metrics,
        url=settings.oidc_jwks_url,
        algorithms=settings.oidc_algorithms or ALGORITHMS,
    )
    tokens = ExternalTokens(issuer, audience, keys)
    return External(ExternalPeople(tokens, accounts, exclusions, trail, secret=secret), keys)
