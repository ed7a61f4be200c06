# SPDX-License-Identifier: AGPL-3.0-or-later
"""The config.yaml of a standalone bot: the example with an account filled in, and nobody else may read it."""

from __future__ import annotations

import importlib
import io
import os
import secrets
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from ruamel.yaml import YAML

from scripts.login import Login

EXAMPLE = Path(__file__).resolve().parent.parent / "config.example.yaml"
DATABASE = "migrationbot.db"  # as the example says, beside config.yaml

# What mautrix keeps there of a device. It refuses to start with those of another one.
_OF_THE_DEVICE = (
    "crypto_account",
    "crypto_olm_session",
    "crypto_megolm_inbound_session",
    "crypto_megolm_outbound_session",
)


def configuration(login: Login) -> str:
    """config.yaml for this login: the example, with the account filled in."""
    yaml = YAML()
    yaml.indent(mapping=4, sequence=4, offset=2)
    yaml.width = 1000
    config = yaml.load(EXAMPLE)
    config["user"]["credentials"].update(
        id=login.user_id,
        homeserver=login.homeserver,
        access_token=login.access_token,
        device_id=login.device_id if can_encrypt() else None,
    )
    # The device's keys in the database can't be read without it.
    config["crypto_db_pickle_key"] = secrets.token_urlsafe(32)
    text = io.StringIO()
    yaml.dump(config, text)
    return text.getvalue()


def can_encrypt() -> bool:
    """Whether the packages for encryption are there: maubot looks for the same, and fails without."""
    try:
        importlib.import_module("mautrix.crypto")
    except ImportError:
        return False
    return True


def write_private(path: Path, text: str) -> None:
    """Make the file, whole or not at all, and never readable by anybody but its owner. Raises OSError."""
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink()
        raise


def forget_former_device(database: Path) -> None:
    """Make a database fit for a new device of the bot; all else in it stays. Raises sqlite3.Error."""
    if not database.exists():
        return
    with closing(sqlite3.connect(database)) as connection, connection:
        found = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        for table in {name for (name,) in found} & {*_OF_THE_DEVICE}:
            connection.execute(f"DELETE FROM {table}")  # noqa: S608 - one of the names above
