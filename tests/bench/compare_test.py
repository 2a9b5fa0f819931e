"""Tests of bench/compare without an emulator: compare_test.py SOURCE_DIR. A script plays the emulator's part."""
import html.parser
import io
import math
import re
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

SOURCE = Path(sys.argv.pop(1) if len(sys.argv) > 1 else __file__ + "/../../..").resolve()
sys.path.insert(0, str(SOURCE / "bench"))

import programs as table
from compare_lib import guests, image, main, packages, page, runner, summary, table as text
from compare_lib.emulators import Emulator
from compare_lib.problem import Problem

GUEST = guests.GUESTS["aarch64"]


def run(program, emulator, seconds, pair=0, cpu="max", checksum="aa", problem=None):
    return runner.Run(program, cpu, emulator, pair, seconds, seconds, checksum, problem).as_dict()


def summed(runs, names=("xz",), processors=("max",)):
    chosen = [program for program in table.PROGRAMS if program.name in names]
    return summary.summarize(runs, chosen, table.GROUPS, processors, table.ANY_PROGRAM_TARGET, table.PROGRAM_TARGETS)


class Programs(unittest.TestCase):
    def test_names_are_unique_and_safe_on_a_command_line(self):
        names = [program.name for program in table.PROGRAMS]
        self.assertEqual(len(names), len(set(names)))
        for name in names:
            self.assertRegex(name, r"^[a-z0-9-]+$")
        self.assertLess(len(",".join(names)), 1500)  # the kernel takes 2048 bytes

    def test_each_group_has_three_programs(self):
        for group in set(table.GROUPS) - {"boot"}:
            self.assertGreaterEqual(sum(program.group == group for program in table.PROGRAMS), 3, group)

    def test_what_commands_name_exists(self):
        for program in table.PROGRAMS:
            self.assertIn(program.group, table.GROUPS)
            for name in re.findall(r"\$W/([\w.]+)", program.command):
                files = [SOURCE / "bench/workloads" / file for file in (name, name + ".c")]
                self.assertTrue(any(file.exists() for file in files), name)

    def test_targets_are_of_programs_that_exist(self):
        for name, cpu in table.PROGRAM_TARGETS:
            self.assertIn(name, [program.name for program in table.PROGRAMS])
            self.assertIn(cpu, GUEST.processors)


class Guests(unittest.TestCase):
    def test_what_they_name_exists(self):
        setup = (SOURCE / "scripts/setup").read_text()
        for name, guest in guests.GUESTS.items():
            self.assertEqual(guest.name, name)
            self.assertIn(f"\n    {guest.setup})", setup)
            self.assertLessEqual(guest.append.keys() | guest.only_groups.keys(), guest.processors.keys())
            for groups in guest.only_groups.values():
                self.assertLessEqual(set(groups), set(table.GROUPS))
            self.assertEqual(table.groups(name).keys(), table.GROUPS.keys())
        self.assertEqual(table.groups("i386")["fp"].target, 0.12)
        self.assertEqual(table.groups("aarch64"), table.GROUPS)
        self.assertEqual((table.any_program_target("amd64"), table.any_program_target("aarch64")), (0.75, 1.1))

    def test_a_processor_has_its_own_command_line(self):
        guest = guests.GUESTS["amd64"]
        line = guests.arguments(guest, Emulator("mynah", "M", ("x",)), "max-unmitigated", "i", "a")
        self.assertEqual(line[line.index("-append") + 1], "a mitigations=off")
        self.assertEqual(line[line.index("-cpu") + 1], "max")
        line = guests.arguments(guest, Emulator("mynah", "M", ("x",)), "max", "i", "a")
        self.assertEqual(line[line.index("-append") + 1], "a")


