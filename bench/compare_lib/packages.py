"""Debian packages of any architecture and release, unpacked into folders of our own.

apt runs with its own lists, cache and status, so the host's installation is neither used nor changed. Only the place
to download from, the keys and the proxy are the host's.
"""
import os
import shutil
import subprocess
import sys
from pathlib import Path

from compare_lib.problem import Problem

RELEASE = "bookworm"
MERGED = ("bin", "sbin", "lib", "lib64")  # folders that are links into /usr


def _index_targets(*options):
    listed = subprocess.run(["apt-get", "indextargets", *options, "--format", "$(SITE)|$(RELEASE)|$(ORIGIN)|$(CREATED_BY)"],
                            capture_output=True, text=True, check=False).stdout
    return [tuple(line.split("|")) for line in listed.splitlines()]


def choose_sources(targets):
    """The (site, suite) pairs of Debian itself among the host's index targets, and the site of its main archive."""
    sources, main = [], None
    for site, suite, origin, kind in targets:
        foreign = origin not in ("Debian", "$(ORIGIN)")  # the latter: not known before the host's first update
        if kind != "Packages" or foreign or suite not in (RELEASE, f"{RELEASE}-updates", f"{RELEASE}-security"):
            continue
        if (site, suite) not in sources:
            sources.append((site, suite))
        if suite == RELEASE:
            main = main or site
    return sources, main


def _sources():
    for options in ((), ("--no-release-info",)):
        sources, main = choose_sources(_index_targets(*options))
        if main:
            return sources, main
    raise Problem(f"apt on this machine has no source of Debian's {RELEASE} to take the guest's packages from; "
                  f"add {RELEASE} main to /etc/apt/sources.list")


class Apt:
    """A private apt in `folder`."""

    def __init__(self, folder, architecture, status=None, backports=False):
        self.folder = Path(folder).resolve()
        for name in ("state/lists/partial", "cache/archives/partial"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        if status is None:
            status = self.folder / "status"  # nothing is installed
            status.touch()
        sources, main = _sources()
        if backports:
            sources.append((main, f"{RELEASE}-backports"))
        self.sources = sources
        self._write_sources()
        settings = {
            "Dir::State": self.folder / "state", "Dir::State::status": status, "Dir::Cache": self.folder / "cache",
            "Dir::Etc::sourcelist": self.folder / "sources.list", "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null", "APT::Architecture": architecture, "Acquire::Languages": "none",
            "APT::Sandbox::User": "root", "Acquire::Retries": "2",
        }
        # After an update some installations empty the host's cache; that is no business of ours.
        text = "".join(f'{key} "{value}";\n' for key, value in settings.items())
        text += f'APT::Architectures {{ "{architecture}"; }};\n#clear APT::Update::Post-Invoke;\n'
        (self.folder / "apt.conf").write_text(text)

    def _write_sources(self):
        (self.folder / "sources.list").write_text("".join(f"deb {site} {suite} main\n" for site, suite in self.sources))

    def _run(self, *arguments):
        environment = dict(os.environ, APT_CONFIG=str(self.folder / "apt.conf"), LC_ALL="C")
        return subprocess.run(["apt-get", "-q", "-y", *arguments], env=environment, capture_output=True, text=True,
                              check=False)

    def fetch(self, packages, *options):
        """Downloads packages and what they need; returns the paths of the archives."""
        archives = self.folder / "cache/archives"
        for old in archives.glob("*.deb"):
            old.unlink()
        for arguments in (("update", "--error-on=any"),
                          ("install", "--download-only", "--no-install-recommends", *options, *packages)):
            done = self._run(*arguments)
            security = f"{RELEASE}-security"
            if done.returncode and arguments[0] == "update" and any(suite == security for _, suite in self.sources):
                # Its mirrors have not all of it for every architecture at all times; what runs here needs it least.
                print(f"Going on without {security}, which apt could not get", file=sys.stderr)
                self.sources = [source for source in self.sources if source[1] != security]
                self._write_sources()
                done = self._run(*arguments)
            if done.returncode:
                errors = [line for line in done.stderr.splitlines() if line.startswith("E:")] or ["E: no reason given"]
                raise Problem(f"apt could not get {packages[0]} and others: {errors[0][2:].strip()}")
        return sorted(archives.glob("*.deb"))


def make_merged(root):
    for name in MERGED:
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")


def unpack(archives, target):
    """Unpacks archives into `target`, whole or not at all."""
    target = Path(target)
    making = target.with_name(target.name + ".making")
    shutil.rmtree(making, ignore_errors=True)
    make_merged(making)
    for archive in archives:
        # Unlike dpkg -x, tar keeps a link that stands where the archive has a folder.
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", archive], stdout=subprocess.PIPE) as reader:
            subprocess.run(["tar", "-x", "--keep-directory-symlink", "--no-same-owner", "-C", making],
                           stdin=reader.stdout, check=True)
        if reader.returncode:
            raise Problem(f"dpkg-deb could not read {archive}")
    shutil.rmtree(target, ignore_errors=True)
    making.rename(target)
