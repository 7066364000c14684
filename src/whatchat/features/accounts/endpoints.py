"""The accounts' rows of the catalogue; a fixed path comes before the template it matches."""

from typing import Final

from whatchat.domain.contract import Endpoint, Event
from whatchat.features.accounts.contract import (
    ChangePassword,
    GetMe,
    GetUser,
    ListDevices,
    Login,
    Logout,
    Refresh,
    Register,
    SearchUsers,
    SignOutDevice,
    UpdateMe,
)
from whatchat.features.accounts.service import AccountService

ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    Endpoint(
        Register,
        AccountService.register,
        http="POST /api/auth/register",
        status=201,
        public=True,
        cost="register",
    ),
    Endpoint(Login, AccountService.login, http="POST /api/auth/login", public=True, cost="sign_in"),
    Endpoint(
        Refresh, AccountService.refresh, http="POST /api/auth/refresh", public=True, cost="refresh"
    ),
    Endpoint(Logout, AccountService.logout, http="POST /api/auth/logout", status=204),
    Endpoint(
        ChangePassword,
        AccountService.change_password,
        http="POST /api/auth/password",
        status=204,
        cost="sign_in",
    ),
    Endpoint(ListDevices, AccountService.list_devices, http="GET /api/devices", cost="query"),
    Endpoint(
        SignOutDevice,
        AccountService.sign_out_device,
        http="DELETE /api/devices/{deviceId}",
        status=204,
    ),
    Endpoint(GetMe, AccountService.get_me, http="GET /api/users/me", cost="query"),
    Endpoint(UpdateMe, AccountService.update_me, http="PATCH /api/users/me"),
    Endpoint(SearchUsers, AccountService.search_users, http="GET /api/users", cost="query"),
    Endpoint(GetUser, AccountService.get_user, http="GET /api/users/{userId}", cost="query"),
)

EVENTS: Final[tuple[type[Event], ...]] = ()
