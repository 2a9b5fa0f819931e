// SPDX-License-Identifier: Apache-2.0
//
// GICv2 interrupt controller without Security and Virtualization Extensions: distributor (GICD) and one CPU
// interface (GICC) a CPU, Arm IHI 0048B. 8 priority bits, both interrupt groups, both EOI modes.
//
// This object is the distributor's register window (0x10000 bytes); cpu_interface() is the second window
// (0x10000 bytes, GICC_DIR at 0x1000), and has no state of its own: reset() and serialize() of this object
// cover both. Registers banked by CPU follow `current_cpu`, which names the CPU whose access is being served.
//
// Group 0 is signalled on irq, or on fiq when GICC_CTLR.FIQEn is set; Group 1 always on irq. Outputs are
// levels and change only after a public call's work is complete. Calls must not overlap.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "devices/core/device.h"
#include "devices/core/stateless_device.h"
#include "devices/intc/gic_irq_state.h"

namespace mynah::dev {

constexpr unsigned kGicv2MaxCpus = 8;

struct Gicv2Config {
  unsigned cpus = 1;                      // 1 to 8
  unsigned spis = 256;                    // a multiple of 32, at most 992
  std::function<unsigned()> current_cpu;  // empty: always CPU 0
};

class Gicv2 final : public Device, public IrqSink {
 public:
  static constexpr uint64_t kWindowSize = 0x10000;  // of each of the two windows

  Gicv2(Log& log, Gicv2Config config);

  // Device: the distributor.
  std::string_view name() const override { return "gicv2"; }
  void reset() override;
  uint64_t read(Offset, Width) override;
  void write(Offset, Width, uint64_t) override;
  uint32_t state_version() const override { return 1; }

  Device& cpu_interface() { return cpu_window_; }

  // IrqSink: SPIs, line n is interrupt ID 32 + n.
  void set_irq(unsigned line, bool level) override;
  // intid 16 to 31.
  void set_ppi(unsigned cpu, unsigned intid, bool level);
  IrqLine ppi_line(unsigned cpu, unsigned intid) { return {ppi_sink_, cpu * kGicPrivateIds + intid}; }

  void connect_cpu(unsigned cpu, IrqLine irq, IrqLine fiq);
  bool irq(unsigned cpu) const { return cpus_[cpu].irq_level; }
  bool fiq(unsigned cpu) const { return cpus_[cpu].fiq_level; }

  // The same registers with the CPU named, for boot code and tests.
  uint64_t read_distributor(unsigned cpu, Offset, Width);
  void write_distributor(unsigned cpu, Offset, Width, uint64_t);
  uint64_t read_cpu_interface(unsigned cpu, Offset, Width);
  void write_cpu_interface(unsigned cpu, Offset, Width, uint64_t);

 private:
  void serialize_state(StateStream&) override;
  struct CpuWindow final : StatelessDevice {
    explicit CpuWindow(Gicv2& gic) : StatelessDevice("gicv2-cpu"), gic(gic) {}
    uint64_t read(Offset offset, Width width) override {
      return gic.read_cpu_interface(gic.current_cpu(), offset, width);
    }
    void write(Offset offset, Width width, uint64_t value) override {
      gic.write_cpu_interface(gic.current_cpu(), offset, width, value);
    }
    Gicv2& gic;
  };
  struct PpiSink final : IrqSink {
    explicit PpiSink(Gicv2& gic) : gic(gic) {}
    void set_irq(unsigned line, bool level) override {
      gic.set_ppi(line / kGicPrivateIds, line % kGicPrivateIds, level);
    }
    Gicv2& gic;
  };
  struct Cpu {
    uint32_t ctlr = 0;
    uint8_t pmr = 0, bpr = 0, abpr = 1;
    // One bit a group priority that is active, in steps of 2 (7 preemption bits): Group 0, Group 1.
    std::array<uint32_t, 4> apr{}, nsapr{};
    std::array<uint8_t, kGicSgis> sgi_sources{};  // CPUs whose SGI is pending here
    IrqLine irq_line, fiq_line;
    bool irq_level = false, fiq_level = false;
  };

  unsigned current_cpu() const;
  bool read_distributor_word(unsigned cpu, unsigned offset, uint32_t& value);
  bool write_distributor_word(unsigned cpu, unsigned offset, uint32_t value, uint32_t mask);
  bool read_cpu_word(unsigned cpu, unsigned offset, uint32_t& value);
  bool write_cpu_word(unsigned cpu, unsigned offset, uint32_t value);

  void send_sgi(unsigned from, uint32_t sgir);
  void set_sgi_sources(unsigned cpu, unsigned sgi, uint8_t sources);
  void set_itargetsr(unsigned intid, uint8_t targets);
  void update_groups();

  unsigned priority_mask(const Cpu& cpu, bool group1) const;
  unsigned running_priority(const Cpu& cpu) const;
  GicCandidate signalled(unsigned cpu);
  uint32_t pending_value(unsigned cpu, bool alias);  // HPPIR, AHPPIR
  uint32_t acknowledge(unsigned cpu, bool alias);    // IAR, AIAR
  void end_of_interrupt(unsigned cpu, uint32_t value, bool alias);
  void deactivate(unsigned cpu, uint32_t value);
  void update_outputs(unsigned cpu);
  void flush() {
    irqs_.drain_dirty([this](unsigned cpu) { update_outputs(cpu); });
  }
  void guest_error(std::string_view what, Offset offset, Width width);

  Log& log_;
  const std::function<unsigned()> current_cpu_;
  GicIrqState irqs_;
  uint32_t ctlr_ = 0;
  std::vector<uint8_t> itargets_;  // ITARGETSR by interrupt ID, SPIs only
  std::vector<Cpu> cpus_;
  CpuWindow cpu_window_{*this};
  PpiSink ppi_sink_{*this};
};

}  // namespace mynah::dev
