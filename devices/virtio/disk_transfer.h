// SPDX-License-Identifier: Apache-2.0
//
// Requests of a disk controller: data between a disk and the pieces of guest memory that a request names,
// done at once where the host answers at once, else later, by other threads (BlockBackend::later).
//
// Each function returns what the request came to, or nothing: then `ended` is called with it later, on the
// machine's thread. Other threads see copies only, never guest memory; who waits for a request has the
// pieces' addresses as they were when it began.
#pragma once

#include <functional>
#include <optional>
#include <span>

#include "devices/core/host_backends.h"
#include "devices/virtio/scatter.h"

namespace mynah::dev {

using Ended = std::function<void(Transfer)>;

std::optional<Transfer> read_disk(BlockBackend& disk, uint64_t offset, uint64_t n, DmaMemory& memory,
                                  std::span<const Segment> to, Ended ended);
// stable: it ends when the disk has it for good.
std::optional<Transfer> write_disk(BlockBackend& disk, uint64_t offset, uint64_t n, ScatterCursor from,
                                   bool stable, Ended ended);
// Anything else that may take long: a flush, ranges to discard. kDone or kRefused.
std::optional<Transfer> work_on_disk(BlockBackend& disk, BlockBackend::Work work, Ended ended);

}  // namespace mynah::dev
