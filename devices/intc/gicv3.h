// SPDX-License-Identifier: Apache-2.0
//
// GICv3 interrupt controller, Arm IHI 0069: distributor, one redistributor and one CPU interface a CPU. One
// Security state (GICD_CTLR.DS reads 1), affinity routing always on (ARE reads 1), no message-based SPIs, no
// 1-of-N routing (GICD_TYPER.No1N), no virtualization, 5 priority bits. LPIs where there is memory for their
// tables; they come from an ITS (gicv3_its.h), not by GICR_SETLPIR (GICR_TYPER.DirectLPI reads 0).
//
// This object is the distributor's register window (0x10000 bytes); redistributors() are the windows of the
// redistributor frames (0x20000 bytes a CPU, in CPU order: RD_base then SGI_base), in as many regions as a
// board has room for them, and have no state of their own: reset() and serialize() of this object cover
// everything. The CPU interfaces are system registers: read_icc() and write_icc().
//
// GICR_WAKER is the handshake alone: no power is modelled, so interrupts are delivered whatever it says.
// Outputs (Group 0 on fiq, Group 1 on irq) are levels and change only after a public call's work is complete.
// Calls must not overlap.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "devices/core/device.h"
#include "devices/core/stateless_device.h"
#include "devices/intc/gic_irq_state.h"
#include "devices/intc/gicv3_cpu.h"
#include "devices/intc/gicv3_lpi.h"

namespace mynah::dev {

constexpr unsigned kGicv3MaxCpus = 512;

struct Gicv3Config {
  unsigned spis = 256;  // a multiple of 32, at most 992
  // One for each CPU, as in its MPIDR_EL1: Aff3 [39:32], Aff2 [23:16], Aff1 [15:8], Aff0 [7:0]; other bits
  // ignored.
  std::vector<uint64_t> affinities{0};
  // CPUs whose redistributors are in each region, all together as many as there are; empty: one region.
  std::vector<unsigned> regions = {};
  DmaMemory* lpi_tables = nullptr;  // the memory that LPIs' tables are in; null: there are no LPIs
};

class Gicv3 final : public Device, public IrqSink, private Gicv3CpuInterface::Fabric {
 public:
  static constexpr uint64_t kDistributorSize = 0x10000;
  static constexpr uint64_t kRedistributorSize = 0x20000;  // of one CPU's two frames

  Gicv3(Log& log, Gicv3Config config);

  // Device: the distributor.
  std::string_view name() const override { return "gicv3"; }
  void reset() override;
  uint64_t read(Offset, Width) override;
  void write(Offset, Width, uint64_t) override;
  uint32_t state_version() const override { return 2; }

  unsigned regions() const { return static_cast<unsigned>(windows_.size()); }
  Device& redistributors(unsigned region = 0) { return windows_[region]; }
  uint64_t redistributors_size(unsigned region = 0) const {
    return kRedistributorSize * windows_[region].count;
  }

  // False: the access is undefined and the CPU takes an exception.
  bool read_icc(unsigned cpu, IccReg, uint64_t& value);
  bool write_icc(unsigned cpu, IccReg, uint64_t value);

  // IrqSink: SPIs, line n is interrupt ID 32 + n.
  void set_irq(unsigned line, bool level) override;
  // intid 16 to 31.
  void set_ppi(unsigned cpu, unsigned intid, bool level);
  IrqLine ppi_line(unsigned cpu, unsigned intid) { return {ppi_sink_, cpu * kGicPrivateIds + intid}; }

  void connect_cpu(unsigned cpu, IrqLine irq, IrqLine fiq) { interfaces_[cpu].connect(irq, fiq); }
  bool irq(unsigned cpu) const { return interfaces_[cpu].irq(); }
  bool fiq(unsigned cpu) const { return interfaces_[cpu].fiq(); }

