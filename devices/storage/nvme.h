// SPDX-License-Identifier: Apache-2.0
//
// NVMe controller, NVM Express 1.4, on PCI (1b36:0010). Interfaces: a BlockBackend a namespace. Up to 64
// pairs of I/O queues, MSI-X with a vector each or the pin, PRPs (no SGLs: Identify says so), volatile write
// cache, read, write, compare, flush, write zeroes, deallocation; asynchronous events for doorbells and
// temperature; log pages of errors, health, firmware and effects. No metadata, protection, fused commands,
// namespace management, firmware update, boot partitions, memory buffers.
//
// Commands complete inside the doorbell's write, in order of each queue; a queue whose completion queue is
// full waits for the latter's doorbell. Work of one write is bounded by the queue's size and by
// kMostTransfer. A queue that is not in RAM is fatal (CSTS.CFS) until the controller is reset, as the manual
// has it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "devices/core/host_backends.h"
#include "devices/pci/function.h"
#include "devices/storage/nvme_fields.h"
#include "devices/virtio/disk_transfer.h"
#include "devices/virtio/scatter.h"

namespace mynah::dev {

class Nvme final : public pci::Function {
 public:
  struct Options {
    std::string serial;                 // the first 20 bytes count
    uint32_t logical_block_size = 512;  // 512 to 4096, a power of two
    unsigned io_queues = 64;            // pairs, 1 to 64
  };
  // namespaces: of IDs 1, 2, ...; at most 256.
  Nvme(Log& log, std::vector<BlockBackend*> namespaces, Options options);

  uint32_t state_version() const override { return 1; }

 private:
  static constexpr unsigned kMaxQueues = 65;  // with the admin queue
  static constexpr unsigned kMaxEntries = 2048;
  static constexpr unsigned kTransferPages = 128;  // of 4 KiB: Identify's MDTS
  static constexpr uint64_t kMostTransfer = uint64_t{kTransferPages} << 12;
  static constexpr unsigned kMaxAsyncEvents = 4;
  static constexpr unsigned kFeatures = 12;

  struct SubmissionQueue {
    uint64_t pa = 0;
    uint32_t size = 0;  // entries; 0: there is no such queue
    uint32_t head = 0, tail = 0;
    uint16_t cq = 0;
  };
  struct CompletionQueue {
    uint64_t pa = 0;
    uint32_t size = 0;
    uint32_t head = 0, tail = 0;
    uint16_t vector = 0;
    bool interrupts = false, phase = true;
    uint32_t owed = 0;     // entries for commands that end later
    bool stalled = false;  // a submission queue waits for room
    bool full() const { return size == 0 || (tail + size - head) % size + owed + 1 >= size; }
  };
  // An asynchronous event: its type, what of it, and the log page that says more.
  struct Event {
    uint8_t type, info, log_page;
  };
  static constexpr Event kInvalidDoorbell{0, 0, 1}, kInvalidDoorbellValue{0, 1, 1}, kTemperature{1, 1, 2};
  static constexpr uint32_t kAllNamespaces = 0xffff'ffff;
  // In kelvins; what it has, where it warns, where it is critical.
  static constexpr uint16_t kCompositeTemperature = 323, kWarningTemperature = 343,
                            kCriticalTemperature = 373;
  // What a command comes to. Of asynchronous events, and of what the disk does later: nothing yet.
  struct Outcome {
    uint16_t status = nvme::kSuccess;
    uint32_t result = 0;
    bool later = false;
    Outcome(uint16_t status) : status(status) {}  // NOLINT: implicit by intent
    Outcome(uint16_t status, uint32_t result, bool later = false)
        : status(status), result(result), later(later) {}
  };

  // --- pci::Function
  uint64_t bar_read(unsigned bar, uint64_t offset, Width width) override;
  void bar_write(unsigned bar, uint64_t offset, Width width, uint64_t value) override;
  void reset_model() override;
  void serialize_model(StateStream& stream) override;
  void messages_changed() override { update_line(); }

