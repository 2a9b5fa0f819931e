// SPDX-License-Identifier: Apache-2.0
//
// The command line: what each option means, defaults, and the sentence a mistake gets.
#include "app/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/key_values.h"
#include "app/text.h"
#include "devices/host/option_text.h"

namespace mynah::app {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

Result<Options> parse(std::vector<std::string_view> args) { return parse_options(args); }

Options good(std::vector<std::string_view> args) {
  auto result = parse(std::move(args));
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.message());
  return result.ok() ? std::move(*result) : Options{};
}
std::string bad(std::vector<std::string_view> args) {
  auto result = parse(std::move(args));
  EXPECT_FALSE(result.ok());
  return result.ok() ? "" : result.message();
}

TEST(Text, SizesTakeSuffixesAndFractions) {
  EXPECT_EQ(parse_size("512", 1 << 20), uint64_t{512} << 20);
  EXPECT_EQ(parse_size("4G", 1), uint64_t{4} << 30);
  EXPECT_EQ(parse_size("1.5g", 1), uint64_t{3} << 29);
  EXPECT_EQ(parse_size("100B", 1 << 20), 100u);
  for (const char* text : {"", "G", "x", "-1", "1Q", "1..5G", "99999999999E", "1.G", "16E", "0x10"})
    EXPECT_EQ(parse_size(text, 1), std::nullopt) << text;
}

TEST(Text, SizesAreShownWithTheLargestWholeUnit) {
  EXPECT_EQ(size_text(uint64_t{4} << 30), "4 GiB");
  EXPECT_EQ(size_text(uint64_t{1536} << 20), "1536 MiB");
  EXPECT_EQ(size_text(1), "1 MiB");
}

