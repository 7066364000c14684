"""The REST routes that need no access token."""

from whatchat.client.http import Http, fields
from whatchat.client.views import SignIn, Tokens
from whatchat.domain.ids import DeviceId


async def register(
    http: Http, username: str, password: str, display_name: str | None = None
) -> SignIn:
    """Create an account and sign in."""
    body = fields(username=username, password=password, displayName=display_name)
    return await http.exchange("POST", "/auth/register", SignIn, body=body)


async def login(
    http: Http, username: str, password: str, device_id: DeviceId | None = None
) -> SignIn:
    """Sign in, on a device known before or on a new one."""
    body = fields(username=username, password=password, deviceId=device_id)
    return await http.exchange("POST", "/auth/login", SignIn, body=body)


async def refresh(http: Http, refresh_token: str, nonce: str | None = None) -> Tokens:
    """Exchange a refresh token; repeating it with the same nonce gives the same pair."""
    body = fields(refreshToken=refresh_token, nonce=nonce)
    return await http.exchange("POST", "/auth/refresh", Tokens, body=body)
