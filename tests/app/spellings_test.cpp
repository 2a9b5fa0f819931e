// SPDX-License-Identifier: Apache-2.0
//
// The spellings that existing scripts have: what each comes to, and what a person is told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "app/device_rows.h"
#include "app/json_list.h"
#include "app/known_elsewhere.h"
#include "app/options.h"

namespace mynah::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Options good(std::vector<std::string_view> args) {
  auto result = parse_options(args);
  EXPECT_TRUE(result.ok()) << (result.ok() ? "" : result.message());
  return result.ok() ? std::move(*result) : Options{};
}
std::string bad(std::vector<std::string_view> args) {
  auto result = parse_options(args);
  EXPECT_FALSE(result.ok());
  return result.ok() ? "" : result.message();
}

TEST(Spellings, HostAcceleratorsBecomeTranslationWithOneLine) {
  for (std::vector<std::string_view> args : std::vector<std::vector<std::string_view>>{
           {"-enable-kvm", "-cpu", "host"},
           {"-accel", "kvm", "-cpu", "host"},
           {"-accel", "kvm", "-accel", "tcg", "-cpu", "host,pmu=on"},
           {"-M", "virt,accel=kvm:tcg", "-cpu", "host"},
           {"-machine", "virt,gic-version=host,accel=kvm", "-cpu", "host", "-enable-kvm"}}) {
    const Options o = good(args);
    EXPECT_EQ(o.accelerator, Accelerator::kJit);
    EXPECT_TRUE(o.board_choice.cpu.starts_with("max")) << o.board_choice.cpu;
    EXPECT_THAT(o.warnings,
                ElementsAre(AllOf(HasSubstr("KVM is not used"), HasSubstr("-cpu host is -cpu max"))));
  }
  EXPECT_THAT(good({"-accel", "hvf"}).warnings, ElementsAre(HasSubstr("HVF is not used")));
  EXPECT_THAT(good({"-cpu", "host"}).warnings, ElementsAre(HasSubstr("-cpu host is -cpu max")));
  const Options tcg = good({"-accel", "tcg,thread=multi,tb-size=512,split-wx=off"});
  EXPECT_EQ(tcg.code_bytes, size_t{512} << 20);
  EXPECT_THAT(tcg.warnings, IsEmpty());
}

TEST(Spellings, MachinesOfEveryVersionAndTheirProperties) {
  for (std::string_view name : {"virt-2.6", "virt-2.12", "virt-6.2", "virt-10.0"})
    EXPECT_EQ(good({"-M", name}).board, find_board("virt")) << name;
  EXPECT_THAT(bad({"-M", "virt-2.5"}), HasSubstr("machine 'virt-2.5'"));
  EXPECT_EQ(find_board("virtual"), nullptr);
  using Property = std::pair<std::string, std::string>;
  const Options o =
      good({"-M",
            "virt-7.2,gic_version=max,highmem=off,highmem-ecam=off,highmem-mmio=on,its=off,acpi=off,"
            "secure=false,mte=no,ras=off,dtb-randomness=off,dtb-kaslr-seed=on,compact-highmem=on,"
            "usb=off,graphics=off,dump-guest-core=off,mem-merge=on,suppress-vmdesc=on,nvdimm=off"});
  EXPECT_THAT(o.board_choice.properties,
              ElementsAre(Property{"gic-version", "max"}, Property{"highmem", "off"},
                          Property{"highmem-ecam", "off"}, Property{"highmem-mmio", "on"},
                          Property{"its", "off"}, Property{"acpi", "off"}, Property{"secure", "off"},
                          Property{"mte", "off"}, Property{"ras", "off"}, Property{"dtb-randomness", "off"},
                          Property{"dtb-kaslr-seed", "on"}, Property{"compact-highmem", "on"}));
  EXPECT_THAT(o.warnings, IsEmpty());
  const Options files = good({"-M", "virt,kernel=k,initrd=i,append=a b,dtb=d,firmware=f"});
  EXPECT_EQ(files.kernel + files.initrd + files.append + files.dtb + files.bios, "kia bdf");
  EXPECT_THAT(bad({"-M", "virt,virtualization=on"}), HasSubstr("does not have it"));
}