TEST(Text, TheNearestNameIsFound) {
  const std::string_view names[] = {"kernel", "initrd", "append"};
  EXPECT_EQ(nearest_name("kernal", names), "kernel");
  EXPECT_EQ(nearest_name("apend", names), "append");
  EXPECT_EQ(nearest_name("KERNEL", names), "kernel");
  // Only what is a misspelling of it.
  EXPECT_EQ(nearest_name("help", names), "");
  EXPECT_EQ(nearest_name("", names), "");
  EXPECT_EQ(nearest_name(std::string(100'000, 'x'), names), "");
  EXPECT_EQ(suggestion("appned", names, "-"), "; did you mean '-append'?");
  EXPECT_EQ(suggestion("cortex", names), "");
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("abcd", "bacd"), 1u);  // neighbours swapped
  EXPECT_EQ(edit_distance("ca", "abc"), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
}

TEST(KeyValues, CommasDouble) {
  EXPECT_EQ(host::split_options("a,b=c,,d,e"), (std::vector<std::string>{"a", "b=c,d", "e"}));
  EXPECT_EQ(host::split_options(""), std::vector<std::string>{""});
  EXPECT_EQ(host::split_options(",,,"), (std::vector<std::string>{",", ""}));
}

TEST(Options, DefaultsAreThoseOfHelp) {
  const Options o = good({});
  EXPECT_EQ(o.ram_bytes, uint64_t{128} << 20);
  EXPECT_EQ(o.board_choice.cpu, "max");
  EXPECT_EQ(o.board->name, "virt");
  EXPECT_TRUE(o.board_choice.properties.empty());
  EXPECT_EQ(o.accelerator, Accelerator::kJit);
  EXPECT_EQ(o.clock, GuestClock::Kind::kRealtime);
  // One network card, unless something is said about networks.
  ASSERT_EQ(o.devices.size(), 1u);
  EXPECT_EQ(o.devices[0].kind, DeviceKind::kNet);
  EXPECT_EQ(o.devices[0].mac, (MacAddress{0x52, 0x54, 0, 0x12, 0x34, 0x56}));
  EXPECT_EQ(o.nets.size(), 1u);
}

TEST(Options, ABoardIsChosenByItsNameAndProperties) {
  const Options o = good({"-M", "virt,gic-version=3,secure=off", "-cpu", "cortex-a72"});
  EXPECT_EQ(o.board, find_board("virt"));
  EXPECT_EQ(o.board_choice.cpu, "cortex-a72");
  using Property = std::pair<std::string, std::string>;
  EXPECT_EQ(o.board_choice.properties, (std::vector<Property>{{"gic-version", "3"}, {"secure", "off"}}));
  EXPECT_EQ(good({"-machine", "type=virt,gic-version=max"}).board_choice.properties,
            (std::vector<Property>{{"gic-version", "max"}}));
}

TEST(Options, OneAndTwoDashesAreTheSame) {
  EXPECT_EQ(good({"-m", "1G"}).ram_bytes, uint64_t{1} << 30);
  EXPECT_EQ(good({"--m", "1G"}).ram_bytes, uint64_t{1} << 30);
  EXPECT_EQ(good({"-m", "size=64M"}).ram_bytes, uint64_t{64} << 20);
  EXPECT_EQ(good({"-m", "64"}).ram_bytes, uint64_t{64} << 20);
}

TEST(Options, NoDefaultCardWhenNetworksAreNamed) {
  EXPECT_TRUE(good({"-nic", "none"}).devices.empty());
  EXPECT_TRUE(good({"-net", "none"}).devices.empty());
  EXPECT_TRUE(good({"-nodefaults"}).devices.empty());
  EXPECT_TRUE(good({"-netdev", "user,id=n"}).devices.empty());
}

TEST(Options, NetworksAndTheirCards) {
  const Options o =
      good({"-netdev", "user,id=n0,hostfwd=tcp::2222-:22", "-device", "virtio-net-device,netdev=n0"});
  ASSERT_EQ(o.nets.size(), 1u);
  EXPECT_EQ(o.nets[0].user.forwards.size(), 1u);
  ASSERT_EQ(o.devices.size(), 1u);
  EXPECT_EQ(o.devices[0].netdev, "n0");
  const Options nic = good({"-nic", "user,mac=02:00:00:00:00:07,hostfwd=udp::5555-:55", "-nic", "user"});
  ASSERT_EQ(nic.devices.size(), 2u);
  EXPECT_EQ(nic.devices[0].mac, (MacAddress{2, 0, 0, 0, 0, 7}));
  EXPECT_EQ((*nic.devices[1].mac)[5], 0x57);
  const Options net = good({"-net", "nic,macaddr=02:00:00:00:00:09", "-net", "user,restrict=on"});
  ASSERT_EQ(net.devices.size(), 1u);
  EXPECT_EQ((*net.devices[0].mac)[5], 9);
  EXPECT_TRUE(net.nets[0].user.restricted);
}

TEST(Options, Drives) {
  const Options o =
      good({"-drive", "file=a,,b.img,format=raw,readonly=on", "-drive", "if=none,id=d1,file=c.img", "-device",
            "virtio-blk-device,drive=d1,serial=S1", "-nic", "none", "disk.img"});
  ASSERT_EQ(o.drives.size(), 3u);
  EXPECT_EQ(o.drives[0].file, "a,b.img");
  EXPECT_TRUE(o.drives[0].read_only);
  EXPECT_EQ(o.drives[0].format, "raw");
  ASSERT_EQ(o.devices.size(), 3u);
  EXPECT_EQ(o.devices[0].drive, "d1");
  EXPECT_EQ(o.devices[0].serial, "S1");
  EXPECT_EQ(o.devices[1].drive, o.drives[2].id);  // unit 0 before the one without a number
}

TEST(Options, FlashesTakeTheirUnits) {
  const Options o = good({"-drive", "if=pflash,file=code.fd", "-drive", "if=pflash,file=vars.fd"});
  EXPECT_EQ(o.drives[0].unit, 0u);
  EXPECT_EQ(o.drives[1].unit, 1u);
  EXPECT_EQ(good({"-bios", "x", "-drive", "if=pflash,file=vars.fd"}).drives[0].unit, 1u);
}

TEST(Options, Consoles) {
  const Options o =
      good({"-chardev", "socket,id=c0,path=/tmp/a,,b,server=on,wait=off", "-chardev",
            "stdio,id=c1,mux=on,signal=off", "-device", "virtio-serial-device", "-device",
            "virtconsole,chardev=c0,name=n", "-serial", "chardev:c1", "-mon", "chardev=c1,mode=readline"});
  EXPECT_EQ(o.chars[0].spec, "unix:/tmp/a,,b,server=on,wait=off");
  EXPECT_EQ(o.chars[1].spec, "stdio,signal=off");
  EXPECT_TRUE(o.chars[1].mux);
  EXPECT_EQ(o.monitor, "chardev:c1");
  EXPECT_EQ(good({"-chardev", "socket,id=c,host=::1,port=80"}).chars[0].spec, "tcp:::1:80");
}

// As QEMU numbers them.
TEST(Options, PortsAreNumbered) {
  const Options o = good({"-chardev", "null,id=c",
                          "-device",  "virtio-serial-device,id=a",
                          "-device",  "virtserialport,chardev=c",
                          "-device",  "virtserialport,chardev=c,nr=3",
                          "-device",  "virtconsole,chardev=c",
                          "-device",  "virtconsole,chardev=c",
                          "-device",  "virtserialport,chardev=c",
                          "-device",  "virtio-serial-device,id=b",
                          "-device",  "virtserialport,chardev=c",
                          "-device",  "virtserialport,chardev=c,bus=a.0,nr=30",
                          "-device",  "virtconsole,chardev=c,nr=0"});
  std::vector<std::pair<size_t, unsigned>> ports;
  for (const DeviceOption& d : o.devices)
    if (d.port) ports.emplace_back(d.owner, *d.port);
  EXPECT_EQ(ports, (std::vector<std::pair<size_t, unsigned>>{
                       {1, 1}, {1, 3}, {1, 0}, {1, 2}, {1, 4}, {7, 1}, {1, 30}, {7, 0}}));
}

TEST(Options, PortNumbersThatCannotBe) {
  const auto refused = [](std::vector<std::string_view> ports, const char* why) {
    std::vector<std::string_view> args{"-chardev", "null,id=c", "-device", "virtio-serial-device"};
    for (const std::string_view port : ports) args.insert(args.end(), {"-device", port});
    const auto result = parse_options(args);
    ASSERT_FALSE(result);
    EXPECT_THAT(result.message(), HasSubstr(why));
  };
  refused({"virtserialport,chardev=c,nr=31"}, "a number from 0 to 30");
  refused({"virtserialport,chardev=c,nr=one"}, "a number from 0 to 30");
  refused({"virtserialport,chardev=c,nr=0"}, "nr=0 is for a virtconsole");
  refused({"virtserialport,chardev=c,nr=2", "virtconsole,chardev=c,nr=2"}, "a port with nr=2 already");
  refused({"virtserialport,chardev=c", "virtserialport,chardev=c,nr=1"}, "a port with nr=1 already");
  refused(std::vector<std::string_view>(31, "virtserialport,chardev=c"), "full");
}

TEST(Options, TimeAndRuns) {
  const Options o =
      good({"-icount", "shift=5,sleep=off", "-rtc", "base=2024-02-29T12:00:00", "-seed", "7", "-no-reboot"});
  EXPECT_EQ(o.clock, GuestClock::Kind::kDeterministic);
  EXPECT_EQ(o.clock_shift, 5u);
  EXPECT_FALSE(o.sleep_when_idle);
  EXPECT_EQ(o.rtc_base, RtcBase::kDate);
  EXPECT_EQ(o.rtc_date, 1709208000);
  EXPECT_FALSE(o.rtc_source);
  const Options rtc = good({"-rtc", "base=localtime,clock=rt,driftfix=slew"});
  EXPECT_EQ(rtc.rtc_base, RtcBase::kLocal);
  EXPECT_EQ(rtc.rtc_source, RtcSource::kSteady);
  EXPECT_EQ(good({"-rtc", "utc"}).rtc_base, RtcBase::kUtc);
  EXPECT_EQ(good({"-rtc", "clock=host"}).rtc_source, RtcSource::kHost);
  EXPECT_EQ(good({"-rtc", "clock=vm"}).rtc_source, RtcSource::kGuest);
  EXPECT_EQ(o.seed, 7u);
  EXPECT_TRUE(o.exit_on_reset);
  EXPECT_FALSE(o.nets[0].user.ipv6);  // router advertisements come at random times
  EXPECT_TRUE(good({"-icount", "auto", "-nic", "user,ipv6=on"}).nets[0].user.ipv6);
  EXPECT_EQ(good({"-icount", "7"}).clock_shift, 7u);
}

TEST(Options, TracesFiltersAndFigures) {
  const Options o =
      good({"-d", "in_asm,int,op", "-dfilter", "0x1000..0x1fff,0x4000+0x10,0x3000-8", "--stats=json"});
  EXPECT_TRUE(o.traces_any(Trace::kInAsm));
  EXPECT_TRUE(o.traces_any(Trace::kIr));
  EXPECT_FALSE(o.traces_any(Trace::kCpu));
  ASSERT_EQ(o.trace_ranges.size(), 3u);
  EXPECT_EQ(o.trace_ranges[1].last, 0x400fu);
  EXPECT_EQ(o.trace_ranges[2].first, 0x2ff9u);
  EXPECT_EQ(o.stats, StatsForm::kJson);
  EXPECT_EQ(o.stats_file, "");
  EXPECT_EQ(good({"-stats"}).stats, StatsForm::kTable);
  EXPECT_EQ(good({"--stats=out.json"}).stats_file, "out.json");
}

TEST(Options, DebuggersAreLetInFromThisHostUnlessTold) {
  EXPECT_EQ(good({"-s"}).gdb, "tcp:127.0.0.1:1234,server=on,wait=off");
  EXPECT_EQ(good({"-gdb", "tcp:0.0.0.0:99"}).gdb, "tcp:0.0.0.0:99,server=on,wait=off");
  EXPECT_EQ(good({"-gdb", "unix:/tmp/s,server,nowait"}).gdb, "unix:/tmp/s,server=on,wait=off");
}

TEST(Options, HelpIsPrinted) {
  for (std::vector<std::string_view> args :
       std::vector<std::vector<std::string_view>>{{"-help"},
                                                  {"-h"},
                                                  {"--version"},
                                                  {"-M", "help"},
                                                  {"-cpu", "help"},
                                                  {"-device", "help"},
                                                  {"-device", "virtio-blk-device,help"},
                                                  {"-M", "virt,help"},
                                                  {"-d", "help"},
                                                  {"-accel", "help"},
                                                  {"-display", "help"},
                                                  {"-drive", "help"},
                                                  {"-netdev", "help"},
                                                  {"-chardev", "help"},
                                                  {"-smp", "help"},
                                                  {"-object", "help"}}) {
    const Options o = good(args);
    ASSERT_TRUE(o.print) << args[0];
    EXPECT_FALSE(o.print->empty());
  }
  EXPECT_THAT(*good({"-cpu", "help"}).print, HasSubstr("cortex-a57"));
  EXPECT_THAT(*good({"-help"}).print, HasSubstr("-kernel FILE"));
}

struct BadCase {
  std::vector<std::string_view> args;
  std::string_view says;
};

TEST(Options, MistakesGetASentenceWithTheNearestName) {
  const BadCase cases[] = {
      {{"-kernal", "x"}, "did you mean '-kernel'"},
      {{"--nographics"}, "did you mean '-nographic'"},
      {{"-kernel=x"}, "write -kernel x"},
      {{"-kernel"}, "needs an argument: FILE"},
      {{"-kernel", ""}, "empty"},
      {{""}, "empty"},
      {{"-M", "vrit"}, "did you mean 'virt'"},
      {{"-M", "virt,gic-versoin=3"}, "did you mean 'gic-version'"},
      {{"-M", "virt,gic-version=4"}, "2, 3, max or host; 4 is missing here"},
      {{"-M", "virt,gic-version=5"}, "takes 2, 3, max or host"},
      {{"-M", "virt,iommu=smmuv3"}, "smmuv3 is missing here"},
      {{"-M", "virt,memory-encryption=sev0"}, "missing"},
      {{"-M", "virt,secure=on"}, "only off"},
      {{"-cpu", "cortex-a53x"}, "did you mean"},
      {{"-cpu", "max,pauht=on"}, "did you mean 'pauth'"},
      {{"-smp", "0"}, "a number from 1"},
      {{"-smp", "9"}, "at most 8 processors"},
      {{"-smp", "9"}, "gic-version=3 for 512"},
      {{"-M", "virt,gic-version=3", "-smp", "513"}, "at most 512 processors"},
      {{"-M", "virt,gic-version=3,highmem=off", "-smp", "124"}, "at most 123 processors"},
      {{"-M", "virt,gic-version=3,highmem-redists=off", "-smp", "124"}, "at most 123 processors"},
      {{"-smp", "cpus=1,cores=4"}, "leave one of them out"},
      {{"-smp", "6,sockets=2,cores=2,threads=1"}, "are 4 processors and not 6"},
      {{"-smp", "4,maxcpus=2"}, "larger maxcpus"},
      {{"-smp", "2,dies=2"}, "one die each"},
      {{"-m", "lots"}, "such as 512M"},
      {{"-m", "0"}, "at least 1M"},
      {{"-m", "1G,maxmem=512M"}, "at least the size itself"},
      {{"-accel", "kvm:jti"}, "did you mean 'jit'"},
      {{"-accel", "jti"}, "did you mean 'jit'"},
      {{"-drive", "fiel=x"}, "did you mean 'file'"},
      {{"-drive", "if=virtio"}, "needs file=FILE"},
      {{"-drive", "file=x,format=qed"}, "qemu-img convert"},
      {{"-drive", "file=x,if=ide"}, "virtio, none or pflash"},
      {{"-drive", "file=x,readonly=perhaps"}, "on or off"},
      {{"-drive", "if=none,id=a,file=x", "-drive", "if=none,id=a,file=y"}, "give each its own"},
      {{"-drive", "if=pflash,unit=2,file=x"}, "unit=0 or unit=1"},
      {{"-bios", "b", "-drive", "if=pflash,unit=0,file=x"}, "both fill the first flash"},
      {{"-device", "virtio-blk-devcie"}, "did you mean 'virtio-blk-device'"},
      {{"-nic", "user,model=virtoi"}, "or take virtio-net-pci"},
      {{"-device", "virtio-blk-device,driv=a"}, "did you mean 'drive'"},
      {{"-device", "virtio-blk-device"}, "needs drive=ID"},
      {{"-drive", "if=none,id=disk,file=x", "-device", "virtio-blk-device,drive=dsik"},
       "did you mean 'disk'"},
      {{"-drive", "id=d,file=x", "-device", "virtio-blk-device,drive=d"}, "if=none"},
      {{"-device", "virtio-net-device,netdev=n"}, "no -netdev with id=n"},
      {{"-netdev", "user,id=n", "-device", "virtio-net-device,netdev=n,mac=01:00:00:00:00:00"},
       "the first even"},
      {{"-device", "virtconsole,chardev=c"}, "no -chardev with id=c"},
      {{"-chardev", "null,id=c", "-device", "virtconsole,chardev=c"}, "virtio-serial-pci before it"},
      {{"-device", "virtio-rng-device,rng=r"}, "-object"},
      {{"-netdev", "user"}, "needs id=ID"},
      {{"-netdev", "vde,id=t"}, "vde is missing here"},
      {{"-netdev", "tap,id=t,ifnam=tap0"}, "did you mean 'ifname'"},
      {{"-netdev", "socket,id=t"}, "listen=, connect=, mcast= or udp="},
      {{"-netdev", "usre,id=t"}, "did you mean 'user'"},
      {{"-nic", "user,hostfwd=tcp:22"}, "hostfwd"},
      {{"-nic", "user,hostfw=tcp::2222-:22"}, "did you mean 'hostfwd'"},
      {{"-nic", "user,model=rtl8139"}, "virtio-net-pci"},
      {{"-serial", "stdoi"}, "did you mean 'stdio'"},
      {{"-serial", "stdio", "-serial", "pty", "-serial", "pty"}, "2 serial lines"},
      {{"-monitor", "mon:stdio"}, "write -monitor stdio"},
      {{"-chardev", "stdoi,id=c"}, "did you mean 'stdio'"},
      {{"-chardev", "socket,id=c"}, "needs path=FILE"},
      {{"-chardev", "file,id=c"}, "needs path=FILE"},
      {{"-display", "sdl"}, "no windows yet"},
      {{"-vnc", ":0"}, "no windows yet"},
      {{"-global", "abc"}, "DRIVER.PROPERTY=VALUE"},
      {{"-icount", "shift=11"}, "from 0 to 10"},
      {{"-icount", "shfit=1"}, "did you mean 'shift'"},
      {{"-rtc", "base=yesterday"}, "a date"},
      {{"-rtc", "clock=wall"}, "host, rt or vm"},
      {{"-rtc", "driftfix=skew"}, "none or slew"},
      {{"-uuid", "12"}, "32 hexadecimal digits"},
      {{"-echr", "0"}, "from 1 to 255"},
      {{"-seed", "x"}, "a number"},
      {{"-gdb", "1234"}, "tcp::PORT"},
      {{"-d", "in_ams"}, "did you mean 'in_asm'"},
      {{"-dfilter", "5"}, "FIRST..LAST"},
  };
  for (const BadCase& c : cases) {
    std::string line;
    for (std::string_view a : c.args) line += std::string(a) + " ";
    EXPECT_THAT(bad(c.args), HasSubstr(std::string(c.says))) << line;
  }
}

TEST(Options, ProcessorsAreArrangedAsQemuArrangesThem) {
  struct Case {
    const char* text;
    ProcessorConfig wanted;
  };
  const Case cases[] = {
      {"4", {4, 4, 1, 1, 4, 1}},
      {"cpus=4", {4, 4, 1, 1, 4, 1}},
      {"4,maxcpus=8", {4, 8, 1, 1, 8, 1}},
      {"8,sockets=2", {8, 8, 2, 1, 4, 1}},
      {"8,cores=2", {8, 8, 4, 1, 2, 1}},
      {"8,sockets=2,cores=2", {8, 8, 2, 1, 2, 2}},
      {"8,clusters=2,threads=2", {8, 8, 1, 2, 2, 2}},
      {"sockets=2,cores=3", {6, 6, 2, 1, 3, 1}},
  };
  for (const Case& c : cases) {
    const ProcessorConfig p = good({"-smp", c.text}).processors;
    EXPECT_EQ(std::tie(p.now, p.max, p.sockets, p.clusters, p.cores, p.threads),
              std::tie(c.wanted.now, c.wanted.max, c.wanted.sockets, c.wanted.clusters, c.wanted.cores,
                       c.wanted.threads))
        << c.text;
  }
}

TEST(Options, WhatOnlyOthersKnowIsNoMisspelling) {
  const BadCase cases[] = {
      {{"-iscsi", "x"}, "option '-iscsi' is not supported yet"},
      {{"-sd", "x"}, "is not supported"},
      {{"-device", "usb-kbd"}, "device 'usb-kbd' is not supported yet"},
      {{"-device", "virtio-gpu-pci"}, "is not supported yet"},
      {{"-device", "virtio-9p-device"}, "is not supported yet"},
      {{"-nic", "user,model=usb-net"}, "is not supported yet"},
      {{"-M", "isapc"}, "machine 'isapc' is not supported yet; use virt"},
      {{"-M", "pseries-6.2"}, "is not supported yet; use virt"},
      {{"-cpu", "cortex-a75"}, "is not supported yet; use one of cortex-a35"},
      {{"-cpu", "cortex-a15"}, "needs AArch32, which is missing here"},
      {{"-cpu", "a64fx"}, "needs SVE, which is missing here"},
      {{"-object", "rng-egd,id=i"}, "is not supported yet"},
      {{"-object", "throttle-group,id=i"}, "is not supported yet"},
      {{"-chardev", "vc,id=c"}, "is not supported yet"},
      {{"-serial", "vc"}, "needs a window"},
      {{"-serial", "websocket:127.0.0.1:80"}, "is missing here"},
      {{"-vga", "std"}, "needs a graphics card"},
      {{"-audiodev", "pa,id=a"}, "needs sound"},
      {{"-drive", "file=x,throttling.bps-total=1000"}, "throttling, which is missing"},
      {{"-blockdev", "driver=qed,node-name=d,file.filename=x"}, "qemu-img convert"},
      {{"-blockdev", "driver=nbd,node-name=d"}, "driver=nbd is missing here"},
      // And what nobody knows.
      {{"-frobnicate"}, "option '-frobnicate' is not known"},
      {{"-device", "frobnicator"}, "device 'frobnicator' is not known"},
      {{"-M", "frobnicator"}, "machine 'frobnicator' is not known"},
      {{"-cpu", "frobnicator"}, "CPU model 'frobnicator' is not known"},
      {{"-cpu", "max,frobnicate=on"}, "CPU property 'frobnicate' is not known"},
      {{"-drive", "frobnicate=on"}, "-drive has no property 'frobnicate'"},
      {{"-netdev", "frob,id=n"}, "network 'frob' is not known"},
      {{"-object", "frobnicator,id=o"}, "object 'frobnicator' is not known"},
      {{"-chardev", "frobnicator,id=o"}, "character device 'frobnicator' is not known"},
      {{"-serial", "frobnicator"}, "'frobnicator' is not known"},
      {{"-d", "frobnicator"}, "log item 'frobnicator' is not known"},
  };
  for (const BadCase& c : cases) {
    std::string line;
    for (std::string_view a : c.args) line += std::string(a) + " ";
    const std::string says = bad(c.args);
    EXPECT_THAT(says, HasSubstr(std::string(c.says))) << line;
    EXPECT_THAT(says, Not(HasSubstr("did you mean"))) << line;
  }
}

TEST(Options, MissingCommasQuotesAndValuesAreRecognized) {
  const BadCase cases[] = {
      {{"-drive", "file=a", "format=raw"}, "-drive file=a,format=raw"},
      {{"-drive", "file=a,", "format=raw"}, "-drive file=a,format=raw"},
      {{"-drive", "file=a", ",format=raw", "if=none"}, "-drive file=a,format=raw,if=none"},
      {{"-drive", "file=my a", "format=raw"}, "-drive 'file=my a,format=raw'"},
      {{"-device", "virtio-rng-device,", "rng=r"}, "-device virtio-rng-device,rng=r"},
      {{"-M", "virt", "gic-version=3"}, "-M virt,gic-version=3"},
      {{"-nic", "user", "hostfwd=tcp::2222-:22"}, "-nic user,hostfwd=tcp::2222-:22"},
      {{"-append", "console=x", "root=/dev/vda"}, "-append 'console=x root=/dev/vda'"},
      {{"-append", "console=x", "ro", "root=/dev/vda", "-S"}, "-append 'console=x ro root=/dev/vda'"},
      {{"--append", "it's", "a=b"}, "-append 'it'\\''s a=b'"},
      {{"-kernel", "Image", "console=x", "ro"}, "-append 'console=x ro'"},
      {{"-kernel", "-nographic", "Image"}, "write -kernel Image -nographic"},
      {{"-kernel", "--nographic"}, "write -kernel FILE"},
      {{"-kernel", "-initrd", "x"}, "needs an argument, and the option '-initrd' follows it"},
      {{"-append", "-serial", "stdio"}, "needs an argument, and the option '-serial' follows it"},
  };
  for (const BadCase& c : cases) {
    std::string line;
    for (std::string_view a : c.args) line += std::string(a) + " ";
    EXPECT_THAT(bad(c.args), HasSubstr(std::string(c.says))) << line;
  }
}

TEST(Options, OtherWordsAreDisks) {
  EXPECT_EQ(good({"-nographic", "a=b"}).drives[0].file, "a=b");
  EXPECT_EQ(good({"-drive", "file=a", "./format=raw"}).drives[1].file, "./format=raw");
  EXPECT_EQ(good({"-append", "console=x", "disk.img"}).drives[0].file, "disk.img");
  EXPECT_EQ(good({"-append", "-x", "-name", "-"}).append, "-x");
  // With what to say when there is no such file.
  EXPECT_THAT(good({"-append", "console=x", "ro", "quiet"}).drives[1].if_absent,
              HasSubstr("-append 'console=x ro quiet'"));
  EXPECT_THAT(good({"-name", "my", "vm"}).drives[0].if_absent, HasSubstr("-name 'my vm'"));
  EXPECT_EQ(good({"disk.img"}).drives[0].if_absent, "");
}

TEST(Options, WhatTheGuestDoesNotSeeIsWarnedOf) {
  using testing::ElementsAre;
  EXPECT_THAT(good({"-drive", "if=none,id=d,file=x"}).warnings,
              ElementsAre(HasSubstr("add -device virtio-blk-pci,drive=d")));
  EXPECT_THAT(good({"-drive", "if=none,file=x"}).warnings, ElementsAre(HasSubstr("add id=ID to it")));
  EXPECT_THAT(good({"-netdev", "user,id=n"}).warnings,
              ElementsAre(HasSubstr("add -device virtio-net-pci,netdev=n")));
  EXPECT_THAT(good({"-net", "user"}).warnings, ElementsAre(HasSubstr("add -net nic")));
  EXPECT_THAT(good({"-drive", "if=none,id=d,file=x", "-device", "virtio-blk-device,drive=d", "-netdev",
                    "user,id=n", "-device", "virtio-net-device,netdev=n", "-drive", "file=y", "-drive",
                    "if=pflash,file=z", "disk"})
                  .warnings,
              testing::IsEmpty());
  EXPECT_THAT(good({"-nic", "user", "-net", "nic", "-net", "user"}).warnings, testing::IsEmpty());
}

}  // namespace
}  // namespace mynah::app