  // --- Registers and queues, nvme.cpp
  uint32_t read_register(uint64_t offset);
  void write_register(uint64_t offset, uint32_t value);
  void write_configuration(uint32_t value);
  void start();
  void stop();
  void fatal(const char* reason);
  void write_doorbell(unsigned index, uint32_t value);
  void process(unsigned sq);
  void complete(unsigned sq, uint16_t command_id, Outcome outcome);
  void note_error(unsigned sq, const nvme::Command& c, Outcome outcome);
  // The queues' last requests end; before they go.
  void settle();
  void update_line();
  void post_event(Event event);
  void deliver_events();
  bool working() const { return (csts_ & (nvme::kCstsReady | nvme::kCstsFatal)) == nvme::kCstsReady; }
  uint64_t page_size() const { return uint64_t{1} << nvme::cc_page_bits(cc_); }

  // --- The data of a command, nvme_transfer.cpp
  // Its pages, for n bytes, in segments_.
  uint16_t map_data(const nvme::Command& c, uint64_t n);
  uint16_t to_host(const nvme::Command& c, std::span<const uint8_t> from);
  uint16_t from_host(const nvme::Command& c, std::span<uint8_t> to);

  // --- nvme_admin.cpp
  Outcome admin(const nvme::Command& c);
  Outcome create_sq(const nvme::Command& c);
  Outcome create_cq(const nvme::Command& c);
  Outcome delete_sq(const nvme::Command& c);
  Outcome delete_cq(const nvme::Command& c);
  Outcome abort(const nvme::Command& c);
  Outcome async_event(const nvme::Command& c);
  Outcome set_features(const nvme::Command& c);
  Outcome get_features(const nvme::Command& c);
  void check_temperature();

  // --- nvme_identify.cpp
  Outcome identify(const nvme::Command& c);
  Outcome get_log_page(const nvme::Command& c);
  void identify_controller(std::span<uint8_t> to) const;
  void identify_namespace(uint32_t nsid, std::span<uint8_t> to) const;
  uint64_t eui64(uint32_t nsid) const;
  void health_log(std::span<uint8_t> to) const;

  // --- nvme_io.cpp
  struct Blocks {
    uint64_t offset, size;  // bytes
  };
  Outcome io(unsigned sq, const nvme::Command& c);
  BlockBackend* disk(uint32_t nsid) const;
  uint64_t blocks(const BlockBackend& disk) const { return disk.size() / options_.logical_block_size; }
  std::optional<Blocks> blocks_of(const BlockBackend& disk, uint64_t first, uint64_t count) const;
  Outcome read(unsigned sq, const nvme::Command& c, BlockBackend& disk, Blocks at);
  Outcome write(unsigned sq, const nvme::Command& c, BlockBackend& disk, Blocks at);
  uint16_t compare(const nvme::Command& c, BlockBackend& disk, Blocks at);
  Outcome write_zeroes(unsigned sq, const nvme::Command& c, BlockBackend& disk, Blocks at);
  Outcome dataset_management(unsigned sq, const nvme::Command& c, BlockBackend& disk);
  Outcome flush(unsigned sq, const nvme::Command& c);
  bool flush_all();
  // A write is stable when it completes where the guest asked for that, or has no cache.
  bool to_be_stable(const nvme::Command& c) const;
  // Counts what is told of health, and the status of a request of a disk.
  Outcome told(const nvme::Command& c, Transfer took, uint16_t refused);
  Outcome told_or_later(unsigned sq, const nvme::Command& c, std::optional<Transfer> took, uint16_t refused);
  Ended ends_later(unsigned sq, const nvme::Command& c, uint16_t refused);

  const std::vector<BlockBackend*> namespaces_;
  const Options options_;

  uint32_t cc_ = 0, csts_ = 0, intms_ = 0, aqa_ = 0;
  uint64_t asq_ = 0, acq_ = 0;
  std::array<SubmissionQueue, kMaxQueues> sqs_;
  std::array<CompletionQueue, kMaxQueues> cqs_;
  std::array<uint32_t, kFeatures> features_{};
  uint32_t temperature_low_ = 0;  // the under-temperature threshold
  std::array<uint8_t, kMaxQueues> coalescing_disabled_{};
  std::vector<uint16_t> async_commands_;  // that wait for an event
  std::vector<Event> events_;             // that wait for a command
  uint8_t masked_events_ = 0;             // types that are reported until their log page is read
  uint64_t reads_ = 0, writes_ = 0, blocks_read_ = 0, blocks_written_ = 0;  // of 512 bytes
  uint64_t errors_ = 0;
  struct {
    uint16_t sq, command_id, status;
    uint64_t lba;
    uint32_t nsid;
  } last_error_{};

  std::vector<Segment> segments_;  // of the command that is being executed
};

}  // namespace mynah::dev