TEST(Spellings, FlashesByName) {
  const Options o = good({"-blockdev", "node-name=code,driver=file,filename=c.fd,read-only=on", "-blockdev",
                          "node-name=f0,driver=file,filename=v.fd", "-blockdev",
                          "node-name=vars,driver=raw,file=f0", "-M", "virt,pflash0=code,pflash1=vars"});
  ASSERT_EQ(o.drives.size(), 2u);
  for (unsigned i = 0; i < 2; ++i) {
    EXPECT_EQ(o.drives[i].interface, DriveOption::Interface::kFlash);
    EXPECT_EQ(o.drives[i].unit, i);
  }
  EXPECT_TRUE(o.drives[0].read_only);
  EXPECT_EQ(o.drives[1].file, "v.fd");
  EXPECT_THAT(bad({"-M", "virt,pflash0=x"}), HasSubstr("no -blockdev with node-name=x"));
}

TEST(Spellings, BlockNodesAsListsAndAsJson) {
  for (std::string_view node :
       {"driver=raw,node-name=d,file.driver=file,file.filename=a,,b,file.locking=off,read-only=on,discard="
        "unmap,"
        "detect-zeroes=on,cache.direct=on",
        R"({"driver":"raw","node-name":"d","read-only":true,"discard":"unmap","file":{"driver":"file",
            "filename":"a,b","locking":"off"}})"}) {
    const Options o = good({"-blockdev", node, "-device", R"({"driver":"virtio-blk-device","drive":"d"})"});
    ASSERT_EQ(o.drives.size(), 1u);
    EXPECT_EQ(o.drives[0].file, "a,b");
    EXPECT_EQ(o.drives[0].id, "d");
    EXPECT_TRUE(o.drives[0].read_only);
    EXPECT_TRUE(o.drives[0].discard);
    EXPECT_FALSE(o.drives[0].lock);
    EXPECT_EQ(o.devices.back().drive, "d");
  }
  EXPECT_THAT(bad({"-blockdev", "driver=raw,node-name=d,file=x"}), HasSubstr("no -blockdev before it"));
  EXPECT_THAT(bad({"-blockdev", R"({"driver":"raw")"}), HasSubstr("JSON object is not understood"));
}

TEST(Json, Lists) {
  EXPECT_EQ(*json_as_list("-x", R"({"a":"1,2","k":"v","b":{"c":true,"d":[1,-2.5]},"e\u0041":"\n\"\\"})", "k"),
            "v,a=1,,2,b.c=on,b.d.0=1,b.d.1=-2.5,eA=\n\"\\");
  for (const char* text : {"", "{", "[]", "{}", R"({"k":})", R"({"k":"v"} x)", R"({"k":"v",})",
                           R"({"k":nul})", R"({"k":"v","a":null})", R"({"k":"\)", "{\"k\":{}}"})
    EXPECT_FALSE(json_as_list("-x", text, "k")) << text;
  std::string deep;
  for (int i = 0; i < 100000; ++i) deep += "{\"a\":";
  EXPECT_FALSE(json_as_list("-x", deep, "k"));
}

TEST(Spellings, DrivesHaveWhatOthersSay) {
  const Options o =
      good({"-drive",
            "file.filename=x,if=none,id=d,format=raw,werror=report,rerror=report,detect-zeroes=unmap,"
            "file.locking=off,aio=io_uring,cache=none,media=disk,index=3,cache.direct=on",
            "-device", "virtio-blk-device,drive=d"});
  EXPECT_EQ(o.drives[0].file, "x");
  EXPECT_FALSE(o.drives[0].lock);
  EXPECT_EQ(o.drives[0].unit, 3u);
  EXPECT_THAT(o.warnings, IsEmpty());
  EXPECT_THAT(good({"-drive", "file=x,werror=stop"}).warnings,
              ElementsAre(HasSubstr("to stop at them is missing")));
  EXPECT_EQ(good({"-drive", "file=x,serial=S"}).devices.back().serial, "S");
}