class Summary(unittest.TestCase):
    def test_the_ratio_is_by_the_faster_qemu_pair_by_pair(self):
        runs = []
        for pair, (ours, old, new) in enumerate([(1.0, 4.0, 2.0), (1.2, 4.0, 2.0), (3.0, 4.0, 4.0)]):
            runs += [run("xz", "mynah", ours, pair), run("xz", "qemu", old, pair), run("xz", "qemu-backports", new, pair)]
        row = summed(runs)["programs"][0]
        self.assertEqual(row["faster_qemu"], "qemu-backports")
        self.assertEqual(row["pair_ratios"], [0.5, 0.6, 0.75])
        self.assertEqual(row["ratio"], 0.6)
        self.assertEqual(row["emulators"]["mynah"]["median"], 1.2)

    def test_group_means_are_geometric_and_judged(self):
        runs = [run("xz", "mynah", 1.0), run("xz", "qemu", 2.0), run("gzip", "mynah", 2.0), run("gzip", "qemu", 1.0)]
        result = summed(runs, ("xz", "gzip"))
        self.assertAlmostEqual(result["groups"][0]["mean"], math.sqrt(0.5 * 2.0))
        self.assertFalse(result["groups"][0]["met"])
        self.assertEqual((result["limits"][0]["program"], result["limits"][0]["met"]), ("gzip", False))

    def test_a_target_of_one_program(self):
        runs = [run("os-syscalls", name, seconds, cpu="cortex-a57") for name, seconds in (("mynah", 1.0), ("qemu", 10.0))]
        row = summed(runs, ("os-syscalls",), ("cortex-a57",))["programs"][0]
        self.assertEqual((row["target"], row["met"]), (0.2, True))

    def test_native_is_shared_by_the_processors(self):
        runs = [run("xz", "native", 0.5, cpu="host")]
        for cpu in GUEST.processors:
            runs += [run("xz", "mynah", 1.5, cpu=cpu)]
        rows = summed(runs, processors=tuple(GUEST.processors))["programs"]
        self.assertEqual([row["slowdown"] for row in rows], [3.0, 3.0])
        self.assertIsNone(rows[0]["ratio"])

    def test_a_failed_run_is_no_figure(self):
        result = summed([run("xz", "mynah", None, checksum=None, problem="hung"), run("xz", "qemu", 2.0)])
        row = result["programs"][0]
        self.assertIsNone(row["ratio"])
        self.assertEqual(row["emulators"]["mynah"]["problems"], ["hung"])
        self.assertIsNone(result["groups"][0]["mean"])

    def test_checksums(self):
        self.assertEqual(summary.agreement([run("xz", "mynah", 1), run("xz", "qemu", 1)]), "agree")
        self.assertEqual(summary.agreement([run("xz", "mynah", 1)]), "single")
        self.assertEqual(summary.agreement([run("xz", "mynah", 1, checksum=None)]), "none")
        differ = summary.agreement([run("xz", "mynah", 1), run("xz", "qemu", 1, checksum="bb")])
        self.assertEqual(differ, "differ: mynah aa, qemu bb")


class Reports(unittest.TestCase):
    def result(self):
        runs = [run("xz", "native", 0.5, cpu="host"), run("awk", "mynah", None, checksum=None, problem="<hung & lost>")]
        for pair in range(3):
            runs += [run("xz", "mynah", 1.5 + pair, pair), run("xz", "qemu", 3.0, pair)]
        return {"machine": {"processor": "A <CPU>", "cores": 2, "kernel": "6", "load": 0.1, "date": "today", "commit": "c"},
                "guest": "aarch64", "pairs": 3, "processors": {"max": "max,pauth-impdef=on"},
                "titles": {"mynah": "Mynah 1", "qemu": "QEMU 7.2", "native": "Native"}, "runs": runs,
                "summary": summed(runs, ("xz", "awk"))}

    def test_page_is_self_contained_and_well_formed(self):
        markup = page.render(self.result())
        void, opened = {"meta", "br", "line", "rect", "circle", "path"}, []

        class Check(html.parser.HTMLParser):
            def handle_starttag(self, tag, attributes):
                if tag not in void:
                    opened.append(tag)

            def handle_startendtag(self, tag, attributes):
                pass

            def handle_endtag(self, tag):
                assert opened and opened.pop() == tag, tag

        Check().feed(markup)
        self.assertEqual(opened, [])
        self.assertNotIn("http", markup)
        self.assertNotIn("<CPU>", markup)
        self.assertIn("&lt;hung &amp; lost&gt;", markup)
        self.assertIn("0.83", markup)  # the median of the pairs, 2.5 / 3

    def test_what_kernels_say_of_flaws_stands_together(self):
        flaws = {"mynah, max": {"a": "Not affected", "b": "Mitigation: c"}, "native, host": {"a": "Vulnerable"},
                 "qemu, max": {"b": "Mitigation: c", "a": "Not affected"}}
        lines = text.flaws_text(flaws, {"mynah": "M 1", "qemu": "Q 2", "native": "Native"}).splitlines()
        self.assertEqual(lines, ["Vulnerabilities, as the kernel says on M 1 (max), Q 2 (max):", "  b  Mitigation: c",
                                 "  not affected by 1 others", "", "Vulnerabilities, as the kernel says on Native:",
                                 "  a  Vulnerable", "  not affected by 0 others", ""])
        self.assertEqual(text.flaws_text({}, {}), "")

    def test_page_without_any_figure(self):
        result = self.result()
        result["runs"] = [run("xz", "mynah", None, checksum=None, problem="hung")]
        result["summary"] = summed(result["runs"])
        self.assertIn("hung", page.render(result))

    def test_table(self):
        lines = text.text_table(self.result()["summary"], self.result()["titles"], ["max"])
        self.assertRegex(lines, r"xz +2\.50 +3\.00 +0\.50 +0\.83 +0\.50-1\.17 +5\.00  agree")
        self.assertIn("Mynah 1: <hung & lost>", lines)
        self.assertRegex(lines, r"Integer +0\.83 +0\.8 +5\.00  MISSED")

    def test_scale(self):
        scale = page.Scale([0.3, 0.9], 100, always=(1,))
        self.assertEqual((scale.low, scale.high, scale.ticks), (0.2, 2, [0.2, 0.5, 1, 2]))
        self.assertAlmostEqual(scale(scale.low), 0)
        self.assertAlmostEqual(scale(scale.high), 100)


