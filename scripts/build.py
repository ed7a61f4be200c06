# SPDX-License-Identifier: AGPL-3.0-or-later
"""Pack the plugin into dist/ID-vVERSION.mbp, for a maubot server (`make build`).

`mbc build` packs byte code too, and exits 0 when it failed: so this packs by itself, and then looks at what
it made. The same sources always give the same bytes.
"""

from __future__ import annotations

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from maubot.loader.zip import MaubotZipImportError, ZippedPluginLoader
from packaging.version import InvalidVersion, Version
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

ROOT = Path(__file__).resolve().parent.parent
PLUGIN_ID = "io.github.migrationbot"
PACKAGE = "migrationbot"
TEMPLATES = f"{PACKAGE}/chat/templates"
TOP_FILES = ("maubot.yaml", "base-config.yaml")
NEEDED = (*TOP_FILES, f"{PACKAGE}/__init__.py", f"{PACKAGE}/bot.py")

# The first moment that a zip file can hold.
EPOCH = (1980, 1, 1, 0, 0, 0)


class CannotBuild(Exception):
    """The plugin can't be packed; the message is a sentence that says why."""


def build(root: Path, folder: Path) -> Path:
    """Pack the checkout at `root` into `folder`; the path of the .mbp. Raises CannotBuild."""
    names = plugin_files(root)
    meta = read_meta(root)
    target = folder / f"{PLUGIN_ID}-v{meta['version']}.mbp"
    draft = target.with_suffix(".part")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        pack(root, names, draft)
        check(draft, names)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return target


def plugin_files(root: Path) -> list[str]:
    """What belongs in the file, sorted. Anything else in the package's folder is an error, not left out."""
    for name in NEEDED:
        if not (root / name).is_file():
            raise CannotBuild(f"{name} is missing.")
    if not any((root / TEMPLATES).glob("*")):
        raise CannotBuild(f"{TEMPLATES} holds no template.")
    return sorted([*TOP_FILES, *package_files(root)])


def package_files(root: Path) -> Iterator[str]:
    """The package's files, below `root`, with forward slashes."""
    for path in (root / PACKAGE).rglob("*"):
        name = path.relative_to(root).as_posix()
        if "__pycache__" in path.parts or (path.is_dir() and not path.is_symlink()):
            continue
        if path.is_symlink() or not (path.suffix == ".py" or is_template(name)):
            raise CannotBuild(f"{name} is neither a module nor a template, and would not be packed.")
        yield name


def is_template(name: str) -> bool:
    """Whether this is a file directly in the folder of templates, and not hidden."""
    folder, _, file = name.rpartition("/")
    return folder == TEMPLATES and not file.startswith(".") and not file.endswith("~")


def read_meta(root: Path) -> dict[str, Any]:
    """maubot.yaml, when it says what a maubot server needs to run this plugin."""
    try:
        meta = YAML(typ="safe").load(root / "maubot.yaml")
    except YAMLError as error:
        raise CannotBuild(f"maubot.yaml is not YAML: {error}") from error
    if not isinstance(meta, dict):
        raise CannotBuild("maubot.yaml is not a mapping.")
    expected = {
        "id": PLUGIN_ID,
        "modules": [PACKAGE],
        "config": True,
        "database": True,
        "database_type": "asyncpg",
    }
    for key, value in expected.items():
        if meta.get(key) != value:
            raise CannotBuild(f"maubot.yaml says {key}: {meta.get(key)!r}, and should say {value!r}.")
    try:
        Version(str(meta.get("version")))
    except InvalidVersion as error:
        raise CannotBuild(f"maubot.yaml has no version number: {error}") from error
    return meta


def pack(root: Path, names: list[str], target: Path) -> None:
    """Write the files, in this order, with nothing of this machine in them."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            entry = zipfile.ZipInfo(name, date_time=EPOCH)
            entry.create_system = 3  # Unix, wherever this runs
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, (root / name).read_bytes())


def check(path: Path, names: list[str]) -> None:
    """Read the file back as a maubot server does, and compile every module in it."""
    with zipfile.ZipFile(path) as archive:
        if archive.namelist() != names or archive.testzip() is not None:
            raise CannotBuild("The packed file does not hold what was put in.")
        for name in names:
            if name.endswith(".py"):
                compiles(name, archive.read(name))
    try:
        ZippedPluginLoader.verify_meta(str(path))
    except MaubotZipImportError as error:
        raise CannotBuild(f"maubot does not accept the file: {error}") from error


def compiles(name: str, source: bytes) -> None:
    """Raises CannotBuild when this module is not Python."""
    try:
        compile(source, name, "exec")
    except (SyntaxError, ValueError) as error:
        raise CannotBuild(f"{name} does not compile: {error}") from error


def main() -> int:
    """Build, and say where the file is or why there is none."""
    try:
        target = build(ROOT, ROOT / "dist")
    except CannotBuild as error:
        print(f"No plugin was built: {error}", file=sys.stderr)
        return 1
    print(f"Built {target.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
