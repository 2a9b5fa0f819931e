// SPDX-License-Identifier: Apache-2.0
//
// The evaluator: dispatch of pure ops to their families, and the run of a region.
//
// A guard's value is the host pointer for its base address plus zero, whatever its range: EvalHost::guard()
// answers in that form. Guest memory is touched through it with the access's own size, never more.
#include "ir/eval.h"

#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "ir/eval_lanes.h"
#include "ir/host_memory.h"

namespace mynah::ir {

V128 evaluate_op(const OpInput& in, const FpMode& fp, uint32_t& sticky) {
  switch (family(in.op)) {
    case Family::kMove:
    case Family::kLogic:
    case Family::kVector:
      return evaluate_vector(in);
    case Family::kSaturating:
      return evaluate_saturating(in, sticky);
    case Family::kFloat:
      return evaluate_fp(in, fp, sticky);
    case Family::kCrypto:
      return evaluate_crypto(in);
    default:
      return evaluate_integer(in);
  }
}

void run_op(Runtime* runtime, uint64_t packed, uint64_t imm) {
  // Argument types: an fp scalar or integer argument's width matters to few ops; they say it in `aux` or
  // here.
  Type types[4];
  for (unsigned i = 0; i < 4; ++i) types[i] = static_cast<Type>(packed >> (32 + 8 * i) & 0xff);
  const OpInput in{static_cast<Op>(packed & 0xffff),
                   static_cast<Type>(packed >> 16 & 0xff),
                   static_cast<uint8_t>(packed >> 24),
                   imm,
                   runtime->vector_args,
                   types};
  runtime->vector_result = evaluate_op(in, runtime->fp_mode, runtime->fp_sticky);
}

namespace {

uint64_t combine(Op op, uint64_t old, uint64_t x, unsigned width) {
  const int64_t a = sign_extend(old, width), b = sign_extend(x, width);
  const uint64_t mask = width_mask(width);
  old &= mask;
  x &= mask;
  switch (op) {
    case Op::rmw_add:
      return old + x;
    case Op::rmw_andn:
      return old & ~x;
    case Op::rmw_or:
      return old | x;
    case Op::rmw_xor:
      return old ^ x;
    case Op::rmw_smax:
      return a > b ? old : x;
    case Op::rmw_smin:
      return a < b ? old : x;
    case Op::rmw_umax:
      return old > x ? old : x;
    case Op::rmw_umin:
      return old < x ? old : x;
    default:
      return x;  // xchg
  }
}

// cas, xchg and rmw_*: the old value. What is not aligned is not atomic: guards demand alignment where the
// guest architecture promises atomicity.
template <typename T>
uint64_t update(Op op, uint8_t* p, uint64_t b, uint64_t c) {
  const auto next = [&](T old) {
    return static_cast<T>(op == Op::cas ? c : combine(op, old, b, 8 * sizeof(T)));
  };
  T old = host_load<T>(p);
  if (!host_aligned(p, sizeof(T))) {
    if (op != Op::cas || old == static_cast<T>(b)) host_store(p, next(old));
  } else if (op == Op::cas) {
    old = static_cast<T>(b);
    host_compare_exchange(p, old, next(old));
  } else {
    while (!host_compare_exchange(p, old, next(old))) {
    }
  }
  return old;
}

V128 compare_and_swap_128(uint8_t* p, V128 expected, const V128& desired) {
  if (reinterpret_cast<uintptr_t>(p) % 16 != 0) {
    V128 old;
    std::memcpy(&old, p, 16);
    if (old == expected) std::memcpy(p, &desired, 16);
    return old;
  }
  // The compilers call a library for 16-byte atomics, which need not be lock-free and so not be atomic
  // against translated code.
#if defined(__x86_64__)
  asm volatile("lock cmpxchg16b %[cell]"
               : "+a"(expected.lo), "+d"(expected.hi), [cell] "+m"(*reinterpret_cast<V128*>(p))
               : "b"(desired.lo), "c"(desired.hi)
               : "cc", "memory");
  return expected;
#elif defined(__aarch64__)
  uint64_t lo, hi;
  uint32_t failed;
  do {
    asm volatile("ldaxp %0, %1, %2" : "=&r"(lo), "=&r"(hi) : "Q"(*reinterpret_cast<V128*>(p)) : "memory");
    // A mismatch stores the old value back: only then is the pair known to have been read at once.
    const bool equal = V128{lo, hi} == expected;
    asm volatile("stlxp %w0, %2, %3, %1"
                 : "=&r"(failed), "=Q"(*reinterpret_cast<V128*>(p))
                 : "r"(equal ? desired.lo : lo), "r"(equal ? desired.hi : hi)
                 : "memory");
  } while (failed);
  return {lo, hi};
#else
#error "16-byte compare and swap is not written for this host"
#endif
}

V128 read_slot(const uint8_t* state, const SlotInfo& slot) {
  V128 v;
  std::memcpy(&v, state + slot.offset, bytes(slot.type));
  if (slot.type == Type::i1) v.lo &= 1;
  return v;
}

void write_slot(uint8_t* state, const SlotInfo& slot, const V128& v) {
  std::memcpy(state + slot.offset, &v, bytes(slot.type));
}

// Values of a region: on the stack for all but the largest ones.
class ValueTable {
 public:
  explicit ValueTable(size_t count) {
    if (count > kSmall) {
      large_ = std::make_unique<V128[]>(count);
      values_ = large_.get();
    }
  }
  V128& operator[](size_t i) { return values_[i]; }