TEST(Spellings, GlobalPropertiesAreThoseOfAllDevicesOfAKind) {
  const Options o =
      good({"-device", "virtio-blk-device,drive=a", "-device", "virtio-blk-device,drive=b,serial=B", "-drive",
            "if=none,id=a,file=x", "-drive", "if=none,id=b,file=y", "-global", "virtio-blk-device.serial=G",
            "-global", "driver=cfi.pflash01,property=secure,value=off"});
  EXPECT_EQ(o.devices[1].serial, "G");  // behind the network card
  EXPECT_EQ(o.devices[2].serial, "B");
  EXPECT_THAT(o.warnings, IsEmpty());
  EXPECT_THAT(good({"-global", "PIIX4_PM.disable_s3=1"}).warnings, ElementsAre(HasSubstr("passed over")));
  EXPECT_THAT(bad({"-global", "cfi.pflash01.secure=on"}), HasSubstr("does not have it"));
}

TEST(Spellings, NetworksOfEveryKind) {
  using host::NetKind;
  const auto net = [](std::string_view value) {
    const Options o = good({"-netdev", value, "-device", "virtio-net-device,netdev=n"});
    return o.nets.empty() ? NetOption{} : o.nets[0];
  };
  const NetOption tap = net("tap,id=n,ifname=tap3,script=no,downscript=/x,vhost=on");
  EXPECT_EQ(tap.kind, NetKind::kTap);
  EXPECT_EQ(tap.link.interface_name + tap.link.up_script + tap.link.down_script, "tap3/x");
  EXPECT_EQ(net("tap,id=n,fd=9").link.fd, 9);
  EXPECT_EQ(net("tap,id=n,helper=/h").kind, NetKind::kBridge);
  EXPECT_EQ(net("bridge,id=n,br=virbr0").link.bridge, "virbr0");
  const NetOption listening = net("socket,id=n,listen=:1234");
  EXPECT_EQ(listening.kind, NetKind::kStream);
  EXPECT_TRUE(listening.link.server);
  EXPECT_EQ(listening.link.local.at.port, "1234");
  EXPECT_EQ(net("socket,id=n,connect=127.0.0.1:1234").link.remote.at.text(), "127.0.0.1:1234");
  EXPECT_EQ(net("socket,id=n,mcast=230.0.0.1:1234").kind, NetKind::kMulticast);
  EXPECT_EQ(net("socket,id=n,udp=1.2.3.4:5,localaddr=:6").kind, NetKind::kDatagram);
  const NetOption server = net("stream,id=n,server=on,addr.type=unix,addr.path=/tmp/s");
  EXPECT_EQ(server.link.local.path, "/tmp/s");
  EXPECT_EQ(net("stream,id=n,addr.type=inet,addr.host=h,addr.port=7").link.remote.at.text(), "h:7");
  EXPECT_EQ(net("dgram,id=n,remote.type=inet,remote.host=224.0.0.9,remote.port=7").kind, NetKind::kMulticast);
  EXPECT_EQ(net("dgram,id=n,remote.type=unix,remote.path=/a,local.type=unix,local.path=/b").link.local.path,
            "/b");
  EXPECT_EQ(net(R"({"type":"user","id":"n","restrict":true})").user.restricted, true);
  const NetOption guest = net("user,id=n,guestfwd=tcp:10.0.2.100:80-tcp:127.0.0.1:8080");
  ASSERT_EQ(guest.user.guest_forwards.size(), 1u);
  EXPECT_EQ(guest.user.guest_forwards[0].target, "tcp:127.0.0.1:8080");
  EXPECT_THAT(bad({"-netdev", "user,id=n,guestfwd=tcp:10.0.2.100-x"}), HasSubstr("guestfwd"));
  EXPECT_THAT(bad({"-nic", "user,smb=/tmp"}), HasSubstr("smb="));
}

