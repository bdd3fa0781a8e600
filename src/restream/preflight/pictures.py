"""Whether pictures can be looked at, where that is wanted."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from restream.config.places import INSTALLED
from restream.config.settings import Settings
from restream.interfaces.console.findings import CheckState, Finding
from restream.service.sampling import missing_extra

_NAME = "pictures"


def check_pictures(settings: Settings) -> list[Finding]:
    """The extra, and the folder with room for what is kept; nothing where no pictures are taken."""
    section = settings.pictures
    if not section.enabled:
        return []
    if trouble := missing_extra():
        todo = f"{INSTALLED.install_extra('pictures')}, or set pictures.enabled: false"
        return [Finding(_NAME, CheckState.FAIL, trouble, todo)]
    if section.keep.folder is None:
        told = f"every {section.interval_s:g} s of each camera; kept in memory, {section.keep.memory_mb} MB at most"
        return [Finding(_NAME, CheckState.OK, told)]
    folder = settings.origin.resolve(section.keep.folder)
    there = next(each for each in (folder, *folder.parents) if each.exists())
    if not os.access(there, os.W_OK | os.X_OK) or not there.is_dir():
        todo = "give the service's user a folder of its own, or set pictures.keep.folder to another one"
        return [Finding(_NAME, CheckState.FAIL, f"{folder} cannot be written to", todo)]
    return [_room(folder, there, section.keep.disk_mb)]


def _room(folder: Path, there: Path, megabytes: int) -> Finding:
    free = shutil.disk_usage(there).free >> 20
    if free < megabytes:
        todo = "make room, or set pictures.keep.disk_mb to less"
        return Finding(_NAME, CheckState.WARN, f"{folder}: {free:,} MB are free, {megabytes:,} may be used", todo)
    return Finding(_NAME, CheckState.OK, f"kept in {folder}, {megabytes:,} MB at most")