 private:
  static constexpr size_t kSmall = 512;
  alignas(V128) std::byte small_[kSmall * sizeof(V128)];  // not cleared: a value is written before it is read
  std::unique_ptr<V128[]> large_;
  V128* values_ = reinterpret_cast<V128*>(small_);
};

class Evaluation {
 public:
  Evaluation(const Region& region, uint8_t* state, uint32_t& sticky, EvalHost& host)
      : r_(region), state_(state), sticky_(sticky), host_(host), values_(region.insts.size()) {}

  EvalResult run() {
    uint32_t at = r_.blocks.empty() ? 0 : r_.blocks[0].first;
    for (;;) {
      const Inst& inst = r_.insts[at];
      switch (inst.op) {
        case Op::jump:
          at = follow(r_.edges_of(inst)[0]);
          continue;
        case Op::branch:
          at = follow(r_.edges_of(inst)[arg(inst, 0) & 1 ? 0 : 1]);
          continue;
        case Op::exit_if:
          if (!(arg(inst, 0) & 1)) break;
          [[fallthrough]];
        case Op::exit:
          return leave(Leave::kLink, at, 0);
        case Op::exit_indirect:
          return leave(Leave::kIndirect, at, arg(inst, 0));
        case Op::exit_engine_if:
          if (arg(inst, 0) & 1) return leave(Leave::kEngine, at, 0);
          break;
        case Op::exit_engine:
          return leave(Leave::kEngine, at, inst.args[0] == kNoValue ? 0 : arg(inst, 0));
        case Op::guard: {
          write_snapshot(inst);
          uint8_t* pointer = nullptr;
          if (!host_.guard(r_, inst, arg(inst, 0), pointer)) return {Leave::kGuard, at, 0};
          values_[at] = {reinterpret_cast<uintptr_t>(pointer), 0};
          break;
        }
        case Op::index:
          values_[at] = {reinterpret_cast<uintptr_t>(pointer(inst, 0)) + arg(inst, 1), 0};
          break;
        case Op::commit:
          write_snapshot(inst);
          if (!host_.commit(r_, inst, pointer(inst, 0))) return {Leave::kGuard, at, 0};
          break;
        case Op::call: {
          write_snapshot(inst);
          uint64_t args[4] = {};
          for (int i = 0; i < 4; ++i) {
            if (inst.args[i] != kNoValue) args[i] = arg(inst, i);
          }
          uint64_t result = 0;
          if (!call_helper(inst, args, result)) return {Leave::kCall, at, 0};
          values_[at] = {bits(inst.type) < 64 ? result & width_mask(bits(inst.type)) : result, 0};
          break;
        }
        default:
          values_[at] = evaluate(inst);
          break;
      }
      ++at;
    }
  }

 private:
  uint64_t arg(const Inst& inst, int i) { return values_[inst.args[i]].lo; }
  uint8_t* pointer(const Inst& inst, int64_t offset) {
    return reinterpret_cast<uint8_t*>(values_[inst.args[0]].lo + static_cast<uint64_t>(offset));
  }

  // Gives the block its parameters and returns its first other instruction. The arguments are all read before
  // the first parameter is written: a loop may permute them.
  uint32_t follow(const Edge& e) {
    const uint32_t first = r_.blocks[e.block].first;
    std::vector<V128> incoming(e.count);
    for (uint32_t i = 0; i < e.count; ++i) incoming[i] = values_[r_.jump_arguments[e.first + i]];
    for (uint32_t i = 0; i < e.count; ++i) values_[first + i] = incoming[i];
    return first + e.count;
  }

