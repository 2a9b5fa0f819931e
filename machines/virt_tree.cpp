// SPDX-License-Identifier: Apache-2.0
//
// Device tree of the board `virt`: node names and properties are those that systems already match.
#include <fmt/format.h>

#include <initializer_list>
#include <string_view>

#include "machines/virt_tree.h"

#include "devices/pci/host.h"
#include "machines/virt_map.h"

extern "C" {
#include <libfdt.h>
}

namespace mynah {

namespace {

using namespace virt_map;

enum Phandle : uint32_t {
  kClock = 0x8000,
  kIntc = 0x8002,
  kMsiHandle = 0x8003,
  kGpioHandle = 0x8004,
  kCpu0 = 0x8100,
};
enum Trigger : uint32_t { kEdge = 1, kLevelHigh = 4 };
constexpr uint32_t kSpi = 0, kPpi = 1;

// Sequential writer over libfdt; nodes close when their Node dies.
class Writer {
 public:
  explicit Writer(size_t size) : bytes_(size) {
    fdt_create(bytes_.data(), static_cast<int>(bytes_.size()));
    fdt_finish_reservemap(bytes_.data());
  }
  void reg(std::initializer_list<uint64_t> values) {
    std::vector<fdt64_t> raw;
    for (uint64_t v : values) raw.push_back(cpu_to_fdt64(v));
    fdt_property(bytes_.data(), "reg", raw.data(), static_cast<int>(raw.size() * 8));
  }
  void cells(const char* name, const std::vector<uint32_t>& values) {
    std::vector<fdt32_t> raw;
    for (uint32_t v : values) raw.push_back(cpu_to_fdt32(v));
    fdt_property(bytes_.data(), name, raw.data(), static_cast<int>(raw.size() * 4));
  }
  // Several strings are separated by NUL in one literal.
  void strings(const char* name, std::string_view value) {
    std::string terminated(value);
    fdt_property(bytes_.data(), name, terminated.c_str(), static_cast<int>(terminated.size() + 1));
  }
  void raw(const char* name, const void* data, size_t n) {
    fdt_property(bytes_.data(), name, data, static_cast<int>(n));
  }
  void flag(const char* name) { fdt_property(bytes_.data(), name, nullptr, 0); }
  void u64(const char* name, uint64_t v) { fdt_property_u64(bytes_.data(), name, v); }

  struct Node {
    Node(Writer& w, const std::string& name) : w(w) { fdt_begin_node(w.bytes_.data(), name.c_str()); }
    ~Node() { fdt_end_node(w.bytes_.data()); }
    Writer& w;
  };
  std::vector<uint8_t> finish() {
    fdt_finish(bytes_.data());
    bytes_.resize(fdt_totalsize(bytes_.data()));
    return std::move(bytes_);
  }

