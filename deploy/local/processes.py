"""Child processes that never outlive us: each ends with its parent, however the parent ends."""

import asyncio
import ctypes
import os
import pwd
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from deploy.local.places import ROOT, StackError

PR_SET_PDEATHSIG: Final = 1  # prctl(2), Linux: the signal a child gets when its parent dies
GRACE: Final = 30.0  # seconds between SIGTERM and SIGKILL
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


def _die_with_parent() -> None:
    # A session of its own keeps the terminal's Ctrl-C away from the child: we stop children in order.
    os.setsid()
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    """One child with its log file."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        log: Path,
        *,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
        cwd: Path | str = "/",
    ) -> None:
        self.name, self.command, self.log = name, [str(part) for part in command], log
        self.env = {**os.environ, **(env or {})}
        self._user, self._cwd = user, cwd
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        if self._popen is None:
            raise StackError(f"{self.name} is not running")
        return self._popen.pid

    @property
    def running(self) -> bool:
        return self._popen is not None and self._popen.poll() is None

    def start(self) -> None:
        """Start it; output is appended to the log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._popen = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.env,
                preexec_fn=_die_with_parent,
                user=self._user,
                group=None if self._user is None else pwd.getpwnam(self._user).pw_gid,
                extra_groups=None if self._user is None else [],
                cwd=self._cwd,
            )

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal, by default the one that cannot be caught."""
        if self.running:
            os.kill(self.pid, number)

    async def wait(self, timeout: float) -> int:
        """Wait for its end and return the exit code. Raises `TimeoutError`."""
        popen = self._popen
        if popen is None:
            return 0
        async with asyncio.timeout(timeout):
            while (code := popen.poll()) is None:
                await asyncio.sleep(0.02)
        return code

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to end, and after `GRACE` seconds make it."""
        if not self.running:
            return
        self.kill(number)
        try:
            await self.wait(GRACE)
        except TimeoutError:
            self.kill()
            await self.wait(GRACE)

    def last_words(self, lines: int = 15) -> str:
        """The end of its log, for an error message."""
        try:
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def check(self) -> None:
        """Raise `StackError` when it has ended by itself."""
        if self._popen is not None and (code := self._popen.poll()) is not None:
            raise StackError(f"{self.name} ended with code {code}; see {self.log}\n{self.last_words()}")


def as_user(user: str | None, command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    """Run a short command as another user, who may not be able to see our folder."""
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        cwd="/",
        user=user,
        group=None if user is None else pwd.getpwnam(user).pw_gid,
        extra_groups=None if user is None else [],
    )


async def run(name: str, command: Sequence[str | Path], env: Mapping[str, str] | None = None) -> str:
    """Run a short command to its end and return what it printed. Raises `StackError`."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **(env or {})},
        preexec_fn=_die_with_parent,
        cwd=ROOT,
    )
    output, _ = await process.communicate()
    text = output.decode(errors="replace").strip()
    if process.returncode:
        raise StackError(f"{name} ended with code {process.returncode}\n{text[-2000:]}")
    return text
