// SPDX-License-Identifier: Apache-2.0
//
// LocalApic: a processor's local APIC, xAPIC and x2APIC (Intel SDM volume 3, chapter "Advanced Programmable
// Interrupt Controller"), with its timer (one-shot, periodic, TSC deadline). ApicBus: what carries messages
// between them, and from I/O APICs and PCI functions.
//
// The page at 0xfee00000 is each processor's own: ApicBus is the device there and asks the board which of
// them is reading. In x2APIC mode the registers are MSRs 0x800 to 0x83f, and the page is not there.
//
// Time: the timer's clock and the TSC both run at 1 GHz of guest time, so a TSC value is a TimeNs (its offset
// is the processor's business).
//
// What is not modelled: moving the page by IA32_APIC_BASE; SMI; the performance, thermal and CMCI entries
// keep what is written and nothing raises them but PerfMon through raise_performance().
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "devices/core/device.h"
#include "devices/core/event_queue.h"
#include "devices/core/stateless_device.h"
#include "devices/pci/msi_target.h"

namespace mynah::dev {

// The processor that a local APIC belongs to.
class ApicProcessor {
 public:
  virtual ~ApicProcessor() = default;
  virtual void interrupt_changed() = 0;  // what LocalApic::interrupt_pending() says may have changed
  virtual void nmi() = 0;
  virtual void init() = 0;
  virtual void start_up(uint8_t vector) = 0;
};

enum class ApicDelivery : uint8_t {
  kFixed,
  kLowestPriority,
  kSmi,
  kReserved,
  kNmi,
  kInit,
  kStartUp,
  kExtInt
};

struct ApicMessage {
  static constexpr uint32_t kAll = ~0u;  // what x2APICs mean by all; senders of eight bits say it, too
  uint32_t destination = 0;
  bool logical = false;
  ApicDelivery delivery = ApicDelivery::kFixed;
  uint8_t vector = 0;
  bool level = false;     // triggered by level: its end is told to the I/O APICs
  bool deassert = false;  // INIT level de-assert, which does nothing
};

class ApicBus;

class LocalApic final : public Stateful {
 public:
  // `id`: the initial APIC id. Registers the event "<name>.timer".
  LocalApic(EventQueue& events, ApicBus& bus, ApicProcessor& processor, uint32_t id, bool bootstrap,
            Log& log);

  // --- the processor's side
  // Something is to be taken: above the processor priority, or the 8259's.
  bool interrupt_pending() const;
  // Takes it: its vector. Where nothing is left, the spurious one.
  uint8_t accept();
  std::function<uint8_t()> external_vector;  // the 8259's acknowledge cycle
  uint64_t cr8() const { return tpr_ >> 4; }
  void set_cr8(uint64_t value) { set_tpr(static_cast<uint8_t>(value << 4)); }
  // IA32_APIC_BASE, IA32_TSC_DEADLINE and 0x800 to 0x8ff. False: #GP. `tsc_offset`: what the processor's TSC
  // is ahead of guest time.
  bool read_msr(uint32_t msr, uint64_t& value);
  bool write_msr(uint32_t msr, uint64_t value);
  void set_tsc_offset(uint64_t offset);
  // What CPUID says that it has; both, unless this says otherwise.
  void offer(bool x2apic, bool tsc_deadline);
  bool enabled() const { return base_ & kBaseEnable; }
  uint32_t id() const { return id_; }
  // As firmware leaves the bootstrap processor's: enabled, LINT0 the 8259's, LINT1 NMI.
  void set_virtual_wire();
  void raise_performance() { fire(kPerformance); }

  // --- the bus's and the board's
  bool x2apic() const { return base_ & kBaseX2; }
  bool matches(uint32_t destination, bool logical) const;
  // Whether it was taken: what goes to a local APIC that is off is lost.
  bool deliver(const ApicMessage& message);
  bool takes_interrupts() const { return enabled() && software_enabled(); }
  uint8_t processor_priority() const;
  void set_external(bool level);            // the 8259's output, at LINT0
  void set_nmi_line(bool level);            // LINT1
  uint32_t read_register(unsigned number);  // of the page: offset / 16
  void write_register(unsigned number, uint32_t value);