class Running(unittest.TestCase):
    """The scripts below print what a system would."""

    def measure(self, script, names=("xz", "gzip", "sort"), boot_limit=5, limit=5):
        chosen = [table.Program(name, "integer", "", "", limit=limit) for name in names]
        emulator = Emulator("native", "script", ("sh", "-c", script, "script"))
        runs = []
        runner.run_programs(chosen, emulator, GUEST, "-", "max", 0, runs.append, boot_limit)
        return runs

    def test_times_and_checksums(self):
        runs = self.measure("echo '[ 0.0] boot@bench ready'; for n; do echo @bench start $n; sleep 0.2;"
                            "echo \"[ 1.0] kernel says @bench stop $n 0 1.00 1.25\"; echo @bench sum $n c$n; done")
        self.assertEqual([item.program for item in runs], ["xz", "gzip", "sort"])
        for item in runs:
            self.assertIsNone(item.problem)
            self.assertEqual(item.checksum, "c" + item.program)
            self.assertEqual(item.guest_seconds, 0.25)
            self.assertTrue(0.15 < item.seconds < 2, item.seconds)

    def test_a_failed_program_is_reported(self):
        runs = self.measure("echo @bench ready; for n; do echo @bench start $n; echo @bench stop $n 3 0 0;"
                            "echo @bench note $n no such file; done")
        self.assertEqual([(item.seconds, item.problem) for item in runs], [(None, "ended with status 3: no such file")] * 3)

    def test_those_behind_a_crash_run_in_a_new_system(self):
        runs = self.measure("echo @bench ready; for n; do echo @bench start $n; [ $n = gzip ] && { echo Oops; kill -9 $$; };"
                            "echo @bench stop $n 0 0 1; echo @bench sum $n c; done")
        self.assertEqual([item.program for item in runs], ["xz", "gzip", "sort"])
        self.assertEqual([item.problem for item in runs],
                         [None, "the emulator ended by SIGKILL; last line: Oops", None])

    def test_those_behind_a_hang_run_in_a_new_system(self):
        begun = time.monotonic()
        runs = self.measure("echo @bench ready; for n; do echo @bench start $n; [ $n = xz ] && sleep 100;"
                            "echo @bench stop $n 0 0 1; echo @bench sum $n c; done", limit=1)
        self.assertEqual([item.problem for item in runs], ["did not end within 1 s", None, None])
        self.assertLess(time.monotonic() - begun, 30)

    def test_a_system_that_does_not_boot(self):
        runs = self.measure("echo no kernel; exit 1")
        self.assertEqual({item.problem for item in runs}, {"the emulator ended with exit code 1; last line: no kernel"})
        self.assertEqual(len(runs), 3)
        runs = self.measure("sleep 100", boot_limit=1)
        self.assertEqual({item.problem for item in runs}, {"the system was not ready within 1 s"})

    def test_installer(self):
        program = table.Program("boot", "boot", "", "", until="Select a language", limit=1)
        emulator = Emulator("qemu", "script", ("sh", "-c", "printf 'Select\\033[1;31m a\\033[0m lang'; printf uage; sleep 9"))
        self.assertIsNone(runner.run_installer(program, emulator, GUEST, "max", 0).problem)
        emulator = Emulator("qemu", "script", ("sh", "-c", "exit 3"))
        self.assertEqual(runner.run_installer(program, emulator, GUEST, "max", 0).problem,
                         "the emulator ended with exit code 3")
        emulator = Emulator("qemu", "script", ("sh", "-c", "echo so far; sleep 100"))
        self.assertIn("did not come within 1 s; last output: so far", runner.run_installer(program, emulator, GUEST, "max", 0).problem)