TEST(Spellings, CardsOfTheOlderSpelling) {
  const Options named =
      good({"-netdev", "user,id=a", "-net", "nic,model=virtio,netdev=a,macaddr=52:54:00:00:00:01"});
  ASSERT_EQ(named.devices.size(), 1u);
  EXPECT_EQ(named.devices[0].netdev, "a");
  const Options two = good({"-net", "nic", "-net", "user,hostfwd=tcp::2222-:22", "-net", "nic", "-net",
                            "tap,ifname=tap0,script=no"});
  ASSERT_EQ(two.devices.size(), 2u);
  ASSERT_EQ(two.nets.size(), 2u);
  EXPECT_EQ(two.nets[0].user.forwards.size(), 1u);
  EXPECT_EQ(two.nets[1].kind, host::NetKind::kTap);
  const Options vlans = good(
      {"-net", "nic,vlan=1", "-net", "nic,vlan=0", "-net", "user,vlan=0", "-net", "tap,vlan=1,ifname=t"});
  ASSERT_EQ(vlans.nets.size(), 2u);
  EXPECT_EQ(vlans.nets[0].kind, host::NetKind::kTap);
  EXPECT_EQ(good({"-net", "nic"}).nets.size(), 1u);
  EXPECT_THAT(bad({"-net", "nic", "-net", "nic", "-net", "user"}), HasSubstr("more -net nic than networks"));
}

TEST(Spellings, ObjectsAgreeWithTheMachine) {
  const Options o = good({"-m",      "1G",
                          "-object", "memory-backend-file,id=m,size=1024M,mem-path=/dev/shm,share=on",
                          "-numa",   "node,memdev=m",
                          "-M",      "virt,memory-backend=m",
                          "-object", "iothread,id=i",
                          "-netdev", "user,id=n",
                          "-device", "virtio-net-device,netdev=n",
                          "-object", "filter-dump,id=f,netdev=n,file=x.pcap",
                          "-object", "rng-random,id=r,filename=/dev/random",
                          "-device", "virtio-rng-device,rng=r,max-bytes=1024,period=1000"});
  ASSERT_EQ(o.dumps.size(), 1u);
  EXPECT_EQ(o.dumps[0].file, "x.pcap");
  EXPECT_EQ(o.devices[1].rng_limit, 1024u);
  EXPECT_EQ(o.devices[1].rng_period_ms, 1000u);
  EXPECT_EQ(good({"-object", "memory-backend-ram,id=m,size=2G", "-M", "virt,memory-backend=m"}).ram_bytes,
            uint64_t{2} << 30);
  EXPECT_THAT(bad({"-m", "1G", "-object", "memory-backend-ram,id=m,size=2G"}),
              HasSubstr("give both the same size"));
  EXPECT_THAT(bad({"-numa", "node", "-numa", "node"}), HasSubstr("one memory node"));
  EXPECT_THAT(bad({"-object", "filter-dump,id=f,netdev=n,file=x"}), HasSubstr("no -netdev with id=n"));
}

TEST(Spellings, WhatFirmwareIsTold) {
  const Options o =
      good({"-boot", "order=dc,menu=on,splash-time=5000,strict=on,reboot-timeout=-1", "-drive",
            "if=none,id=d,file=x", "-device", "virtio-blk-device,drive=d,bootindex=2,bus=virtio-mmio-bus.4"});
  EXPECT_TRUE(o.boot_menu && o.boot_strict);
  EXPECT_EQ(o.boot_menu_wait, 5000);
  EXPECT_EQ(o.boot_fail_wait, 0xffffffffu);
  EXPECT_EQ(o.devices[1].boot_index, 2u);
  EXPECT_EQ(o.devices[1].slot, 4u);
  EXPECT_FALSE(good({"-boot", "d"}).boot_menu);
  EXPECT_THAT(bad({"-boot", "order=1"}), HasSubstr("letters from a to p"));
}

TEST(Spellings, SmbiosFields) {
  const Options o =
      good({"-smbios", "type=1,serial=ds=nocloud-net;;s=http://10.0.2.2/,manufacturer=A,,B", "-smbios",
            "type=11,value=one,value=two", "-smbios", "type=1,uuid=01234567-89ab-cdef-0123-456789abcdef"});
  EXPECT_EQ(o.smbios.fields.at(1).at("serial"), "ds=nocloud-net;;s=http://10.0.2.2/");
  EXPECT_EQ(o.smbios.fields.at(1).at("manufacturer"), "A,B");
  EXPECT_THAT(o.smbios.oem_strings, ElementsAre("one", "two"));
  EXPECT_TRUE(o.uuid_given);
  EXPECT_THAT(bad({"-smbios", "type=1,seriol=x"}), HasSubstr("did you mean 'serial'"));
  EXPECT_THAT(bad({"-smbios", "type=8"}), HasSubstr("type=8 is missing here"));
  EXPECT_THAT(bad({"-smbios", "file=x"}), HasSubstr("missing here"));
}

