// SPDX-License-Identifier: Apache-2.0
//
// The command line: any words give options, help or a sentence.
#include <string>
#include <vector>

#include "app/options.h"
#include "tests/fuzz/fuzz_input.h"

using namespace mynah;

namespace {

constexpr std::string_view kWords[] = {"-M",
                                       "virt",
                                       "gic-version=3",
                                       "-cpu",
                                       "max",
                                       "pauth-impdef=on",
                                       "-smp",
                                       "-global",
                                       "virtio-mmio.force-legacy=",
                                       "-blockdev",
                                       "driver=raw,node-name=a,file.filename=x",
                                       "{\"driver\":\"file\"}",
                                       "-netdev",
                                       "socket,id=a,",
                                       "listen=:1",
                                       "mcast=230.0.0.1:1",
                                       "-net",
                                       "nic,vlan=1",
                                       "-smbios",
                                       "type=1,serial=",
                                       "-boot",
                                       "menu=on,splash-time=",
                                       "-object",
                                       "memory-backend-ram,id=m,size=",
                                       "-serial",
                                       "telnet:",
                                       "-accel",
                                       "kvm:tcg",
                                       "cpus=1",
                                       "-m",
                                       "1.5G",
                                       "size=",
                                       "-kernel",
                                       "-initrd",
                                       "-append",
                                       "-dtb",
                                       "-bios",
                                       "-drive",
                                       "file=",
                                       "if=",
                                       "pflash",
                                       "none",
                                       "virtio",
                                       "format=raw",
                                       "readonly=on",
                                       "snapshot=",
                                       "unit=1",
                                       "id=a",
                                       "-device",
                                       "virtio-blk-device",
                                       "drive=a",
                                       "serial=",
                                       "virtio-net-device",
                                       "netdev=a",
                                       "mac=52:54:00:12:34:56",
                                       "virtio-rng-device",
                                       "virtio-serial-device",
                                       "virtconsole",
                                       "chardev=a",
                                       "-netdev",
                                       "user",
                                       "hostfwd=tcp::22-:22",
                                       "net=10.0.0.0/8",
                                       "-nic",
                                       "-net",
                                       "nic",
                                       "-chardev",
                                       "socket",
                                       "path=/x",
                                       "port=1",
                                       "server",
                                       "wait=off",
                                       "stdio",
                                       "mux=on",
                                       "-serial",
                                       "mon:stdio",
                                       "-monitor",
                                       "-mon",
                                       "-nographic",
                                       "-display",
                                       "-icount",
                                       "shift=3",
                                       "sleep=off",
                                       "-rtc",
                                       "base=2024-01-01",
                                       "-S",
                                       "-s",
                                       "-gdb",
                                       "tcp::1234",
                                       "unix:/x",
                                       "-d",
                                       "in_asm",
                                       "int",
                                       "-dfilter",
                                       "0x10..0x20",
                                       "0x10+5",
                                       "9-4",
                                       "-accel",
                                       "tb-size=64",
                                       "--stats",
                                       "-uuid",
                                       "-echr",
                                       "-seed",
                                       "-action",
                                       "reboot=",
                                       "-object",
                                       "rng-random",
                                       "-L",
                                       "-name",
                                       "guest=",
                                       "help",
                                       "on",
                                       "off",
                                       "=",
                                       ",",
                                       ",,",
                                       ":",
                                       "0",
                                       "-1",
                                       "18446744073709551615",
                                       "-hda",
                                       "-cdrom",
                                       "-snapshot",
                                       "-nodefaults",
                                       "-no-reboot",
                                       "-pidfile",
                                       "-D"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input in(data, size);
  std::vector<std::string> arguments(1);
  while (!in.empty() && arguments.size() < 40) {
    const uint8_t b = in.u8();
    if (b < 200)
      arguments.back() += kWords[b % std::size(kWords)];
    else if (b < 230)
      arguments.emplace_back();
    else if (b < 245)
      arguments.back() += ',';
    else
      arguments.back() += static_cast<char>(in.u8());
  }
  const std::vector<std::string_view> views(arguments.begin(), arguments.end());
  const auto parsed = app::parse_options(views);
  if (!parsed)
    fuzz::require(!parsed.message().empty());
  else if (!parsed->print) {
    fuzz::require(parsed->ram_bytes % 4096 == 0);
    for (const auto& device : parsed->devices)
      fuzz::require(device.kind != app::DeviceKind::kNet || device.mac.has_value());
  }
  return 0;
}