class Options(unittest.TestCase):
    def command(self, *arguments):
        return subprocess.run([SOURCE / "bench/compare", *arguments], capture_output=True, text=True, check=False)

    def test_help_and_list(self):
        self.assertEqual(self.command("--help").returncode, 0)
        listed = self.command("--list", "--groups", "os")
        self.assertEqual(listed.returncode, 0)
        self.assertIn("os-syscalls", listed.stdout)
        self.assertNotIn("xz", listed.stdout)

    def test_bad_input_gives_a_sentence(self):
        for arguments, sentence in (
                (("--programs", "pyton"), "compare: there is no program 'pyton'; did you mean 'python'?\n"),
                (("--groups", "zzz"), "compare: there is no group 'zzz'; there are "),
                (("--cpu", "max9"), "compare: there is no processor 'max9'; did you mean 'max'?\n"),
                (("--pairs", "0"), "compare: --pairs takes a number from 1, not 0\n"),
                (("--pairs", "x"), "compare: argument --pairs: invalid int value: 'x'; --help lists the options\n"),
                (("--mynah", "/nowhere"), "compare: --mynah /nowhere is no program; "),
                (("--json", "/nowhere/x"), "compare: --json /nowhere/x: there is no such folder\n"),
                (("--from-json", __file__), f"compare: {__file__} is no result of bench/compare --json\n"),
                (("--programs", "xz", "--groups", "os"), "compare: no program is in all of "),
                (("--frob",), "compare: unrecognized arguments: --frob; --help lists the options\n")):
            done = self.command(*arguments)
            self.assertEqual(done.returncode, 1, arguments)
            self.assertTrue(done.stderr.startswith(sentence), done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1)

    def test_quick_takes_the_first_of_each_group(self):
        chosen, processors = main.select(main.parse(["--quick"]), GUEST)
        self.assertEqual(len(chosen), len(table.GROUPS))
        self.assertEqual(processors, ["max"])


class Images(unittest.TestCase):
    def test_debian_sources_only(self):
        targets = [("http://a/debian", "bookworm", "Debian", "Packages"), ("http://a/debian", "bookworm", "Debian", "Sources"),
                   ("http://b", "bookworm", "Other", "Packages"), ("http://s", "bookworm-security", "Debian", "Packages"),
                   ("http://a/debian", "trixie", "Debian", "Packages")]
        sources, site = packages.choose_sources(targets)
        self.assertEqual(sources, [("http://a/debian", "bookworm"), ("http://s", "bookworm-security")])
        self.assertEqual(site, "http://a/debian")
        self.assertEqual(packages.choose_sources([]), ([], None))

    def test_closure_follows_links_and_libraries(self):
        with tempfile.TemporaryDirectory() as folder:
            pool = Path(folder)
            packages.make_merged(pool)
            (pool / "usr/lib/x-linux-gnu").mkdir()
            for library in ("libone.so.1", "libc.so.6"):
                (pool / "usr/lib/x-linux-gnu" / library).write_bytes(b"\x7fELF")
            (pool / "usr/bin/tool-1").write_bytes(b"\x7fELF")
            (pool / "usr/bin/tool").symlink_to("/usr/bin/tool-1")
            wants = {"tool-1": ({"/lib64/ld.so"}, {"libone.so.1"}), "libone.so.1": (set(), {"libc.so.6"})}
            real = image.needed
            image.needed = lambda files: next((wants[file.name] for file in files if file.name in wants), (set(), set()))
            try:
                chosen = image.closure(pool, ("usr/bin/tool",))
                self.assertEqual(chosen, ["usr/bin/tool", "usr/bin/tool-1", "usr/lib/x-linux-gnu/libc.so.6",
                                          "usr/lib/x-linux-gnu/libone.so.1", "usr/lib64/ld.so"])
                with self.assertRaisesRegex(Problem, "usr/bin/other; see TOOLS"):
                    image.closure(pool, ("usr/bin/other",))
            finally:
                image.needed = real

    def test_cpio(self):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / "root"
            (root / "dev").mkdir(parents=True)
            (root / "file").write_bytes(b"12345")
            (root / "file").chmod(0o600)
            (root / "link").symlink_to("file")
            image.write_cpio(root, Path(folder) / "out")
            data = (Path(folder) / "out").read_bytes()
        stream, entries = io.BytesIO(data), {}
        while True:
            fields = stream.read(110)
            self.assertEqual(fields[:6], b"070701")
            values = [int(fields[6 + 8 * i:14 + 8 * i], 16) for i in range(13)]
            name = stream.read(values[11])[:-1].decode()
            stream.seek(-stream.tell() % 4, 1)
            content = stream.read(values[6])
            stream.seek(-stream.tell() % 4, 1)
            if name == "TRAILER!!!":
                break
            entries[name] = (values[1], content, tuple(values[9:11]))
        self.assertEqual(entries, {"dev": (0o40755, b"", (0, 0)), "dev/console": (0o20600, b"", (5, 1)),
                                   "file": (0o100644, b"12345", (0, 0)), "link": (0o120777, b"file", (0, 0))})


if __name__ == "__main__":
    unittest.main()
