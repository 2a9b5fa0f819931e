// SPDX-License-Identifier: Apache-2.0
//
// What is wrong with the input is said in one sentence on standard error, and the program ends with 1.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>

#include "tests/app/guests.h"
#include "tests/app/program.h"

namespace mynah::app {
namespace {

using namespace test;
using testing::HasSubstr;
using testing::StartsWith;

// Ends with 1 and one line "mynah: ...says...".
void expect_refused(const Args& args, const std::string& says) {
  Program program(args);
  std::string line;
  for (const std::string& a : args) line += a + " ";
  EXPECT_EQ(program.finish(), 1) << line;
  EXPECT_THAT(program.errors, StartsWith("mynah: ")) << line;
  EXPECT_THAT(program.errors, HasSubstr(says)) << line;
  EXPECT_EQ(std::count(program.errors.begin(), program.errors.end(), '\n'), 1) << line << program.errors;
}

struct BadInput : testing::Test {
  Folder folder;
  const std::string kernel = folder.write("kernel", hello_guest());
  // What every case has in common.
  Args with(Args more) const {
    Args args{"-nographic", "-kernel", kernel};
    args.insert(args.end(), more.begin(), more.end());
    return args;
  }
};

TEST_F(BadInput, CommandLine) {
  expect_refused({"-kernal", "x"}, "did you mean '-kernel'");
  expect_refused({"-M", "isapc"}, "machine 'isapc' is not supported yet");
  expect_refused({"-nographic"}, "nothing to start");
  expect_refused({}, "-kernel linux -initrd initrd.gz -append console=ttyAMA0, or firmware and a disk");
  const std::string disk = folder.write("disk", std::string(64 << 10, '\0'));
  expect_refused({disk}, "-bios QEMU_EFI.fd " + disk);
  expect_refused({folder.write("cd", std::string(0x8001, '\0') + "CD001" + std::string(2048, '\0'))},
                 "-bios QEMU_EFI.fd -cdrom " + (folder / "cd"));
  expect_refused(with({"-append", "console=x", "quiet"}), "-append 'console=x quiet'");
  EXPECT_FALSE(std::filesystem::exists("quiet"));
  expect_refused({"-nographic", "-append", "x", "-bios", kernel}, "-append is for the kernel");
  expect_refused(with({"-serial", "stdio", "-monitor", "stdio"}), "wanted by both");
  expect_refused(with({"-serial", "chardev:none"}), "no -chardev with id=none");
}

TEST_F(BadInput, Kernels) {
  const auto refused = [&](const std::string& file, const std::string& says) {
    expect_refused({"-nographic", "-kernel", file}, says);
  };
  refused(folder / "absent", "No such file or directory");
  refused(folder / "", "Is a directory");
  refused(folder.write("empty", std::string()), "is empty");
  std::string x86(4096, '\0');
  x86.replace(0x202, 4, "HdrS");
  refused(folder.write("x86", x86), "built for x86");
  refused(folder.write("gz", std::string("\x1f\x8b\x08") + std::string(100, 'x')), "corrupt or cut short");
  refused("/dev/zero", "larger than the 256 MiB");
  refused(folder.write("large", std::string(130 << 20, 'x')),
          "the kernel needs 131 MiB and the machine has 128");
  const std::string xz = folder.write("Image.xz", std::string("\xfd"
                                                              "7zXZ\0",
                                                              6) +
                                                      std::string(100, 'x'));
  refused(xz, "is compressed, and corrupt or cut short");
  const std::string bzip2 = folder.write("Image.bz2", "BZh91AY&SY" + std::string(100, 'x'));
  refused(bzip2, "is compressed with bzip2; unpack it with bzip2 -dc " + bzip2 + " > " + (folder / "Image") +
                     " and");
  refused(folder.write("disk.qcow2", "QFI\xfb" + std::string(1000, '\0')),
          "is a qcow2 image, and that is a disk");
}

TEST_F(BadInput, InitialDisksAndDeviceTrees) {
  expect_refused(with({"-initrd", folder / "absent"}), "cannot read the initrd");
  expect_refused(with({"-initrd", folder.write("big", std::string(3 << 20, '\0')), "-m", "4"}),
                 "use a larger -m");
  expect_refused({"-nographic", "-bios", kernel, "-initrd", kernel}, "-initrd is for the kernel");
  expect_refused(with({"-dtb", folder / "absent"}), "cannot read the device tree");
  expect_refused(with({"-dtb", folder.write("dtb", std::string(1000, 'x'))}),
                 "not a valid flattened device tree");
  expect_refused(with({"-dtb", folder.write("short.dtb", std::string("\xd0\x0d\xfe\xed\0\0\x10\0", 8) +
                                                             std::string(90, '\0'))}),
                 "cut short");
}

TEST_F(BadInput, Firmware) {
  expect_refused({"-nographic", "-bios", "no-such-firmware.fd"}, "cannot read the firmware");
  const std::string large = folder / "large";
  std::ofstream(large).close();
  std::filesystem::resize_file(large, (64 << 20) + 1);
  expect_refused({"-nographic", "-bios", large}, "larger than the 64 MiB");
  expect_refused({"-nographic", "-drive", "if=pflash,format=raw,file=" + large}, "a flash has 67108864");
  const std::string small = folder.write("small", std::string(1 << 20, '\0'));
  expect_refused({"-nographic", "-pflash", small}, "lengthen it with truncate");
}

TEST_F(BadInput, Disks) {
  expect_refused(with({"-drive", "file=" + (folder / "absent")}), "there is no such file");
  expect_refused(with({folder / "absent"}), "there is no such file");
  expect_refused(with({"-drive", "file=" + folder.write("empty", std::string())}), "is empty");
  expect_refused(
      with({"-drive", "file=" + folder.write("q", std::string("QFI\xfb") + std::string(1000, '\0'))}),
      "qcow2");
  const std::string packed = folder.write("d.img.gz", std::string("\x1f\x8b\x08") + std::string(1000, 'x'));
  for (const char* format : {"", ",format=raw", ",format=raw,snapshot=on", ",readonly=on"})
    expect_refused(with({"-drive", "file=" + packed + format}),
                   "gzip -dc " + packed + " > " + (folder / "d.img"));
  expect_refused(with({"-snapshot", packed}), "is compressed with gzip");
  expect_refused({"-nographic", "-pflash", packed}, "is compressed with gzip");
  expect_refused({"-nographic", "-bios", packed}, "is compressed with gzip");
  {  // The bytes as they are, for a guest that knows what to do with them.
    Program program(with({"-drive", "readonly=on,format=raw,file=" + packed}));
    EXPECT_EQ(program.finish(), 0) << program.errors;
  }
  expect_refused(with({"-drive", "file=" + (folder / "q") + ",format=qcow2"}), "has version 0");
  expect_refused(with({"-drive", "file=" + (folder / "q") + ",format=raw"}), "qemu-img convert -O raw");
  expect_refused(with({"-drive", "file=" + packed + ",format=qcow2"}), "is no qcow2 image");
  expect_refused(with({"-drive", "file=/dev/null"}), "neither a file nor a block device");
  // Two writers.
  const std::string disk = folder.write("disk", std::string(4096, '\0'));
  expect_refused(with({"-drive", "format=raw,file=" + disk, "-drive", "format=raw,file=" + disk}), "in use");
}

TEST_F(BadInput, MemoryThatTheHostLacks) {
  expect_refused(with({"-m", "900T"}), "use a smaller -m");
  expect_refused(with({"-m", "1M"}), "use a larger -m");
}

TEST_F(BadInput, PortsInUse) {
  const int taken = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t n = sizeof address;
  ASSERT_EQ(::bind(taken, reinterpret_cast<sockaddr*>(&address), n), 0);
  ASSERT_EQ(::listen(taken, 1), 0);
  ::getsockname(taken, reinterpret_cast<sockaddr*>(&address), &n);
  const std::string port = std::to_string(ntohs(address.sin_port));
  expect_refused(with({"-gdb", "tcp:127.0.0.1:" + port}), "choose another port");
  expect_refused(with({"-serial", "tcp:127.0.0.1:" + port + ",server=on,wait=off"}), "choose another port");
  expect_refused(with({"-nic", "user,hostfwd=tcp:127.0.0.1:" + port + "-:22"}), "choose another port");
  ::close(taken);
  expect_refused(with({"-serial", "tcp:127.0.0.1:" + port}), "cannot connect");
}

TEST_F(BadInput, UnusedPartsAreWarnedOf) {
  const std::string disk = folder.write("disk", std::string(4096, '\0'));
  Program program(with({"-drive", "if=none,id=d,format=raw,file=" + disk, "-netdev", "user,id=n"}));
  EXPECT_EQ(program.finish(), 0);
  EXPECT_EQ(program.output, "hello\n");
  EXPECT_THAT(program.errors, HasSubstr("mynah: warning: the guest does not see the disk '" + disk));
  EXPECT_THAT(program.errors, HasSubstr("mynah: warning: the guest does not see the network 'n'"));
}

TEST_F(BadInput, ForwardedPorts) {
  expect_refused(with({"-nic", "user,hostfwd=tcp::70000-:22"}), "there is no port 70000");
  expect_refused(with({"-nic", "user,hostfwd=tcp::7000-:99999999999"}), "there is no port 99999999999");
  expect_refused(with({"-nic", "user,hostfwd=tcp:192.0.2.77:7000-:22"}),
                 "the host has no address 192.0.2.77");
}

TEST_F(BadInput, FilesThatCannotBeWritten) {
  expect_refused(with({"-D", folder / "no/log", "-d", "int"}), "give -D a path");
  expect_refused(with({"-serial", "file:" + (folder / "no/out")}), "cannot write");
  expect_refused(with({"-pidfile", folder / "no/pid"}), "cannot write the process number");
  expect_refused({"-M", "virt,dumpdtb=" + (folder / "no/dtb")}, "cannot write the device tree");
}

// The run itself is not wrong, but its results are not whole.
TEST_F(BadInput, FullDisks) {
  {
    Program program({"-nographic", "-kernel", kernel, "-serial", "file:/dev/full", "-monitor", "none"});
    EXPECT_EQ(program.finish(), 1);
    EXPECT_THAT(program.errors, HasSubstr("No space left"));
  }
  {
    Program program({"-nographic", "-kernel", kernel, "-d", "in_asm,exec", "-D", "/dev/full"});
    EXPECT_EQ(program.finish(), 1);
    EXPECT_THAT(program.errors, HasSubstr("the log '/dev/full' is not complete"));
  }
  {
    Program program({"-nographic", "-kernel", kernel, "--stats=/dev/full"});
    EXPECT_EQ(program.finish(), 1);
    EXPECT_THAT(program.errors, HasSubstr("cannot write the figures"));
    EXPECT_THAT(program.output, HasSubstr("hello"));
  }
}

}  // namespace
}  // namespace mynah::app
