# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the first `make run` says of accounts, passwords and homeservers that do not serve, or not for all."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path

import pytest
from aiohttp import web

from scripts.first_run import Answers, NotSetUp, set_up
from scripts.login import discover
from tests.live.test_first_run import devices, environment
from tests.support.homeserver import HomeserverPair
from tests.support.person import Person, unique
from tests.support.ports import HOST, free_port

Impostor = Callable[[Mapping[str, tuple[int, object]]], Awaitable[str]]


@pytest.fixture
async def bot(homeservers: HomeserverPair) -> AsyncIterator[Person]:
    """The bot's account, as its operator made it, in a client of the operator's."""
    person = Person(await homeservers.old.register(unique("bot")))
    yield person
    await person.close()


@pytest.fixture
async def impostor() -> AsyncIterator[Impostor]:
    """Starts servers that give the same JSON or redirect to each request of a path."""
    runners: list[web.AppRunner] = []

    async def start(answers: Mapping[str, tuple[int, object]]) -> str:
        async def answer(request: web.Request) -> web.Response:
            status, body = answers.get(request.path, (404, {"errcode": "M_UNRECOGNIZED"}))
            if isinstance(body, str):
                return web.Response(status=status, headers={"Location": body})
            return web.json_response(body, status=status)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        runners.append(runner)
        port = free_port()
        await web.TCPSite(runner, HOST, port).start()
        return f"http://{HOST}:{port}"

    yield start
    await asyncio.gather(*(runner.cleanup() for runner in runners))


def files_in(folder: Path) -> list[Path]:
    """What is there."""
    return list(folder.glob("*"))


async def refused(folder: Path, given: Mapping[str, str]) -> str:
    """The sentence with which this is refused. Nothing is written."""
    with pytest.raises(NotSetUp) as error:
        await asyncio.to_thread(set_up, folder / "config.yaml", Answers(environment=given, person=None))
    assert not files_in(folder)
    assert all(secret not in str(error.value) for secret in ("wrong-secret", given["MIGRATIONBOT_PASSWORD"]))
    return str(error.value)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"PASSWORD": "wrong-secret"}, "does not accept this user and password (M_FORBIDDEN)"),
        ({"USER": "nobody-of-this-name"}, "does not accept this user and password (M_FORBIDDEN)"),
        ({"ACCESS_TOKEN": "wrong-secret"}, "does not know this access token (M_UNKNOWN_TOKEN)"),
        ({"ACCESS_TOKEN": "wrong secret\n"}, "The access token holds spaces"),
        ({"HOMESERVER": f"http://{HOST}:1"}, f"http://{HOST}:1 can't be reached"),
        ({"HOMESERVER": "https://no-such-host.invalid"}, "can't be reached: there is no such host"),
    ],
)
async def test_a_wrong_answer_gets_a_sentence(
    wrong: dict[str, str], said: str, bot: Person, tmp_path: Path
) -> None:
    before = await devices(bot)
    sentence = await refused(tmp_path / "nothing", environment(bot.account, **wrong))
    assert said in sentence
    assert sentence.endswith(" Nothing was written.")
    assert (await devices(bot)).keys() == before.keys()


async def test_a_token_of_somebody_else_is_noticed(bot: Person, tmp_path: Path) -> None:
    given = environment(bot.account, USER="@other:example.org", ACCESS_TOKEN=bot.account.access_token)
    sentence = await refused(tmp_path / "nothing", given)
    assert sentence.startswith(
        f"The access token belongs to {bot.user_id}, and MIGRATIONBOT_USER names another."
    )


async def test_a_login_that_can_not_be_kept_is_ended(bot: Person, tmp_path: Path) -> None:
    before = await devices(bot)
    said = await refused(tmp_path / "no such folder", environment(bot.account))
    assert said == "config.yaml can't be written: No such file or directory."
    assert (await devices(bot)).keys() == before.keys()


VERSIONS, LOGIN = "/_matrix/client/versions", "/_matrix/client/v3/login"
WHOAMI = "/_matrix/client/v3/account/whoami"
IS_HOMESERVER = {VERSIONS: (200, {"versions": ["v1.11"]})}
TAKES_PASSWORDS = {LOGIN: (200, {"flows": [{"type": "m.login.password"}]})}


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({}, "There is no Matrix homeserver at"),
        ({VERSIONS: (200, ["not", "an", "object"])}, "There is no Matrix homeserver at"),
        ({VERSIONS: (301, "https://elsewhere.invalid/")}, "leads on to another address"),
        ({**IS_HOMESERVER, LOGIN: (200, {"flows": [{"type": "m.login.sso"}]})}, "takes no passwords"),
        ({**IS_HOMESERVER, LOGIN: (429, {"retry_after_ms": 61_000})}, "try again in 62 seconds"),
        ({**IS_HOMESERVER, LOGIN: (307, "https://elsewhere.invalid/")}, "refused the login (307, no reason)"),
        ({**IS_HOMESERVER, **TAKES_PASSWORDS}, "did not say who is logged in"),
        ({**IS_HOMESERVER, LOGIN: (500, {"errcode": "<b>\n"})}, "refused the login (500, no reason)"),
    ],
)
async def test_what_is_no_usable_homeserver_gets_a_sentence(
    answers: Mapping[str, tuple[int, object]], said: str, impostor: Impostor, bot: Person, tmp_path: Path
) -> None:
    url = await impostor(answers)
    assert said in await refused(tmp_path / "nothing", environment(bot.account, HOMESERVER=url))


@pytest.mark.parametrize(
    ("device", "packages", "said"),
    [
        ("ABC", True, "It has a device of its own, ABC"),
        ("ABC", False, "The packages for encryption are not installed"),
        (None, True, "The access token belongs to no device"),
    ],
)
async def test_it_says_whether_it_will_speak_in_encrypted_rooms(
    device: str | None,
    packages: bool,
    said: str,
    impostor: Impostor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "mautrix.crypto", sys if packages else None)
    who = {"user_id": "@bot:example.org", "device_id": device}
    url = await impostor({**IS_HOMESERVER, WHOAMI: (200, who)})
    given = {"MIGRATIONBOT_HOMESERVER": url, "MIGRATIONBOT_ACCESS_TOKEN": "the-token"}
    await asyncio.to_thread(set_up, tmp_path / "config.yaml", Answers(environment=given, person=None))
    shown = capsys.readouterr().out
    assert said in shown
    assert "the-token" not in shown
    assert "access_token: the-token\n" in (tmp_path / "config.yaml").read_text()


async def test_a_server_name_leads_to_its_homeserver(impostor: Impostor) -> None:
    url = await impostor(
        {
            "/good": (200, {"m.homeserver": {"base_url": "https://matrix.example.org/"}}),
            "/empty": (200, {}),
            "/odd": (200, {"m.homeserver": {"base_url": 7}}),
            "/ftp": (200, {"m.homeserver": {"base_url": "ftp://example.org"}}),
            "/moved": (302, "/good"),
        }
    )
    paths = ("good", "moved", "empty", "odd", "ftp", "none")
    found = [await discover(f"{url}/{path}") for path in paths]
    assert found == ["https://matrix.example.org"] * 2 + [None] * 4
    assert await discover(f"http://{HOST}:1") is None
