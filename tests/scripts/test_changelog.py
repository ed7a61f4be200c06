# SPDX-License-Identifier: AGPL-3.0-or-later
"""The changelog tells of the version that is built."""

from __future__ import annotations

import re
from itertools import pairwise

from packaging.version import Version

from scripts.build import read_meta
from scripts.run import ROOT


def test_the_newest_entry_of_the_changelog_is_this_version() -> None:
    entries = re.findall(r"(?m)^## (.*)$", (ROOT / "CHANGELOG.md").read_text())
    released = [re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)", entry) for entry in entries]
    if entries[0] == "[Unreleased]":
        del released[0]
    assert all(released), entries
    versions = [Version(entry[1]) for entry in released if entry]
    assert str(versions[0]) == read_meta(ROOT)["version"]
    assert all(newer > older for newer, older in pairwise(versions))
    dates = [entry[2] for entry in released if entry]
    assert dates == sorted(dates, reverse=True)
