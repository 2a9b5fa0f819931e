// SPDX-License-Identifier: Apache-2.0
//
// Exceptions and interrupts (SDM vol. 3, chapter 6): delivery by the real-mode table, by interrupt, trap and
// task gates, and in long mode; what an exception during delivery makes of it.
//
// pc() is what the handler returns to, plus Exception::length for instructions that trap (INT n, INT3, INTO,
// INT1). Delivery checks everything that may fault before it changes any state; then shadow and step of the
// interrupted instruction are gone.
#pragma once

#include "frontend/x86/cpu.h"

namespace mynah::x86 {

// kAgain: an access is to be made by itself (X86System::LinearFault::alone), and nothing has changed. kNever:
// a triple fault, the processor shuts down.
enum class Taken : uint8_t { kYes, kAgain, kNever };
// Takes the exception or interrupt, or the double fault that it comes to.
[[nodiscard]] Taken take_exception(X86Cpu& cpu, const Exception& exception);

// Its class is fault: the saved RF is set, and the instruction is begun again.
bool is_fault(const Exception& exception);

}  // namespace mynah::x86