  // What an ITS does to LPIs. cpu: a GICR_TYPER.Processor_Number, below cpus(). Outputs follow at the end, by
  // lpis_done(): a guest may have thousands of commands in one call.
  unsigned cpus() const { return irqs_.cpus(); }
  void set_lpi(unsigned cpu, unsigned intid, bool pending);
  void move_lpi(unsigned from, unsigned to, unsigned intid);
  void move_all_lpis(unsigned from, unsigned to);
  void invalidate_lpi(unsigned cpu, unsigned intid);
  void invalidate_all_lpis(unsigned cpu);
  void lpis_done() { flush(); }

 private:
  void serialize_state(StateStream&) override;
  struct RedistributorWindow final : StatelessDevice {  // of the CPUs from `first` on
    RedistributorWindow(Gicv3& gic, unsigned first, unsigned count)
        : StatelessDevice("gicv3-redist"), gic(gic), first(first), count(count) {}
    uint64_t read(Offset offset, Width width) override {
      return gic.read_redistributor(*this, offset, width);
    }
    void write(Offset offset, Width width, uint64_t value) override {
      gic.write_redistributor(*this, offset, width, value);
    }
    Gicv3& gic;
    unsigned first, count;
  };
  struct PpiSink final : IrqSink {
    explicit PpiSink(Gicv3& gic) : gic(gic) {}
    void set_irq(unsigned line, bool level) override {
      gic.set_ppi(line / kGicPrivateIds, line % kGicPrivateIds, level);
    }
    Gicv3& gic;
  };
  static constexpr unsigned kNoCpu = ~0u;

  // Fabric
  GicCandidate highest_pending(unsigned cpu) override;
  bool is_group1(unsigned cpu, unsigned intid) override { return is_lpi(intid) || irqs_.group1(cpu, intid); }
  bool is_implemented(unsigned intid) override {
    return irqs_.implemented(intid) || (is_lpi(intid) && lpis_[0].implemented());
  }
  void acknowledge(unsigned cpu, unsigned intid) override;
  void deactivate(unsigned cpu, unsigned intid) override {
    if (!is_lpi(intid)) irqs_.set_active(cpu, intid, false);
  }
  void send_sgi(unsigned cpu, uint64_t value, bool group1) override;
  void group_enables_changed(unsigned cpu) override;

  unsigned cpu_with_affinity(uint64_t affinity) const;
  void set_irouter(unsigned intid, uint64_t value);
  uint64_t typer(unsigned cpu) const;

  bool read_distributor_word(unsigned offset, uint32_t& value);
  bool write_distributor_word(unsigned offset, uint32_t value, uint32_t mask);
  bool read_redistributor_word(unsigned cpu, unsigned offset, uint32_t& value);
  bool write_redistributor_word(unsigned cpu, unsigned offset, uint32_t value, uint32_t mask);
  uint64_t read_redistributor(const RedistributorWindow&, Offset, Width);
  void write_redistributor(const RedistributorWindow&, Offset, Width, uint64_t);
  void flush() {
    irqs_.drain_dirty([this](unsigned cpu) { interfaces_[cpu].update_outputs(); });
  }
  void guest_error(std::string_view what, Offset offset, Width width);

  Log& log_;
  const std::vector<uint64_t> affinities_;  // by CPU, masked to the affinity fields
  GicIrqState irqs_;
  uint32_t ctlr_ = 0;                // the two group enables
  std::vector<uint64_t> irouter_;    // by interrupt ID
  std::vector<unsigned> routed_to_;  // CPU by interrupt ID, kNoCpu when no CPU has that affinity; derived
  std::vector<uint32_t> waker_;      // by CPU: ProcessorSleep
  std::vector<Gicv3Lpis> lpis_;      // by CPU
  std::vector<Gicv3CpuInterface> interfaces_;
  std::vector<RedistributorWindow> windows_;  // by region
  PpiSink ppi_sink_{*this};
};

}  // namespace mynah::dev