  // --- Stateful
  std::string_view name() const override { return name_; }
  uint32_t state_version() const override { return 2; }
  void reset() override;  // power on
  void reset_by_init();   // INIT: all but the id and IA32_APIC_BASE

 private:
  static constexpr uint64_t kBaseEnable = 1 << 11, kBaseX2 = 1 << 10, kBaseBootstrap = 1 << 8;
  enum Lvt : unsigned { kTimer, kThermal, kPerformance, kLint0, kLint1, kError, kLvts };
  using Vectors = std::array<uint32_t, 8>;

  void serialize_state(StateStream&) override;
  bool software_enabled() const { return svr_ & 0x100; }
  void set_tpr(uint8_t value);
  bool request(uint8_t vector, bool level);
  void error(uint8_t bit);
  void fire(unsigned lvt);
  bool by_level(unsigned lvt) const;
  bool external_wired() const;
  void look_at_lint0();
  void end_of_interrupt();
  void send(uint64_t icr);
  void send_self(uint8_t vector);
  void write_lvt(unsigned n, uint32_t value);
  uint32_t writable(unsigned lvt) const;
  // --- timer
  uint64_t divider() const;
  uint32_t timer_mode() const { return lvt_[kTimer] >> 17 & 3; }
  uint32_t current_count() const;
  void start_timer(TimeNs from, uint32_t count);
  void stop_timer();
  void set_divider(uint32_t value);
  void set_timer_mode(uint32_t entry);
  void set_deadline(uint64_t tsc);
  void timer_expired(TimeNs late);
  uint64_t tsc() const { return static_cast<uint64_t>(events_.now()) + tsc_offset_; }

  EventQueue& events_;
  ApicBus& bus_;
  ApicProcessor& processor_;
  Log& log_;
  const uint32_t id_;
  const bool bootstrap_;
  std::string name_;
  EventId timer_event_;

  uint64_t base_ = 0;
  uint32_t ldr_ = 0, dfr_ = ~0u, svr_ = 0xff;
  uint8_t tpr_ = 0;
  uint8_t external_ = 0, nmi_line_ = 0;
  Vectors irr_{}, isr_{}, tmr_{};
  uint32_t esr_ = 0, esr_new_ = 0;
  uint64_t icr_ = 0;
  std::array<uint32_t, kLvts> lvt_{};
  uint32_t initial_count_ = 0, divide_ = 0;
  TimeNs timer_start_ = 0;    // when the count was start_count_
  uint32_t start_count_ = 0;  // 0: it does not count
  bool x2apic_offered_ = true, deadline_offered_ = true;
  uint64_t deadline_ = 0, tsc_offset_ = 0;
};

class ApicBus final : public StatelessDevice, public pci::MsiTarget {
 public:
  static constexpr uint64_t kWindow = 0xfee00000, kWindowSize = 0x1000;
  explicit ApicBus(Log& log) : StatelessDevice("apic-page"), log_(log) {}

  void add(LocalApic& apic) { apics_.push_back(&apic); }
  // Which of them accesses the page.
  std::function<LocalApic&()> current;
  // The end of a level-triggered interrupt, told to I/O APICs.
  std::function<void(uint8_t vector)> on_end_of_interrupt;

  bool send(const ApicMessage& message);                            // whether anybody took it
  void send_all(const ApicMessage& message, const LocalApic* but);  // but: left out
  void end_of_interrupt(uint8_t vector) {
    if (on_end_of_interrupt) on_end_of_interrupt(vector);
  }

  // --- Device
  uint64_t read(Offset, Width) override;
  void write(Offset, Width, uint64_t) override;
  // --- MsiTarget: addresses 0xfee00000 to 0xfeefffff
  bool message(uint64_t address, uint32_t data, uint16_t requester) override;

 private:
  Log& log_;
  std::vector<LocalApic*> apics_;
};

}  // namespace mynah::dev
