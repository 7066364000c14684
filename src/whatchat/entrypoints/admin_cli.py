"""The command line: ``whatchat admin``, whose commands are the rows of the admin API."""

from collections.abc import Callable, Mapping
from inspect import Parameter, Signature
from typing import Annotated, Any, Final, Literal, get_args, get_origin

import msgspec
import typer

from whatchat.domain.contract import Command, Endpoint
from whatchat.domain.errors import Invalid
from whatchat.entrypoints.admin_calls import AdminApi, CallFailed
from whatchat.entrypoints.decoding import decode_command
from whatchat.entrypoints.standard_output import write_lines
from whatchat.features.admin import contract, endpoints
from whatchat.settings import BadSetting, load_settings

FAILED: Final = 1

ROWS: Final = (*endpoints.ACCOUNTS, *endpoints.ROOMS, *endpoints.REPORTS, *endpoints.PODS)

NAMES: Final[Mapping[type[Command], str]] = {
    contract.ListAccounts: "users",
    contract.InspectAccount: "user",
    contract.BanAccount: "ban",
    contract.UnbanAccount: "unban",
    contract.SignOutAccount: "sign-out",
    contract.ForgiveAccount: "forgive",
    contract.ListAllRooms: "rooms",
    contract.InspectRoom: "room",
    contract.ListRoomMembers: "members",
    contract.ExpelMember: "expel",
    contract.EraseMessage: "erase",
    contract.ListReports: "reports",
    contract.InspectReport: "report",
    contract.ResolveReport: "resolve",
    contract.InspectPod: "pod",
    contract.ShowLimits: "limits",
    contract.ListSockets: "sockets",
    contract.CloseSocket: "close",
    contract.DrainPod: "drain",
}
"""What operators call the commands of the admin API."""

_ANY_ID: Final = {"ignore_unknown_options": True}
"""Ids may begin with a dash."""

_PAGING: Final = frozenset({"after", "limit"})
_URL: Final = typer.Option(
    help="Where the admin API is; else WHATCHAT_ADMIN_URL, or this machine's own pod."
)


def admin_app() -> typer.Typer:
    """A command for each row.

    Answers are JSON on standard output, each thing of a list on a line of its own, to the
    list's end. What is refused is one line on standard error, and status 1. The token is
    that of the settings: it is in no argument, where others on the machine would see it.
    """
    app = typer.Typer(
        name="admin",
        help="Ask and tell a pod as its operator, by WHATCHAT_ADMIN_TOKEN or its _FILE.",
        no_args_is_help=True,
    )
    for row in ROWS:
        app.command(name=NAMES[row.command], help=_summary(row), context_settings=_ANY_ID)(
            _run(row)
        )
    return app


def _run(row: Endpoint) -> Callable[..., None]:
    def run(url: str | None, **given: object) -> None:
        fields = {name: value for name, value in given.items() if value is not None}
        try:
            api, command = _api(url), decode_command(row.command, _wire(row, fields), lax=True)
            if _is_list(row):
                write_lines(map(msgspec.json.encode, api.ask_for_all(row, command)))
            elif answer := api.ask(row, command):
                write_lines([msgspec.json.encode(answer)])
        except (CallFailed, Invalid) as error:
            typer.echo(f"whatchat: {error}", err=True)
            raise typer.Exit(FAILED) from None

    run.__signature__ = Signature(_parameters(row))  # type: ignore[attr-defined] # inspect reads it
    return run


def _api(url: str | None) -> AdminApi:
    settings = load_settings(**({} if url is None else {"admin_url": url}))
    token = settings.admin_token or settings.admin_read_token
    if token is None:
        raise BadSetting("WHATCHAT_ADMIN_TOKEN: set this or WHATCHAT_ADMIN_TOKEN_FILE")
    return AdminApi(settings.admin_api, token.get_secret_value())


def _parameters(row: Endpoint) -> list[Parameter]:
    """The row's fields: arguments if it needs them, else options."""
    arguments, options = [], [_option("url", str, _URL)]
    for field in msgspec.structs.fields(row.command):
        if field.required:
            arguments.append(_parameter(field.name, _kind(field.type), typer.Argument()))
        elif field.name not in _PAGING:
            options.append(_option(field.name, _kind(field.type), typer.Option()))
    return arguments + options


def _option(name: str, kind: Any, option: Any) -> Parameter:
    return _parameter(name, kind | None, option, default=None)


def _parameter(name: str, kind: Any, what: Any, default: Any = Parameter.empty) -> Parameter:
    annotation = Annotated[kind, what]
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _kind(declared: Any) -> Any:
    """What a field is on a command line: one of some words, yes or no, or a text."""
    for kind in (declared, *get_args(declared)):
        if kind is bool or get_origin(kind) is Literal:
            return kind
    return str


def _wire(row: Endpoint, fields: Mapping[str, object]) -> dict[str, object]:
    names = {field.name: field.encode_name for field in msgspec.structs.fields(row.command)}
    return {names[name]: value for name, value in fields.items()}


def _is_list(row: Endpoint) -> bool:
    return _PAGING.issubset(field.name for field in msgspec.structs.fields(row.command))


def _summary(row: Endpoint) -> str:
    return (row.command.__doc__ or "").replace("``", "")