  bool call_helper(const Inst& inst, const uint64_t args[4], uint64_t& result) {
    if (!host_.checks_helpers() || r_.helpers.empty()) return host_.call(r_, inst, args, result);
    const HelperInfo& what = r_.helper(inst);
    std::vector<V128> before;
    for (const SlotInfo& slot : r_.slots) before.push_back(read_slot(state_, slot));
    const bool goes_on = host_.call(r_, inst, args, result);
    if (!goes_on && !what.may_leave)
      broken(r_, "helper " + std::string(what.name) + " leaves, and has not said that it might");
    for (Slot s = 0; goes_on && s < r_.slots.size(); ++s) {
      if (!what.writes.contains(s) && read_slot(state_, r_.slots[s]) != before[s])
        broken(r_, "helper " + std::string(what.name) + " writes " + std::string(r_.slots[s].name) +
                       ", and has not said that it might");
    }
    return goes_on;
  }

  void write_snapshot(const Inst& inst) {
    for (const SnapshotEntry& e : r_.entries(r_.snapshot(inst)))
      write_slot(state_, r_.slots[e.slot], values_[e.value]);
  }

  EvalResult leave(Leave how, uint32_t at, uint64_t target) {
    write_snapshot(r_.insts[at]);
    return {how, at, target};
  }

  // Acquire and release as sequentially consistent fences: Arm's load-acquire is ordered behind an earlier
  // store-release.
  void fence_if(bool ordered) {
    if (ordered && r_.smp) std::atomic_thread_fence(std::memory_order_seq_cst);
  }

  V128 evaluate(const Inst& inst) {
    switch (inst.op) {
      case Op::konst:
        return r_.constant(inst);
      case Op::get:
        return read_slot(state_, r_.slots[inst.slot()]);
      case Op::set:
        write_slot(state_, r_.slots[inst.slot()], values_[inst.args[0]]);
        return {};
      case Op::fp_status:
        return {std::exchange(sticky_, static_cast<uint32_t>(arg(inst, 0))), 0};
      case Op::load: {
        const uint8_t* p = pointer(inst, inst.offset());
        const unsigned size = inst.access_size();
        fence_if(inst.aux & kMemAcquire);
        V128 v;
        if (size == 4) {
          v = {host_load<uint64_t>(p), host_load<uint64_t>(p + 8)};
        } else {
          v.lo = with_host_type(size, [p](auto t) { return uint64_t{host_load<decltype(t)>(p)}; });
          if (inst.aux & kMemSigned) {
            v.lo = static_cast<uint64_t>(sign_extend(v.lo, 8u << size)) & width_mask(bits(inst.type));
          }
        }
        fence_if(inst.aux & kMemAcquire);
        return v;
      }
      case Op::store: {
        uint8_t* p = pointer(inst, inst.offset());
        const unsigned size = inst.access_size();
        const V128& v = values_[inst.args[1]];
        fence_if(inst.aux & kMemRelease);
        if (size == 4) {
          host_store(p, v.lo);
          host_store(p + 8, v.hi);
        } else {
          with_host_type(size, [&](auto t) { host_store(p, static_cast<decltype(t)>(v.lo)); });
        }
        fence_if(inst.aux & kMemRelease);
        return {};
      }
      case Op::cas:
      case Op::xchg:
      case Op::rmw_add:
      case Op::rmw_andn:
      case Op::rmw_or:
      case Op::rmw_xor:
      case Op::rmw_smax:
      case Op::rmw_smin:
      case Op::rmw_umax:
      case Op::rmw_umin:
        return {with_host_type(inst.access_size(),
                               [&](auto t) {
                                 return update<decltype(t)>(inst.op, pointer(inst, inst.offset()),
                                                            arg(inst, 1),
                                                            inst.op == Op::cas ? arg(inst, 2) : 0);
                               }),
                0};
      case Op::cas128:
        return compare_and_swap_128(pointer(inst, inst.offset()), values_[inst.args[1]],
                                    values_[inst.args[2]]);
      case Op::fence:
        std::atomic_thread_fence(std::memory_order_seq_cst);
        return {};
      default: {
        V128 args[4];
        Type types[4] = {};
        const size_t count = facts(inst.op).arguments;
        for (size_t i = 0; i < count; ++i) {
          args[i] = values_[inst.args[i]];
          types[i] = r_.insts[inst.args[i]].type;
        }
        const OpInput in{inst.op, inst.type, inst.aux, inst.imm, args, types};
        if (family(inst.op) == Family::kExtended) return evaluate_f80(in, state_);
        return evaluate_op(in, r_.fp, sticky_);
      }
    }
  }

  const Region& r_;
  uint8_t* state_;
  uint32_t& sticky_;
  EvalHost& host_;
  ValueTable values_;
};

}  // namespace

EvalResult evaluate(const Region& region, uint8_t* state, uint32_t& sticky, EvalHost& host) {
  return Evaluation(region, state, sticky, host).run();
}

}  // namespace mynah::ir
