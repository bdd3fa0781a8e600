"""The host meter on the machine the tests run on."""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path

import psutil
import pytest

from restream.adapters.host_meter import PsutilHostMeter


def _stat(proc: Path, pid: int, ticks: int, started: int) -> None:
    (proc / str(pid)).mkdir(exist_ok=True)
    (proc / str(pid) / "stat").write_text(f"{pid} (a) b) S {'0 ' * 10}{ticks} 0 {'0 ' * 6}{started} 0 7 0\n")


def test_this_machine_is_measured() -> None:
    sample = PsutilHostMeter().sample([os.getpid(), 2**22 + 1])
    assert sample.memory.total_bytes == psutil.virtual_memory().total
    assert sample.cores == os.cpu_count()
    assert any(disk.mount == "/" and disk.total_bytes > 0 for disk in sample.disks)
    assert list(sample.processes) == [os.getpid()]
    actual = psutil.Process().memory_info().rss
    assert sample.processes[os.getpid()].rss_bytes == pytest.approx(actual, rel=0.2)
    assert sample.service.open_files > 0


def test_a_process_that_is_gone_is_left_out() -> None:
    meter = PsutilHostMeter()
    with subprocess.Popen(["sleep", "60"]) as child:
        assert child.pid in meter.sample([child.pid]).processes
        child.kill()
    assert meter.sample([child.pid]).processes == {}


def test_cpu_is_the_growth_since_the_sample_before_and_a_reused_pid_starts_anew(tmp_path: Path) -> None:
    now = [0.0]
    meter = PsutilHostMeter(tmp_path, lambda: now[0])
    ticks = os.sysconf("SC_CLK_TCK")
    _stat(tmp_path, 7, 100, 1)
    assert meter.sample([7]).processes[7].cpu_percent == 0.0
    now[0] = 10.0
    _stat(tmp_path, 7, 100 + 5 * ticks, 1)
    assert meter.sample([7]).processes[7].cpu_percent == pytest.approx(50.0)
    now[0] = 20.0
    _stat(tmp_path, 7, 900 + 9 * ticks, 2)
    assert meter.sample([7]).processes[7].cpu_percent == 0.0


def test_a_hanging_mount_is_left_out_and_asked_by_one_thread_only(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    calls: list[str] = []

    def hang(mount: str) -> None:
        calls.append(mount)
        released.wait(30)
        raise OSError

    monkeypatch.setattr("restream.adapters.host_meter._MOUNT_TIMEOUT_S", 0.05)
    monkeypatch.setattr("restream.adapters.host_meter._mounts", lambda: iter(["/hangs"]))
    monkeypatch.setattr(psutil, "disk_usage", hang)
    meter = PsutilHostMeter()
    assert meter.sample([]).disks == meter.sample([]).disks == ()
    assert calls == ["/hangs"]
    released.set()


@pytest.mark.parametrize("part", ["virtual_memory", "cpu_times", "net_io_counters", "disk_partitions", "swap_memory"])
def test_a_part_that_cannot_be_read_costs_only_itself(monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    def fail(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(psutil, part, fail)
    assert PsutilHostMeter().sample([os.getpid()]).processes