TEST(Spellings, LinesOfEveryKind) {
  const auto spec = [](std::string_view value) {
    const Options o = good({"-chardev", value});
    return o.chars.empty() ? "" : o.chars[0].spec;
  };
  EXPECT_EQ(spec("socket,id=c,host=h,port=1,server=on,wait=off,telnet=on"),
            "tcp:h:1,server=on,telnet=on,wait=off");
  EXPECT_EQ(spec("udp,id=c,host=h,port=1,localaddr=l,localport=2"), "udp:h:1@l:2");
  EXPECT_EQ(spec("pipe,id=c,path=/tmp/p"), "pipe:/tmp/p");
  EXPECT_EQ(spec("serial,id=c,path=/dev/ttyS0"), "tty:/dev/ttyS0");
  const Options log = good({"-chardev", "file,id=c,path=p,append=on,logfile=l,logappend=on"});
  EXPECT_TRUE(log.chars[0].append && log.chars[0].log_append);
  EXPECT_EQ(log.chars[0].log_file, "l");
  for (std::string_view line :
       {"telnet:127.0.0.1:4444,server,nowait", "mon:telnet::4444,server=on,wait=off", "udp:127.0.0.1:1",
        "pipe:/tmp/p", "/dev/ttyUSB0", "unix:/tmp/s,server,nowait", "none", "mon:unix:/tmp/s,server=on"})
    EXPECT_EQ(good({"-serial", line}).serials[0], line);
  EXPECT_EQ(good({"-serial", "stdio", "-serial", "null"}).serials.size(), 2u);
}

TEST(Spellings, PcsByTheirVersions) {
  for (std::string_view name : {"pc", "pc-i440fx-7.2", "pc-i440fx-2.0"})
    EXPECT_EQ(good({"-M", name}).board->name, "pc");
  for (std::string_view name : {"q35", "pc-q35-7.2", "pc-q35-2.4"})
    EXPECT_EQ(good({"-M", name}).board->name, "q35");
  EXPECT_THAT(bad({"-M", "pc-q35-1.0"}), testing::HasSubstr("machine 'pc-q35-1.0'"));
  EXPECT_THAT(bad({"-M", "q35-7.2"}), testing::HasSubstr("is not known"));
}

TEST(Spellings, EventTimersAndPrinterOfPcs) {
  using Properties = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(good({"-no-hpet", "-M", "pc"}).board_choice.properties, (Properties{{"hpet", "off"}}));
  EXPECT_EQ(good({"-M", "pc,hpet=on"}).board_choice.properties, (Properties{{"hpet", "on"}}));
  EXPECT_EQ(good({"-M", "pc", "-parallel", "file:lpt.txt"}).parallel, "file:lpt.txt");
  EXPECT_EQ(bad({"-parallel", "file:lpt.txt", "-M", "virt"}),
            "the machine virt has no parallel port; leave -parallel file:lpt.txt out");
  EXPECT_THAT(bad({"-M", "pc", "-parallel", "stdio", "-parallel", "pty"}),
              testing::HasSubstr("one parallel port"));
}

TEST(Spellings, WhatMeansNothingHereIsPassedOver) {
  EXPECT_THAT(good({"-usb",
                    "-no-acpi",
                    "-k",
                    "de",
                    "-parallel",
                    "none",
                    "-vga",
                    "none",
                    "-audiodev",
                    "none,id=a",
                    "-watchdog-action",
                    "reset",
                    "-msg",
                    "timestamp=on",
                    "-overcommit",
                    "mem-lock=off",
                    "-mem-prealloc",
                    "-sandbox",
                    "off",
                    "-m",
                    "1G,slots=2,maxmem=4G",
                    "-action",
                    "panic=none,reboot=reset",
                    "-name",
                    "guest=g,process=p,debug-threads=on",
                    "-no-user-config",
                    "-daemonize"})
                  .warnings,
              IsEmpty());
  EXPECT_THAT(good({"-sandbox", "on,obsolete=deny"}).warnings, ElementsAre(HasSubstr("-sandbox is missing")));
  EXPECT_THAT(good({"-mem-path", "/dev/hugepages"}).warnings, ElementsAre(HasSubstr("in no file")));
}

