# SPDX-License-Identifier: AGPL-3.0-or-later
"""The configuration of a Synapse that federates over loopback, keeps to itself, and starts fast."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.certificates import Certificate
from tests.support.ports import HOST, free_port

_FREELY: Mapping[str, float] = {"per_second": 1_000_000, "burst_count": 1_000_000}

# No rate limit gets in the way. A test that is about some limit replaces its key.
LIFTED: Mapping[str, Any] = {
    "rc_message": _FREELY,
    "rc_registration": _FREELY,
    "rc_login": {"address": _FREELY, "account": _FREELY, "failed_attempts": _FREELY},
    "rc_admin_redaction": _FREELY,
    "rc_joins": {"local": _FREELY, "remote": _FREELY},
    "rc_joins_per_room": _FREELY,
    "rc_room_creation": _FREELY,
    "rc_invites": {"per_room": _FREELY, "per_user": _FREELY, "per_issuer": _FREELY},
    "rc_profile": _FREELY,
    "rc_key_requests": _FREELY,
    "rc_media_create": _FREELY,
    "rc_user_directory": _FREELY,
    "rc_federation": {"sleep_limit": 1_000_000, "reject_limit": 1_000_000, "concurrent": 100},
}

# Whatever Synapse limits when nobody says otherwise.
DEFAULT: Mapping[str, Any] = {}


@dataclass(frozen=True, kw_only=True)
class ServerOptions:
    """How one homeserver differs from the others."""

    host: str = "localhost"  # the name that others know it by; `127.0.0.1` tells it apart in a server ACL
    limits: Mapping[str, Any] = field(default_factory=lambda: LIFTED)  # LIFTED, DEFAULT, or a mix
    extra: Mapping[str, Any] = field(default_factory=dict)  # replaces top-level keys of the configuration
    forgetful: bool = False  # whether its database is in memory: a fifth faster, and gone when it stops


@dataclass(frozen=True, kw_only=True)
class ServerIdentity:
    """What one homeserver keeps over restarts."""

    federation_port: int = field(default_factory=free_port)
    client_port: int = field(default_factory=free_port)
    registration_secret: str = field(default_factory=lambda: secrets.token_hex(16))
    signing_seed: bytes = field(default_factory=lambda: secrets.token_bytes(32))


def synapse_config(
    folder: Path, options: ServerOptions, identity: ServerIdentity, certificate: Certificate
) -> dict[str, Any]:
    """homeserver.yaml, as a dictionary; its files are below `folder`."""
    database = ":memory:" if options.forgetful else str(folder / "homeserver.db")
    return {
        "server_name": f"{options.host}:{identity.federation_port}",
        "public_baseurl": f"http://{HOST}:{identity.client_port}/",
        "listeners": [
            _listener(identity.federation_port, tls=True, names=["federation"]),
            _listener(identity.client_port, tls=False, names=["client"]),
        ],
        "pid_file": str(folder / "homeserver.pid"),
        "database": {"name": "sqlite3", "args": {"database": database}},
        "media_store_path": str(folder / "media"),
        "log_config": str(folder / "log.yaml"),
        "registration_shared_secret": identity.registration_secret,
        "macaroon_secret_key": identity.registration_secret,
        "form_secret": identity.registration_secret,
        "signing_key": f"ed25519 a_tests {_unpadded(identity.signing_seed)}",
        "bcrypt_rounds": 4,
        **_federation(certificate),
        **_switched_off(),
        **options.limits,
        **options.extra,
    }


def log_config() -> dict[str, Any]:
    """Warnings and worse, on standard error."""
    return {
        "version": 1,
        "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
        "root": {"level": "WARNING", "handlers": ["console"]},
        "disable_existing_loggers": False,
    }


def _listener(port: int, *, tls: bool, names: list[str]) -> dict[str, Any]:
    return {
        "port": port,
        "bind_addresses": [HOST],
        "type": "http",
        "tls": tls,
        "resources": [{"names": names, "compress": False}],
    }


def _federation(certificate: Certificate) -> dict[str, Any]:
    """Loopback is a place like any other, a self-signed certificate will do, and outages are short.

    The retry times are in milliseconds.
    """
    return {
        "tls_certificate_path": str(certificate.certificate),
        "tls_private_key_path": str(certificate.key),
        "federation_verify_certificates": False,
        "ip_range_blacklist": [],
        "federation_ip_range_blacklist": [],
        "trusted_key_servers": [],
        "suppress_key_server_warning": True,
        "allow_public_rooms_over_federation": True,
        "federation": {
            "destination_min_retry_interval": 200,
            "destination_retry_multiplier": 2,
            "destination_max_retry_interval": 2000,
            "max_short_retry_delay": 500,
        },
    }


def _switched_off() -> dict[str, Any]:
    """Nothing that these tests look at."""
    return {
        "report_stats": False,
        "enable_metrics": False,
        "presence": {"enabled": False},
        "push": {"enabled": False},
        "url_preview_enabled": False,
        "user_directory": {"enabled": False},
        "soft_file_limit": 0,
    }


def _unpadded(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")