 private:
  std::vector<uint8_t> bytes_;
};

std::string at(std::string_view name, uint64_t address) { return fmt::format("{}@{:x}", name, address); }

using namespace std::literals;

void primecell(Writer& w, std::string_view name, uint64_t base, unsigned irq, std::string_view compatible,
               bool uart_clock = false) {
  Writer::Node node(w, at(name, base));
  w.strings("compatible", compatible);
  w.reg({base, 0x1000});
  w.cells("interrupts", {kSpi, irq, kLevelHigh});
  if (uart_clock) {
    w.cells("clocks", {kClock, kClock});
    w.strings("clock-names", "uartclk\0apb_pclk"sv);
  } else {
    w.cells("clocks", {kClock});
    w.strings("clock-names", "apb_pclk");
  }
  if (base == kGpio) {
    w.cells("#gpio-cells", {2});
    w.flag("gpio-controller");
    w.cells("phandle", {kGpioHandle});
  }
}

// Sockets, clusters, cores and threads, each level numbered from 0 within the one above.
void processor_map(Writer& w, const ProcessorConfig& c) {
  Writer::Node map(w, "cpu-map");
  uint32_t next = kCpu0;
  const uint32_t end = kCpu0 + c.now;
  for (unsigned s = 0; s < c.sockets && next < end; ++s) {
    Writer::Node socket(w, fmt::format("socket{}", s));
    for (unsigned k = 0; k < c.clusters && next < end; ++k) {
      Writer::Node cluster(w, fmt::format("cluster{}", k));
      for (unsigned n = 0; n < c.cores && next < end; ++n) {
        Writer::Node core(w, fmt::format("core{}", n));
        if (c.threads == 1) {
          w.cells("cpu", {next++});
          continue;
        }
        for (unsigned t = 0; t < c.threads && next < end; ++t) {
          Writer::Node thread(w, fmt::format("thread{}", t));
          w.cells("cpu", {next++});
        }
      }
    }
  }
}

void processors(Writer& w, const VirtTreeInput& in) {
  processor_map(w, in.config.processors);
  // Behind its siblings in the tree, as systems number them in the order in which they find them.
  for (size_t i = 0; i < in.affinities.size(); ++i) {
    const auto affinity = static_cast<uint32_t>(in.affinities[i]);
    Writer::Node cpu(w, fmt::format("cpu@{:x}", i));
    w.strings("device_type", "cpu");
    w.strings("compatible", in.cpu.compatible);
    if (in.affinities.size() > 1) w.strings("enable-method", "psci");
    w.cells("reg", {affinity});
    w.cells("phandle", {kCpu0 + static_cast<uint32_t>(i)});
  }
}

// Bindings of the generic host (pci-host-ecam-generic) and of its children's addresses: three cells, of which
// the first says what space it is.
void pci_host(Writer& w, const VirtPciWindows& pci) {
  constexpr uint32_t kIo = 0x01000000, kMemory = 0x02000000, kMemory64 = 0x03000000;
  constexpr unsigned kSlots = 4, kPins = 4;  // the map repeats after those
  const auto high = [](uint64_t v) { return static_cast<uint32_t>(v >> 32); };
  const auto low = [](uint64_t v) { return static_cast<uint32_t>(v); };
  Writer::Node node(w, at("pcie", kPciMemory));
  w.strings("compatible", "pci-host-ecam-generic");
  w.strings("device_type", "pci");
  w.cells("#address-cells", {3});
  w.cells("#size-cells", {2});
  w.cells("linux,pci-domain", {0});
  w.cells("bus-range", {0, low(pci.config_size / dev::pci::Host::kEcamBytesPerBus - 1)});
  w.flag("dma-coherent");
  if (pci.messages) w.cells("msi-map", {0, kMsiHandle, 0, 0x10000});
  w.reg({pci.config, pci.config_size});
  std::vector<uint32_t> ranges;
  const auto range = [&](uint32_t space, uint64_t bus, uint64_t cpu, uint64_t size) {
    ranges.insert(ranges.end(), {space, high(bus), low(bus), high(cpu), low(cpu), high(size), low(size)});
  };
  range(kIo, 0, kPciIo, kPciIoSize);
  range(kMemory, kPciMemory, kPciMemory, kPciMemorySize);
  if (pci.high_memory) range(kMemory64, kPciHighMemory, kPciHighMemory, kPciHighMemorySize);
  w.cells("ranges", ranges);
  w.cells("#interrupt-cells", {1});
  std::vector<uint32_t> map;
  for (uint32_t slot = 0; slot < kSlots; ++slot)
    for (uint32_t pin = 0; pin < kPins; ++pin) {
      const uint32_t irq = kPciIrq + (slot + pin) % kPins;
      map.insert(map.end(), {slot << 11, 0, 0, pin + 1, kIntc, 0, 0, kSpi, irq, kLevelHigh});
    }
  w.cells("interrupt-map", map);
  w.cells("interrupt-map-mask", {(kSlots - 1) << 11, 0, 0, 7});
}

}  // namespace

std::vector<uint8_t> make_virt_tree(const VirtTreeInput& in) {
  const MachineConfig& c = in.config;
  const uint32_t ppi = kLevelHigh | (in.gic_version == 2 ? ((1u << in.affinities.size()) - 1) << 8
                                                         : 0);  // and whom it reaches
  Writer w(64 << 10);
  {
    Writer::Node root(w, "");
    w.cells("interrupt-parent", {kIntc});
    w.strings("model", "linux,dummy-virt");
    w.strings("compatible", "linux,dummy-virt");
    w.cells("#address-cells", {2});
    w.cells("#size-cells", {2});
    {
      Writer::Node node(w, "psci");
      w.strings("compatible", "arm,psci-1.0\0arm,psci-0.2\0arm,psci"sv);
      w.strings("method", "hvc");
      w.cells("cpu_on", {0xc4000003});
      w.cells("cpu_off", {0x84000002});
      w.cells("cpu_suspend", {0xc4000001});
    }
    {
      Writer::Node node(w, at("memory", kRam));
      w.strings("device_type", "memory");
      w.reg({kRam, c.ram_bytes});
    }
    {
      Writer::Node node(w, at("fw-cfg", kFwCfg));
      w.strings("compatible", "qemu,fw-cfg-mmio");
      w.reg({kFwCfg, 0x18});
      w.flag("dma-coherent");
    }
    for (unsigned i = 0; i < kVirtioSlots; ++i) {
      Writer::Node node(w, at("virtio_mmio", kVirtio + i * kVirtioSize));
      w.strings("compatible", "virtio,mmio");
      w.reg({kVirtio + i * kVirtioSize, kVirtioSize});
      w.cells("interrupts", {kSpi, kVirtioIrq + i, kEdge});
      w.flag("dma-coherent");
    }
    {
      Writer::Node node(w, "gpio-keys");
      w.strings("compatible", "gpio-keys");
      Writer::Node key(w, "poweroff");
      w.strings("label", "GPIO Key Poweroff");
      w.cells("linux,code", {0x74});
      w.cells("gpios", {kGpioHandle, kPowerKeyLine, 0});
    }
    pci_host(w, in.pci);
    primecell(w, "pl061", kGpio, kGpioIrq, "arm,pl061\0arm,primecell"sv);
    primecell(w, "pl031", kRtc, kRtcIrq, "arm,pl031\0arm,primecell"sv);
    primecell(w, "pl011", kUart, kUartIrq, "arm,pl011\0arm,primecell"sv, true);
    if (c.second_serial)
      primecell(w, "pl011", kSecondUart, kSecondUartIrq, "arm,pl011\0arm,primecell"sv, true);
    if (c.second_serial) {
      Writer::Node node(w, "aliases");
      w.strings("serial0", "/pl011@9000000");
      w.strings("serial1", "/pl011@9040000");
    }
    if (in.cpu.has(arm::Feature::kPmu)) {
      Writer::Node node(w, "pmu");
      w.strings("compatible", "arm,armv8-pmuv3");
      w.cells("interrupts", {kPpi, kPmuPpi - 16, ppi});
    }
    {
      Writer::Node node(w, at("intc", kGicDistributor));
      w.cells("phandle", {kIntc});
      if (in.gic_version == 3) {
        w.strings("compatible", "arm,gic-v3");
        if (in.affinities.size() <= kLowRedistributors) {
          w.reg({kGicDistributor, 0x10000, kGicRedistributor, kGicRedistributorSpace});
          w.cells("#redistributor-regions", {1});
        } else {
          w.reg({kGicDistributor, 0x10000, kGicRedistributor, kGicRedistributorSpace, kGicHighRedistributor,
                 kGicHighRedistributorSpace});
          w.cells("#redistributor-regions", {2});
        }
      } else {
        w.strings("compatible", "arm,cortex-a15-gic");
        w.reg({kGicDistributor, 0x10000, kGicCpu, 0x10000});
      }
      w.flag("ranges");
      w.cells("#address-cells", {2});
      w.cells("#size-cells", {2});
      w.flag("interrupt-controller");
      w.cells("#interrupt-cells", {3});
      if (in.gic_version == 2) {
        Writer::Node frame(w, at("v2m", kGicV2m));
        w.strings("compatible", "arm,gic-v2m-frame");
        w.flag("msi-controller");
        w.reg({kGicV2m, 0x1000});
        w.cells("phandle", {kMsiHandle});
      }
      if (in.its) {
        Writer::Node its(w, at("its", kGicIts));
        w.strings("compatible", "arm,gic-v3-its");
        w.flag("msi-controller");
        w.cells("#msi-cells", {1});
        w.reg({kGicIts, 0x20000});
        w.cells("phandle", {kMsiHandle});
      }
    }
    {
      Writer::Node node(w, at("flash", kFlash));
      w.strings("compatible", "cfi-flash");
      w.reg({kFlash, kFlashSize, kFlash + kFlashSize, kFlashSize});
      w.cells("bank-width", {4});
    }
    {
      Writer::Node cpus(w, "cpus");
      w.cells("#address-cells", {1});
      w.cells("#size-cells", {0});
      processors(w, in);
    }
    {
      Writer::Node node(w, "timer");
      w.strings("compatible", "arm,armv8-timer\0arm,armv7-timer"sv);
      w.flag("always-on");
      w.cells("interrupts", {kPpi, 13, ppi, kPpi, 14, ppi, kPpi, 11, ppi, kPpi, 10, ppi});
    }
    {
      Writer::Node node(w, "apb-pclk");
      w.strings("compatible", "fixed-clock");
      w.cells("#clock-cells", {0});
      w.cells("clock-frequency", {24000000});
      w.strings("clock-output-names", "clk24mhz");
      w.cells("phandle", {kClock});
    }
    {
      Writer::Node node(w, "chosen");
      w.strings("stdout-path", "/pl011@9000000");
      if (!c.command_line.empty()) w.strings("bootargs", c.command_line);
      if (in.initrd_end > in.initrd_start) {
        w.u64("linux,initrd-start", in.initrd_start);
        w.u64("linux,initrd-end", in.initrd_end);
      }
      if (c.rng_seed.size() >= 8) {
        w.raw("rng-seed", c.rng_seed.data(), c.rng_seed.size());
        w.raw("kaslr-seed", c.rng_seed.data(), 8);
      }
    }
  }
  return w.finish();
}

}  // namespace mynah