TEST(Spellings, SerialLinesOfPcsByDevice) {
  const std::vector<std::string_view> begin = {"-M", "pc", "-chardev", "null,id=c", "-chardev", "null,id=d"};
  const auto with = [&](std::vector<std::string_view> more) {
    more.insert(more.begin(), begin.begin(), begin.end());
    return more;
  };
  EXPECT_THAT(good(with({"-device", "isa-serial,chardev=c", "-device", "isa-serial,chardev=d"})).serials,
              ElementsAre("chardev:c", "chardev:d"));
  EXPECT_THAT(good(with({"-serial", "null", "-device", "isa-serial,chardev=c"})).serials,
              ElementsAre("null", "chardev:c"));
  EXPECT_THAT(good(with({"-device", "isa-serial,chardev=c,iobase=0x2f8,irq=3"})).serials,
              ElementsAre("none", "chardev:c"));
  EXPECT_THAT(bad(with({"-device", "isa-serial,chardev=c,index=2"})), HasSubstr("use -device pci-serial"));
  EXPECT_THAT(bad(with({"-serial", "null", "-device", "isa-serial,chardev=c,index=0"})),
              HasSubstr("line 0 is null already"));
  EXPECT_THAT(bad(with({"-device", "isa-serial"})), HasSubstr("needs chardev=ID"));
  EXPECT_THAT(bad({"-M", "virt", "-device", "isa-serial,chardev=c"}), HasSubstr("no ISA bus"));
}

TEST(Spellings, OfPcs) {
  EXPECT_EQ(good({"-localtime"}).rtc_base, RtcBase::kLocal);
  EXPECT_EQ(good({"-startdate", "1999-12-31"}).rtc_date, 946598400);
  EXPECT_THAT(good({"-d", "int,cpu_reset,mmu"}).warnings,
              ElementsAre(HasSubstr("'cpu_reset'"), HasSubstr("'mmu'")));
  const Options o = good({"-M", "pc", "-nic", "none", "-drive", "file=d,if=none,id=d", "-drive",
                          "file=e,if=none,id=e", "-device", "nvme,drive=d,serial=s,num_queues=8", "-device",
                          "virtio-blk-pci,drive=e,num-queues=1,scsi=off", "-netdev", "user,id=n", "-device",
                          "virtio-net-pci,netdev=n,mq=on"});
  EXPECT_EQ(o.devices[0].queue_pairs, 7u);
}

// What is here is not listed as missing.
TEST(Spellings, WhatIsHereIsNotKnownElsewhereAlone) {
  for (const DeviceRow& row : device_rows())
    EXPECT_FALSE(known_elsewhere(Known::kDevice, row.name)) << row.name;
  for (std::string_view name : find_board("virt")->cpu_names())
    EXPECT_FALSE(known_elsewhere(Known::kProcessor, name)) << name;
  const auto words = [](const Options& o) {
    std::istringstream text(o.print.value_or(""));
    std::vector<std::string> all;
    for (std::string word; text >> word;) all.push_back(word.substr(0, word.find(',')));
    return all;
  };
  for (const std::string& word : words(good({"-object", "help"})))
    EXPECT_FALSE(known_elsewhere(Known::kObject, word)) << word;
  for (const std::string& word : words(good({"-chardev", "help"})))
    EXPECT_FALSE(known_elsewhere(Known::kChar, word)) << word;
  for (const std::string& word : words(good({"-help"})))
    if (word.starts_with('-')) EXPECT_FALSE(known_elsewhere(Known::kOption, word.substr(1))) << word;
  for (std::string_view name : {"usb-ehci", "ramfb", "virtio-9p-device"})
    EXPECT_TRUE(known_elsewhere(Known::kDevice, name)) << name;
}

}  // namespace
}  // namespace mynah::app
