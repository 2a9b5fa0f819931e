# SPDX-License-Identifier: Apache-2.0
"""Talks to the serial console of a guest whose emulator runs on a pseudo terminal.

Every wait has a limit, and ends early when the emulator ends or the guest's kernel gives up. What went wrong comes
as ConsoleError with a sentence for a person. All that the guest printed is kept in a log file.
"""
import os
import pty
import re
import select
import signal
import time
import tty

# After these the guest will never print what one waits for.
_DEAD_ENDS = re.compile(rb"Kernel panic - not syncing[^\r\n]*|initrd: no ext4 file system[^\r\n]*|"
                        rb"You are in emergency mode[^\r\n]*")
_ESCAPES = re.compile(r"\x1b(?:\[[0-9;?]*[A-Za-z]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][0-9A-B]|[=>78])")


class ConsoleError(Exception):
    pass


def plain(data):
    """The text of terminal output without its escape sequences."""
    return _ESCAPES.sub("", data.decode(errors="replace").replace("\r", ""))


class Console:
    def __init__(self, command, log_path):
        self._unread = b""     # printed by the guest, not yet taken by expect()
        self._recent = b""     # for error messages
        self._status = None
        self._commands = 0
        self._used = 0.0
        self._log = open(log_path, "wb")
        master, slave = pty.openpty()
        tty.setraw(slave)      # from the start, so that nothing is echoed before the emulator sets its own mode
        self._pid = os.fork()
        if self._pid == 0:
            try:
                os.close(master)
                os.login_tty(slave)
                os.environ["TERM"] = "dumb"
                os.execvp(command[0], command)
            except OSError as error:
                os.write(2, f"cannot run {command[0]}: {error.strerror}\r\n".encode())
            finally:
                os._exit(127)
        os.close(slave)
        os.set_blocking(master, False)
        self._terminal = master

    def send(self, text, limit=30):
        """Types text; the guest may take it as slowly as it likes within limit seconds."""
        data, end = text.encode(), time.monotonic() + limit
        while data:
            if time.monotonic() > end:
                raise ConsoleError(f"the console did not take its input for {limit:.0f} seconds")
            # Output is read meanwhile: a guest that can't print doesn't read either.
            readable, writable, _ = select.select([self._terminal], [self._terminal], [], 0.5)
            if readable and not self._read():
                raise ConsoleError(self._ended())
            if writable:
                try:
                    data = data[os.write(self._terminal, data[:256]):]
                except BlockingIOError:
                    pass
                except OSError:
                    raise ConsoleError(self._ended()) from None

    def expect(self, pattern, limit):
        """Waits for the bytes pattern; returns its match and drops everything up to its end."""
        wanted, end = re.compile(pattern, re.MULTILINE), time.monotonic() + limit
        while True:
            match = wanted.search(self._unread)
            if match:
                self._unread = self._unread[match.end():]
                return match
            dead = _DEAD_ENDS.search(self._unread)
            if dead:
                raise ConsoleError(f"the guest says \"{plain(dead.group())}\"")
            left = end - time.monotonic()
            if left <= 0:
                raise ConsoleError(f"the guest did not print /{pattern.decode()}/ within {limit:.0f} seconds")
            if select.select([self._terminal], [], [], min(left, 1.0))[0] and not self._read():
                raise ConsoleError(self._ended())

    def login(self, limit, user="root"):
        """Waits for the login prompt and leaves a plain shell without echo and prompts, ready for run()."""
        self.expect(rb"login: ?$", limit)
        self.send(user + "\n")
        self.expect(rb"[#$] (?:\x1b\[[0-9;?]*[a-z])*$", limit)
        # The answer is printed in two parts, so that the echo of this very line is not taken for it.
        self.send("stty -echo; PS1= PS2= exec sh -c 'printf \"@@%s\\n\" ready; exec sh'\n")
        self.expect(rb"@@ready\r*\n", limit)

    def run(self, command, limit):
        """Runs a shell command and returns its exit status and output."""
        self._commands += 1
        mark = f"end{self._commands}"
        self.send(f"{command}\nprintf '\\n@@%s %d\\n' {mark} $?\n", limit)
        match = self.expect(rb"(?s)(.*?)\r*\n@@" + mark.encode() + rb" (\d+)\r*\n", limit)
        return int(match.group(2)), plain(match.group(1))

    def wait(self, limit):
        """Waits until the emulator ends by itself; returns its exit code (negative: a signal)."""
        end = time.monotonic() + limit
        while self._status is None:
            left = end - time.monotonic()
            if left <= 0:
                raise ConsoleError(f"the emulator did not end by itself within {limit:.0f} seconds")
            if select.select([self._terminal], [], [], min(left, 0.2))[0] and not self._read():
                time.sleep(0.02)
            self._reap()
        return self._status

    def processor_seconds(self):
        """What the emulator has used of the host's processors."""
        if self._status is not None:
            return self._used
        with open(f"/proc/{self._pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
        self._used = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return self._used

    def last_lines(self, count=15):
        lines = [line.rstrip() for line in plain(self._recent).split("\n")]
        return [line for line in lines if line][-count:]

    def close(self):
        """Ends the emulator if it still runs."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._status is not None:
                break
            os.kill(self._pid, number)
            end = time.monotonic() + 5
            while self._status is None and time.monotonic() < end:
                time.sleep(0.05)
                self._reap()
        if self._terminal is not None:
            os.close(self._terminal)
            self._terminal = None
        self._log.close()

    def _read(self):
        """Takes what the guest printed; false when the emulator closed the terminal."""
        try:
            data = os.read(self._terminal, 65536)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._log.write(data)
        self._log.flush()
        self._unread += data
        self._recent = (self._recent + data)[-16384:]
        return bool(data)

    def _reap(self):
        if self._status is None:
            pid, status, usage = os.wait4(self._pid, os.WNOHANG)
            if pid:
                self._used = usage.ru_utime + usage.ru_stime
                self._status = os.waitstatus_to_exitcode(status)

    def _ended(self):
        for _ in range(50):
            self._reap()
            if self._status is not None:
                break
            time.sleep(0.05)
        if self._status is None:
            return "the emulator closed its terminal"
        if self._status < 0:
            return f"the emulator was ended by {signal.Signals(-self._status).name}"
        return f"the emulator ended with exit code {self._status}"

